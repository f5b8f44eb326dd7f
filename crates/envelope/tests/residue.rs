//! Nothing secret is left in freed memory, nor in the heap when an operation is over.
//!
//! Two looks, for each backend. *Freed* is every block that Rust freed during the operation, as it was
//! then. The *heap* is what the process has in memory when the operation is over: what Rust did not free,
//! and what C freed without wiping it.
//!
//! Out of reach are stacks and registers: seeds and keys pass through both, in our code, which wipes its
//! buffers there, and in the libraries, some of which do. What a dependency is known to leave is counted
//! in `residue/tested.rs`.
//!
//! A program of its own, without the test harness: no other thread may have secrets in memory.

#![allow(clippy::unwrap_used)] // a failed unwrap is a failed test
#![allow(clippy::print_stdout)] // a harness reports
#![cfg_attr(
    not(any(feature = "aws-lc", feature = "rustcrypto")),
    allow(dead_code, unused_imports)
)]

#[cfg(target_os = "linux")]
mod residue {
    pub(crate) mod canaries;
    pub(crate) mod controls;
    pub(crate) mod harness;
    pub(crate) mod heap;
    pub(crate) mod jwe_and_cms;
    pub(crate) mod keys;
    pub(crate) mod opening;
    pub(crate) mod sealing;
    pub(crate) mod secrets;
    pub(crate) mod tested;
}

#[cfg(target_os = "linux")]
#[global_allocator]
static ALLOCATOR: sealpost_testkit::freed::Allocator = sealpost_testkit::freed::Allocator;

fn main() {
    #[cfg(target_os = "linux")]
    residue::harness::main();
    #[cfg(not(target_os = "linux"))]
    println!("skipped: the heap is looked at through /proc");
}
