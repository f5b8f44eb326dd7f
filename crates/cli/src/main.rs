//! The `sealpost` command.

use std::process::ExitCode;

fn main() -> ExitCode {
    sealpost_cli::main()
}
