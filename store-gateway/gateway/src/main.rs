//! `store-gateway`: see [`store_gateway::cli`].

use std::process::ExitCode;

fn main() -> ExitCode {
    store_gateway::cli::main()
}
