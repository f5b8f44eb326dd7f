//! A program without std that links the core crates.
//!
//! It defines the two things that std defines too, a panic handler and a global allocator. If any
//! crate below brings std in, they exist twice and the compiler refuses (E0152).
#![no_std]

use core::alloc::{GlobalAlloc, Layout};
use core::panic::PanicInfo;

use sealpost_context as _;
use sealpost_envelope as _;
use sealpost_json as _;
#[cfg(feature = "leak")]
use sealpost_proof_leak as _;
use sealpost_validator as _;
use sealpost_vault_key as _;

#[panic_handler]
fn panic(_: &PanicInfo<'_>) -> ! {
    loop {}
}

/// Refuses every request: the program is compiled and never run.
struct NoMemory;

// SAFETY: a null pointer is how an allocator says that there is no memory.
unsafe impl GlobalAlloc for NoMemory {
    unsafe fn alloc(&self, _: Layout) -> *mut u8 {
        core::ptr::null_mut()
    }

    unsafe fn dealloc(&self, _: *mut u8, _: Layout) {}
}

#[global_allocator]
static ALLOCATOR: NoMemory = NoMemory;
