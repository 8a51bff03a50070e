//! `pos-bridge`: see [`pos_bridge::cli`].

use std::process::ExitCode;

fn main() -> ExitCode {
    pos_bridge::cli::main()
}
