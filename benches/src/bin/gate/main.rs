//! Is anything slower than it was? Counts instructions and allocations of the hot operations and compares them
//! with `baseline.tsv`.
//!
//! Instructions are counted by callgrind, which runs the operations on a processor of its own: the figures repeat to
//! within 0.1 % on any machine, loaded or not, but for what blinding makes vary. They are not time. Valgrind 3.19
//! offers AVX2 and no AVX-512, so libraries take their paths for that.
//!
//! ```text
//! benches/gate.sh              compares; fails if an operation is worse
//! benches/update-baseline.sh   renews the baseline
//! ```
//!
//! Callgrind itself, not a harness above it (gungraun): that has a runner to install, and its baselines are files that
//! nobody can read in a diff.

#![allow(clippy::print_stdout)] // the table is what it is for

mod allocations;
mod baseline;
mod callgrind;
mod operations;

use std::{env, process::ExitCode};

use baseline::Baseline;

#[global_allocator]
static ALLOCATOR: allocations::Counting = allocations::Counting;

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    if let [option, name] = &*arguments
        && option == callgrind::MEASURE
    {
        callgrind::measure(name, &Baseline::committed());
        return ExitCode::SUCCESS;
    }
    let counted = callgrind::run();
    if arguments == ["--update"] {
        Baseline::new(&counted).write();
        return ExitCode::SUCCESS;
    }
    let report = Baseline::committed().compare(&counted);
    println!("{report}");
    if report.passes() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
