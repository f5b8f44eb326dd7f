// `unsafe` is here because `GlobalAlloc` is an unsafe trait; all that it does is count and pass on.
#![allow(unsafe_code)]

//! How much an operation allocates. The allocator of whatever links this crate is the one that counts: C libraries such as AWS-LC
//! call malloc by themselves, which is not seen.

use std::{
    alloc::{GlobalAlloc, Layout, System},
    cell::Cell,
};

/// Runs `operation` and asserts that all it allocated, freed again or not, is at most `fixed` bytes and `factor` bytes
/// for each of `input` bytes.
///
/// # Panics
///
/// If it was more.
pub fn bounded<R>(input: usize, factor: usize, fixed: usize, operation: impl FnOnce() -> R) -> R {
    let (result, allocated) = measure(operation);
    let allowed = fixed + factor * input;
    assert!(
        allocated <= allowed,
        "{allocated} bytes allocated for an input of {input}, {allowed} allowed"
    );
    result
}

/// Runs `operation` and says how many bytes it allocated on this thread.
pub fn measure<R>(operation: impl FnOnce() -> R) -> (R, usize) {
    let before = ALLOCATED.get();
    let result = operation();
    (result, ALLOCATED.get().wrapping_sub(before))
}

struct Counting;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

thread_local! {
    static ALLOCATED: Cell<usize> = const { Cell::new(0) };
}

fn count(bytes: usize) {
    // At a thread's end there is nothing to count with.
    let _ = ALLOCATED.try_with(|allocated| allocated.set(allocated.get().wrapping_add(bytes)));
}

// SAFETY: every call is passed on to the system's allocator as it is.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size());
        // SAFETY: the caller keeps the contract, which is the same.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count(layout.size());
        // SAFETY: as above.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count(size);
        // SAFETY: as above.
        unsafe { System.realloc(block, layout, size) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: as above.
        unsafe { System.dealloc(block, layout) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_counts() {
        let (buffer, allocated) = measure(|| vec![1_u8; 1000]);
        assert_eq!((buffer.len(), allocated), (1000, 1000));
        bounded(100, 10, 0, || vec![1_u8; 1000]);
    }

    #[test]
    #[should_panic(expected = "1001 bytes allocated for an input of 100")]
    fn too_much_is_a_panic() {
        bounded(100, 10, 0, || vec![1_u8; 1001]);
    }
}
