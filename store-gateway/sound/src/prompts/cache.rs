//! Spoken sound on disk: one file each, named by the digest of what was said, with a digest of its own samples in front.
//!
//! Files appear by a rename, so that a power cut leaves the whole or nothing; what a bad card makes of them later is found
//! by the digest, and they are made anew. Nothing here is precious, so nothing is synced.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::SystemTime;

use ring::digest::{Context, SHA256, SHA256_OUTPUT_LEN, digest};

/// Changes when the same text would sound otherwise: levelling, trimming, resampling, the arguments of the program.
const VERSION: &str = "store-sound 1";
/// What a file begins with.
const MAGIC: &[u8; 8] = b"SGPCM1\r\n";
/// Names of whole files and of those being written.
const WHOLE: &str = "pcm";
const PART: &str = "part";
/// A full cache is emptied to this many percent, so that it isn't swept for every new text.
const SWEEP_TO_PERCENT: u64 = 90;

/// The name of a sound: 32 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Key([u8; 32]);

impl Key {
    /// The key of some parts; their borders count.
    pub(super) fn of(parts: &[&str]) -> Self {
        let mut context = Context::new(&SHA256);
        for part in [VERSION].iter().chain(parts) {
            context.update(&(part.len() as u64).to_le_bytes());
            context.update(part.as_bytes());
        }
        let mut name = [0; 32];
        for (digits, octet) in name.chunks_exact_mut(2).zip(context.finish().as_ref()) {
            digits.copy_from_slice(&[octet >> 4, octet & 15].map(|half| b"0123456789abcdef"[usize::from(half)]));
        }
        Self(name)
    }

    pub(super) fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).expect("hexadecimal digits are ASCII")
    }
}

/// The folder.
pub(super) struct Disk {
    folder: PathBuf,
    most_octets: u64,
    /// Tells apart files that are written at once.
    written: AtomicU64,
}

impl Disk {
    /// Makes the folder if it is not there, and removes what a power cut left half written.
    pub(super) fn open(folder: PathBuf, most_octets: u64) -> io::Result<Self> {
        make_folder(&folder)?;
        for entry in fs::read_dir(&folder)?.flatten() {
            if entry.path().extension().is_some_and(|e| e == PART) {
                fs::remove_file(entry.path())?;
            }
        }
        let disk = Self { folder, most_octets, written: AtomicU64::new(0) };
        disk.sweep()?;
        Ok(disk)
    }

    /// A sound, if it is there and whole; it counts as used now.
    pub(super) fn load(&self, key: Key) -> Option<Vec<i16>> {
        let path = self.path(key);
        let file = fs::read(&path).ok()?;
        let Some(samples) = samples_of(&file) else {
            tracing::warn!(octets = file.len(), "a kept prompt is damaged and is spoken anew");
            drop(fs::remove_file(&path));
            return None;
        };
        self.mark_used(key);
        Some(samples)
    }

    /// Notes that a sound was used now; a card that refuses that costs only the order in which sounds go.
    pub(super) fn mark_used(&self, key: Key) {
        drop(File::options().append(true).open(self.path(key)).and_then(|f| f.set_modified(SystemTime::now())));
    }

    /// Keeps a sound, and makes room for it.
    pub(super) fn store(&self, key: Key, samples: &[i16]) -> io::Result<()> {
        let octets: Vec<u8> = samples.iter().flat_map(|s| s.to_le_bytes()).collect();
        let sum = digest(&SHA256, &octets);
        let part =
            self.folder.join(format!("{}-{}.{PART}", key.as_str(), self.written.fetch_add(1, Ordering::Relaxed)));
        let done =
            write_private(&part, &[MAGIC, sum.as_ref(), &octets]).and_then(|()| fs::rename(&part, self.path(key)));
        if done.is_err() {
            // A full disk: leave no half of it there.
            drop(fs::remove_file(&part));
        }
        done.and_then(|()| self.sweep())
    }

    fn path(&self, key: Key) -> PathBuf {
        self.folder.join(key.as_str()).with_extension(WHOLE)
    }

    /// Removes what was used longest ago when there is more than may be.
    fn sweep(&self) -> io::Result<()> {
        let mut files = Vec::new();
        for entry in fs::read_dir(&self.folder)?.flatten() {
            let path = entry.path();
            if let (true, Ok(meta)) = (path.extension().is_some_and(|e| e == WHOLE), entry.metadata()) {
                files.push((meta.modified().unwrap_or(SystemTime::UNIX_EPOCH), meta.len(), path));
            }
        }
        let mut octets: u64 = files.iter().map(|(_, length, _)| length).sum();
        if octets <= self.most_octets {
            return Ok(());
        }
        files.sort();
        let enough = self.most_octets / 100 * SWEEP_TO_PERCENT;
        for (_, length, path) in files {
            if octets <= enough {
                break;
            }
            fs::remove_file(path)?;
            octets -= length;
        }
        Ok(())
    }
}

fn samples_of(file: &[u8]) -> Option<Vec<i16>> {
    let body = file.strip_prefix(MAGIC)?;
    let (sum, octets) = body.split_at_checked(SHA256_OUTPUT_LEN)?;
    let is_whole = octets.len() % 2 == 0 && digest(&SHA256, octets).as_ref() == sum;
    is_whole.then(|| octets.chunks_exact(2).map(|o| i16::from_le_bytes([o[0], o[1]])).collect())
}

/// Makes a folder that is for the daemon alone: prompts may say how somebody's order stands.
pub(super) fn make_folder(folder: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

/// Writes a file that is for the daemon alone.
pub(super) fn write_private(path: &Path, parts: &[&[u8]]) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)?;
    parts.iter().try_for_each(|part| file.write_all(part))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn disk(most_octets: u64) -> (tempfile::TempDir, Disk) {
        let folder = tempfile::tempdir().unwrap();
        let disk = Disk::open(folder.path().join("a/b"), most_octets).unwrap();
        (folder, disk)
    }

    #[test]
    fn the_borders_between_parts_count() {
        assert!(Key::of(&["ab", "c"]) != Key::of(&["a", "bc"]));
        assert!(Key::of(&["ab", "c"]) == Key::of(&["ab", "c"]));
        assert_eq!(Key::of(&["a"]).as_str().len(), 32);
    }

    #[test]
    fn what_is_kept_comes_back_and_any_flipped_bit_is_seen() {
        let (_folder, disk) = disk(1 << 20);
        let key = Key::of(&["a"]);
        let samples = [1, -2, i16::MIN, i16::MAX];
        disk.store(key, &samples).unwrap();
        assert_eq!(disk.load(key).unwrap(), samples);
        let path = disk.path(key);
        let good = fs::read(&path).unwrap();
        for at in 0..good.len() {
            let mut bad = good.clone();
            bad[at] ^= 1;
            fs::write(&path, bad).unwrap();
            assert_eq!(disk.load(key), None, "octet {at}");
            assert!(!path.exists(), "a damaged file is removed");
        }
        for length in 0..good.len() {
            fs::write(&path, &good[..length]).unwrap();
            assert_eq!(disk.load(key), None, "{length} octets");
        }
    }

    #[test]
    fn the_least_used_go_first_when_the_bound_is_reached() {
        // Each file has 40 octets in front of its samples: 1 000 in all, and ten are the most.
        let (_folder, disk) = disk(10_000);
        let keys: Vec<Key> = (0..11).map(|n| Key::of(&[n.to_string().as_str()])).collect();
        let now = SystemTime::now();
        for (age, key) in keys.iter().enumerate().take(10) {
            disk.store(*key, &[7; 480]).unwrap();
            let written = now - Duration::from_secs(1_000 - age as u64);
            File::options().append(true).open(disk.path(*key)).unwrap().set_modified(written).unwrap();
        }
        assert!(disk.load(keys[0]).is_some(), "the oldest is used again");
        disk.store(keys[10], &[7; 480]).unwrap();
        let there: Vec<bool> = keys.iter().map(|key| disk.path(*key).exists()).collect();
        assert_eq!(there, [true, false, false, true, true, true, true, true, true, true, true]);
    }

    #[test]
    fn what_a_power_cut_left_is_removed_at_the_start() {
        let (folder, disk) = disk(1 << 20);
        let part = folder.path().join("a/b/x-0.part");
        fs::write(&part, "half").unwrap();
        drop(disk);
        Disk::open(folder.path().join("a/b"), 1 << 20).unwrap();
        assert!(!part.exists());
    }
}
