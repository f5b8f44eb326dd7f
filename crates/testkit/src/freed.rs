// A test of freed memory needs `unsafe`: `GlobalAlloc` is an unsafe trait, and a block is read through the
// pointer that is about to be freed.
#![allow(unsafe_code)]

//! A global allocator that counts allocations and keeps a copy of each block that is freed.
//!
//! A block that grows or shrinks always moves, so that the test sees what stays behind. Each block is wiped
//! after it was copied: what a look at the heap still finds is alive, or was freed by C.
//!
//! ```
//! use sealpost_testkit::freed::{Allocator, watch};
//!
//! #[global_allocator]
//! static ALLOCATOR: Allocator = Allocator;
//!
//! let (_, watched) = watch(|| drop(std::hint::black_box(vec![1, 2, 3])));
//! assert_eq!(watched.allocations, 1);
//! ```

use std::{
    alloc::{GlobalAlloc, Layout, System},
    cell::{Cell, UnsafeCell},
    slice,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};

/// The allocator.
#[derive(Debug)]
pub struct Allocator;

/// What happened in Rust's allocator while an operation ran.
#[derive(Debug)]
pub struct Watched {
    /// Allocations and reallocations.
    pub allocations: usize,
    /// How much of the graveyard is filled.
    filled: usize,
    /// Which look at the graveyard this is.
    watch: usize,
}

/// Runs `operation` and watches this thread's allocations.
pub fn watch<R>(operation: impl FnOnce() -> R) -> (R, Watched) {
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let _one = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    let watch = WATCHES.fetch_add(1, Ordering::Relaxed) + 1;
    ALLOCATIONS.store(0, Ordering::Relaxed);
    FILLED.store(0, Ordering::Relaxed);
    WATCHING.set(true);
    let result = operation();
    WATCHING.set(false);
    let watched = Watched {
        allocations: ALLOCATIONS.load(Ordering::Relaxed),
        filled: FILLED.load(Ordering::Relaxed),
        watch,
    };
    assert!(
        watched.filled <= GRAVEYARD_LEN,
        "the graveyard is full: make it larger"
    );
    (result, watched)
}

impl Watched {
    /// The blocks that were freed, as they were.
    ///
    /// Look at them before the next call of [`watch`], which empties the graveyard.
    pub fn freed(&self) -> impl Iterator<Item = &[u8]> {
        assert_eq!(
            self.watch,
            WATCHES.load(Ordering::Relaxed),
            "another call of `watch` has emptied the graveyard"
        );
        // SAFETY: blocks up to `filled` are written, and nothing writes while no one watches.
        let mut rest = unsafe { slice::from_raw_parts(GRAVEYARD.start(), self.filled) };
        std::iter::from_fn(move || {
            let (length, after) = rest.split_first_chunk::<LENGTH_FIELD>()?;
            let (block, after) = after.split_at(usize::from_ne_bytes(*length));
            rest = after;
            Some(block)
        })
    }
}

/// Runs `look` while a block of C's that was freed without being wiped holds the end of `bytes`, as a
/// careless library would leave it. The allocator of C writes over the first bytes.
pub fn with_residue_of_c<R>(bytes: &[u8], look: impl FnOnce() -> R) -> R {
    let layout = Layout::array::<u8>(bytes.len()).expect("a short block");
    // SAFETY: the layout is not empty, and the block is as long as what is written.
    unsafe {
        let block = System.alloc(layout);
        assert!(!block.is_null(), "no memory");
        for (offset, byte) in bytes.iter().enumerate() {
            block.add(offset).write_volatile(*byte);
        }
        System.dealloc(block, layout);
    }
    let result = look();
    // SAFETY: as above. It is the same block again: the one freed last is given out first.
    unsafe {
        let block = System.alloc(layout);
        assert!(!block.is_null(), "no memory");
        for offset in 0..bytes.len() {
            block.add(offset).write_volatile(0);
        }
        System.dealloc(block, layout);
    }
    result
}

// SAFETY: memory comes from the system's allocator and goes back to it, with the same layout.
unsafe impl GlobalAlloc for Allocator {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if WATCHING.get() {
            ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        }
        // SAFETY: the caller keeps the contract of `GlobalAlloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        if WATCHING.get() {
            GRAVEYARD.bury(block, layout.size());
        }
        // SAFETY: as above; the block has this length, and nothing uses its content.
        unsafe {
            for offset in 0..layout.size() {
                block.add(offset).write_volatile(0);
            }
            System.dealloc(block, layout);
        }
    }

    // `realloc` as the trait provides it: a new block, a copy, the old block freed.
}

/// Copies of freed blocks, each behind its length. In a static, so that a look at the heap does not
/// find them.
struct Graveyard(UnsafeCell<[u8; GRAVEYARD_LEN]>);

// SAFETY: written in `bury` alone, where each call reserves a range of its own.
unsafe impl Sync for Graveyard {}

impl Graveyard {
    fn bury(&self, block: *const u8, length: usize) {
        let start = FILLED.fetch_add(LENGTH_FIELD + length, Ordering::Relaxed);
        if start + LENGTH_FIELD + length > GRAVEYARD_LEN {
            return; // `watch` will say so
        }
        // SAFETY: the range was reserved above and fits. The block is alive and has this length; parts
        // that were never written are read as the bytes that are there.
        unsafe {
            let grave = self.start().add(start);
            let field = length.to_ne_bytes();
            grave.copy_from_nonoverlapping(field.as_ptr(), LENGTH_FIELD);
            let grave = grave.add(LENGTH_FIELD);
            for offset in 0..length {
                grave.add(offset).write(block.add(offset).read_volatile());
            }
        }
    }

    fn start(&self) -> *mut u8 {
        self.0.get().cast()
    }
}

static GRAVEYARD: Graveyard = Graveyard(UnsafeCell::new([0; GRAVEYARD_LEN]));
static FILLED: AtomicUsize = AtomicUsize::new(0);
static ALLOCATIONS: AtomicUsize = AtomicUsize::new(0);
static WATCHES: AtomicUsize = AtomicUsize::new(0);

thread_local! {
    static WATCHING: Cell<bool> = const { Cell::new(false) };
}

const GRAVEYARD_LEN: usize = 64 << 20;
const LENGTH_FIELD: usize = size_of::<usize>();
