//! What a board gives to the core crates, here given by QEMU: memory, randomness, files, and the means to measure.
//!
//! A device of your own brings an allocator ([`heap`] is one that wipes), a true random number generator
//! ([`noise`] shows its interface), and the time. Everything else here is for measuring.
#![no_std]

extern crate alloc;

pub mod example;
pub mod heap;
pub mod host;
pub mod meter;
pub mod noise;

/// A fault of the processor is a defect too; QEMU would otherwise hang.
#[cortex_m_rt::exception]
unsafe fn HardFault(_: &cortex_m_rt::ExceptionFrame) -> ! {
    host::exit(host::FAULTED)
}
