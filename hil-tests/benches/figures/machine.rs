//! The machine that the figures are of, and whether its disk is one.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};

/// Filesystems in memory: a commit there costs nothing and a figure of it says nothing.
const IN_MEMORY: [&str; 2] = ["tmpfs", "ramfs"];

/// What stands above the table. No host name.
pub fn describe(filesystem: &str) -> Result<String> {
    let cpus = fs::read_to_string("/proc/cpuinfo").context("reading /proc/cpuinfo")?;
    let field = |name: &str| cpus.lines().find_map(|l| l.strip_prefix(name)?.split_once(':').map(|(_, v)| v.trim()));
    let model = field("model name").or_else(|| field("Model")).unwrap_or("unknown processor");
    let cores = std::thread::available_parallelism()?;
    let memory = fs::read_to_string("/proc/meminfo").context("reading /proc/meminfo")?;
    let kib: u64 = memory.split_whitespace().nth(1).and_then(|kib| kib.parse().ok()).context("MemTotal")?;
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").context("reading the kernel's version")?;
    let gib = (kib + (1 << 19)) >> 20;
    let kernel = kernel.trim();
    Ok(format!("{model}, {cores} cores, {gib} GiB of memory, disk with {filesystem}, Linux {kernel}"))
}

/// The type of the filesystem that holds `path`.
///
/// # Errors
/// When it is kept in memory; the message names the path.
pub fn filesystem(path: &Path) -> Result<String> {
    let path = path.canonicalize().with_context(|| format!("finding {}", path.display()))?;
    let mounts = fs::read_to_string("/proc/self/mountinfo").context("reading /proc/self/mountinfo")?;
    let kind = holder(&mounts, &path).with_context(|| format!("no mount holds {}", path.display()))?;
    if IN_MEMORY.contains(&kind.as_str()) {
        bail!("{} is on {kind}: name a folder on a real disk with --dir", path.display());
    }
    Ok(kind)
}

/// The last mount whose mount point is the longest prefix of `path` (proc(5): fields before and after a lone `-`).
fn holder(mounts: &str, path: &Path) -> Option<String> {
    let parsed = mounts.lines().filter_map(|line| {
        let (before, after) = line.split_once(" - ")?;
        Some((Path::new(before.split(' ').nth(4)?), after.split(' ').next()?))
    });
    let fitting = parsed.filter(|(point, _)| path.starts_with(point));
    fitting.max_by_key(|(point, _)| point.components().count()).map(|(_, kind)| kind.to_owned())
}

/// A wrong answer here would print figures of memory as figures of a disk, so each run checks it.
pub fn check_refusal() -> Result<()> {
    let mounts = "21 1 8:1 / / rw - ext4 /dev/a rw\n30 21 0:25 / /dev/shm rw shared:3 - tmpfs tmpfs rw\n";
    ensure!(holder(mounts, Path::new("/dev/shm/x")).as_deref() == Some("tmpfs"), "tmpfs was not seen");
    ensure!(holder(mounts, Path::new("/dev/shmoo")).as_deref() == Some("ext4"), "a prefix is not a folder");
    Ok(())
}
