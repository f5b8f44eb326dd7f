//! Sealing for web pages: the functions that `web/sealpost.mjs` calls.
//!
//! The caller puts one message into memory that [`reserve`] gives, calls, and gets one message back; [`release`] wipes
//! either. A message is a row of fields, `u32 length (little-endian) ‖ bytes`, of which an absent one has the length
//! 2³² − 1.
#![no_std]

extern crate alloc;

mod fields;
mod memory;
mod noise;
#[cfg(feature = "open")]
mod open;
mod seal;

pub use memory::{release, reserve};
#[cfg(feature = "open")]
pub use open::open;
pub use seal::seal;

/// Says nothing: the page sees a trap.
#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    core::arch::wasm32::unreachable()
}

#[global_allocator]
static ALLOCATOR: dlmalloc::GlobalDlmalloc = dlmalloc::GlobalDlmalloc;
