//! The product's figures beside their budgets (DESIGN's, see `docs/decisions`) and beside peers, measured in one run with the
//! release build on a real disk. Prints a table in Markdown.

mod calls;
mod catch_up;
mod counter;
mod disk;
mod machine;
#[path = "../../tests/shop/mod.rs"]
mod shop;
mod sms;
mod stand;
mod table;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use clap::Parser;
use hil_tests::world::target_dir;
use table::Table;

/// Marks between which the README shows the table.
const MARKS: (&str, &str) = ("<!-- bench:begin -->", "<!-- bench:end -->");

/// Measures commits, scans, texts, memory, starts and catch-up, and prints a table.
#[derive(Debug, Parser)]
struct Arguments {
    /// Write the table into the README too, with the machine.
    #[arg(long)]
    readme: bool,
    /// Folder for databases, on a real disk; the target folder without it.
    #[arg(long)]
    dir: Option<PathBuf>,
    /// Only these of disk, counter, sms, catch-up, calls.
    #[arg(value_name = "PART")]
    only: Vec<String>,
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    ensure!(!cfg!(debug_assertions), "a debug build was started; ./dev bench builds and runs the release build");
    machine::check_refusal()?;
    let dir = arguments.dir.clone().unwrap_or_else(|| target_dir().join("bench"));
    fs::create_dir_all(&dir).with_context(|| format!("making {}", dir.display()))?;
    let machine = machine::describe(&machine::filesystem(&dir)?)?;
    let root = tempfile::tempdir_in(&dir)?;
    let mut table = Table::default();
    measure(&arguments, root.path(), &mut table)?;

    let shown = format!("Measured by `./dev bench` on {machine}.\n\n{}", table.markdown());
    println!("{shown}");
    if arguments.readme {
        ensure!(arguments.only.is_empty(), "--readme takes the whole table");
        write_readme(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../README.md"), &shown)?;
    }
    if !table.all_kept() {
        eprintln!("bench: at least one budget was missed");
    }
    Ok(())
}

fn measure(arguments: &Arguments, root: &Path, table: &mut Table) -> Result<()> {
    let parts = ["disk", "counter", "sms", "catch-up", "calls"];
    for part in &arguments.only {
        ensure!(parts.contains(&part.as_str()), "{part} is none of {parts:?}");
    }
    let wanted = |part: &str| arguments.only.is_empty() || arguments.only.iter().any(|only| only == part);
    if wanted("disk") {
        disk::commit(root, table)?;
        disk::rows(root, table)?;
    }
    if wanted("counter") {
        counter::measure(root, table).context("measuring the counter")?;
    }
    if wanted("sms") {
        sms::measure(root, table).context("measuring texts")?;
    }
    if wanted("catch-up") {
        catch_up::measure(root, table).context("measuring the catch-up")?;
    }
    if wanted("calls") {
        calls::measure(root, table).context("measuring calls")?;
    }
    Ok(())
}

fn write_readme(path: &Path, shown: &str) -> Result<()> {
    let text = fs::read_to_string(path).with_context(|| format!("reading {}", path.display()))?;
    let (before, rest) = text.split_once(MARKS.0).context("the README's first mark")?;
    let (_, after) = rest.split_once(MARKS.1).context("the README's second mark")?;
    let text = format!("{before}{}\n{shown}{}{after}", MARKS.0, MARKS.1);
    fs::write(path, text).with_context(|| format!("writing {}", path.display()))
}
