//! The `sealpost` command without the allocator that wipes what it frees: `benches/load/heap.py` measures what the wiping costs.

use std::process::ExitCode;

fn main() -> ExitCode {
    sealpost_cli::heap::return_large_blocks();
    sealpost_cli::main()
}
