// `GlobalAlloc` is an unsafe trait; each call goes to the system's allocator as it came.
#![allow(unsafe_code)]

//! A global allocator that counts what the current thread allocates. What C allocates is not seen.
//!
//! ```
//! use sealpost_testkit::counting::{Counting, measure};
//!
//! #[global_allocator]
//! static ALLOCATOR: Counting = Counting;
//!
//! let (buffer, allocated) = measure(|| vec![1_u8; 1000]);
//! assert_eq!((allocated.times, allocated.bytes, allocated.most), (1, 1000, 1000));
//! # drop(buffer);
//! ```

use std::{
    alloc::{GlobalAlloc, Layout, System},
    cell::Cell,
};

/// The allocator.
#[derive(Debug)]
pub struct Counting;

/// What a thread allocated while an operation ran.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Allocated {
    /// Allocations and reallocations.
    pub times: usize,
    /// Bytes in all, freed again or not.
    pub bytes: usize,
    /// The most bytes at one time.
    pub most: usize,
}

/// Runs `operation` and returns what it allocated on this thread.
pub fn measure<R>(operation: impl FnOnce() -> R) -> (R, Allocated) {
    let before = COUNTS.get();
    COUNTS.set(Counts {
        most: before.now,
        ..before
    });
    let result = operation();
    let after = COUNTS.get();
    // An outer measurement goes on: it has seen the most of both.
    COUNTS.set(Counts {
        most: after.most.max(before.most),
        ..after
    });
    let allocated = Allocated {
        times: after.times - before.times,
        bytes: after.bytes - before.bytes,
        most: after.most - before.now,
    };
    (result, allocated)
}

#[derive(Clone, Copy)]
struct Counts {
    times: usize,
    bytes: usize,
    now: usize,
    most: usize,
}

impl Counts {
    fn add(length: usize) {
        Self::change(|counts| {
            counts.times += 1;
            counts.bytes += length;
            counts.now += length;
            counts.most = counts.most.max(counts.now);
        });
    }

    /// A block may be freed on another thread than it was allocated on.
    fn remove(length: usize) {
        Self::change(|counts| counts.now = counts.now.saturating_sub(length));
    }

    fn change(change: impl FnOnce(&mut Self)) {
        // At a thread's end the counts are gone already.
        let _ = COUNTS.try_with(|cell| {
            let mut counts = cell.get();
            change(&mut counts);
            cell.set(counts);
        });
    }
}

thread_local! {
    static COUNTS: Cell<Counts> = const { Cell::new(Counts { times: 0, bytes: 0, now: 0, most: 0 }) };
}

// SAFETY: each function hands its arguments on to `System` unchanged, and its result back.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        Counts::add(layout.size());
        // SAFETY: the caller keeps the contract, which is the same.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        Counts::add(layout.size());
        // SAFETY: as above.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // For a moment both blocks may be there.
        Counts::add(size);
        Counts::remove(layout.size());
        // SAFETY: as above.
        unsafe { System.realloc(block, layout, size) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        Counts::remove(layout.size());
        // SAFETY: as above.
        unsafe { System.dealloc(block, layout) }
    }
}
