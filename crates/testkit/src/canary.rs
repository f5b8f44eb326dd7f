// A test of freed memory needs `unsafe`: `GlobalAlloc` is an unsafe trait, and a block is read through the
// pointer that is about to be freed.
#![allow(unsafe_code)]

//! A global allocator that looks for one value, the canary, in each block that is freed, on all threads.
//!
//! A test that uses it runs alone in a program of its own: it would also see what runs beside it.
//!
//! ```
//! use sealpost_testkit::canary::{Watching, found, value};
//!
//! #[global_allocator]
//! static ALLOCATOR: Watching = Watching;
//!
//! assert_eq!(found(|| drop(value(4))), 4);
//! ```

use std::{
    alloc::{GlobalAlloc, Layout, System},
    hint::black_box,
    slice,
    sync::atomic::{AtomicBool, AtomicUsize, Ordering},
    thread,
};

use zeroize::{Zeroize as _, Zeroizing};

/// The allocator. Looks for the canary in each freed block while it is [armed](arm), then wipes the block. A block that grows
/// or shrinks moves.
#[derive(Debug)]
pub struct Watching;

/// The canary, so many times: each part of it that is longer than two canaries holds a whole one.
#[must_use]
pub fn value(canaries: usize) -> Vec<u8> {
    let mut value = Vec::with_capacity(canaries * LENGTH);
    for _ in 0..canaries {
        value.extend(CANARY.iter().map(|byte| byte ^ MASK));
    }
    value
}

/// A JSON object whose member `password` is the [`value`]. Wiped when it is dropped, and while it is made.
#[must_use]
pub fn json(canaries: usize) -> Zeroizing<Vec<u8>> {
    let mut json = Zeroizing::new(Vec::with_capacity(canaries * LENGTH + 20));
    json.extend(b"{\"password\":\"");
    json.extend(Zeroizing::new(value(canaries)).iter());
    json.extend(b"\"}");
    json
}

/// Begins to look at what is freed.
pub fn arm() {
    ARMED.store(true, Ordering::SeqCst);
}

/// Stops looking.
pub fn disarm() {
    ARMED.store(false, Ordering::SeqCst);
}

/// How often the canary was in a freed block since the last call.
#[must_use]
pub fn take_found() -> usize {
    FOUND.swap(0, Ordering::SeqCst)
}

/// Runs `operation` and returns how often the canary was in a block that was freed meanwhile.
pub fn found(operation: impl FnOnce()) -> usize {
    let _ = take_found();
    arm();
    operation();
    disarm();
    take_found()
}

/// The control of a test: a canary that is freed as it was is found, on each thread, and a wiped one is not.
///
/// # Panics
///
/// Panics if the program does not use [`Watching`].
pub fn assert_watching() {
    assert_eq!(found(|| drop(black_box(value(4)))), 4);
    assert_eq!(found(|| drop(black_box(Zeroizing::new(value(4))))), 0);
    let base64 = || IN_BASE64.map(|byte| byte ^ MASK).to_vec();
    assert_eq!(found(|| drop(black_box(base64()))), 1, "in Base64");
    let elsewhere = || {
        thread::spawn(|| drop(black_box(value(4)))).join().unwrap();
    };
    assert_eq!(found(elsewhere), 4, "on every thread");
}

// SAFETY: memory comes from the system's allocator and goes back to it, with the same layout.
unsafe impl GlobalAlloc for Watching {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller keeps the contract of `GlobalAlloc`. Zeroed, so that all of it may be read later.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: the block is alive, has this length, and was written from its start to its end.
        unsafe {
            if ARMED.load(Ordering::SeqCst) {
                let bytes = slice::from_raw_parts(block, layout.size());
                FOUND.fetch_add(count(bytes), Ordering::SeqCst);
            }
            slice::from_raw_parts_mut(block, layout.size()).zeroize();
            System.dealloc(block, layout);
        }
    }

    // `realloc` as the trait provides it: a new block, a copy, the old block freed.
}

/// Counts the canary, as it is and in Base64.
fn count(bytes: &[u8]) -> usize {
    let found = |canary: &[u8]| {
        let is_it = |window: &&[u8]| {
            window
                .iter()
                .zip(canary)
                .all(|(byte, masked)| byte ^ MASK == *masked)
        };
        bytes.windows(canary.len()).filter(is_it).count()
    };
    found(&CANARY) + found(&IN_BASE64)
}

static ARMED: AtomicBool = AtomicBool::new(false);
static FOUND: AtomicUsize = AtomicUsize::new(0);

/// The length of the canary.
pub const LENGTH: usize = CANARY.len();
/// `canary-7f3a91c2-`, masked, so that nothing but a value holds it.
const CANARY: [u8; 16] = [
    57, 59, 52, 59, 40, 35, 119, 109, 60, 105, 59, 99, 107, 57, 104, 119,
];
/// Its first 15 bytes in Base64, masked. Where a value is repeated, every third canary begins a group of Base64.
const IN_BASE64: [u8; 20] = [
    3, 104, 28, 47, 3, 2, 16, 111, 22, 14, 62, 55, 23, 104, 31, 111, 23, 13, 23, 35,
];
const MASK: u8 = 0x5a;
