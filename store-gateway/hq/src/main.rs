//! The `store-hq` command.

use std::process::ExitCode;

fn main() -> ExitCode {
    store_hq::cli::main()
}
