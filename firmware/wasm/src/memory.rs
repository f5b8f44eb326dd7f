//! Memory that changes hands between the page and the module.

use alloc::{boxed::Box, string::String, vec, vec::Vec};
use core::{ptr, slice};

use zeroize::Zeroize;

/// Room for a message of `length` bytes; the caller's until it hands it to [`release`].
#[unsafe(no_mangle)]
pub extern "C" fn reserve(length: usize) -> *mut u8 {
    Box::into_raw(vec![0_u8; length].into_boxed_slice()).cast()
}

/// Wipes a message and takes its memory back.
///
/// # Safety
///
/// `start` and `length` are of memory from [`reserve`] or of an answer, and it is not used again.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn release(start: *mut u8, length: usize) {
    // SAFETY: the caller's promise; both kinds are boxed slices of exactly this length.
    let mut message = unsafe { Box::from_raw(ptr::slice_from_raw_parts_mut(start, length)) };
    message.zeroize();
}

/// A message that the caller holds.
///
/// # Safety
///
/// `start` and `length` are of memory from [`reserve`], which outlives the call.
pub(crate) unsafe fn message<'m>(start: *const u8, length: usize) -> &'m [u8] {
    // SAFETY: the caller's promise.
    unsafe { slice::from_raw_parts(start, length) }
}

/// What a call answers: bytes, or why there are none.
pub(crate) type Answer = Result<Vec<u8>, String>;

/// Gives an answer to the caller: `u32 length ‖ u8 succeeded ‖ bytes`, in memory that is the caller's.
pub(crate) fn give(answer: Answer) -> *mut u8 {
    let (succeeded, mut bytes) = match answer {
        Ok(bytes) => (1, bytes),
        Err(why) => (0, why.into_bytes()),
    };
    // Longer than 4 GiB is nothing in this memory.
    let length = u32::try_from(bytes.len()).unwrap_or_default();
    let mut message = Vec::with_capacity(5 + bytes.len());
    message.extend_from_slice(&length.to_le_bytes());
    message.push(succeeded);
    message.extend_from_slice(&bytes);
    bytes.zeroize();
    Box::into_raw(message.into_boxed_slice()).cast()
}
