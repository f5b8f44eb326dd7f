//! The `sealpost` command.

use std::process::ExitCode;

use sealpost_cli::heap::{self, Wiping};

#[global_allocator]
static HEAP: Wiping = Wiping::new();

fn main() -> ExitCode {
    heap::return_large_blocks();
    sealpost_cli::main()
}
