//! A program without an allocator that links the crates that never allocate.
//!
//! If any of them, or anything below it, links `alloc`, the compiler asks for a global allocator
//! and there is none.
#![no_std]

#[cfg(feature = "leak")]
extern crate alloc;

use core::panic::PanicInfo;

use sealpost_context as _;
use sealpost_json as _;
use sealpost_validator as _;
use sealpost_vault_key as _;

#[panic_handler]
fn panic(_: &PanicInfo<'_>) -> ! {
    loop {}
}
