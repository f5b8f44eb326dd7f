// `GlobalAlloc` is an unsafe trait, a block is wiped through the pointer that is about to be freed, and `mallopt` is a
// function of C's library.
#![allow(unsafe_code)]

//! The heap of the command: what is freed is wiped, and large blocks go back to the operating system.
//!
//! The program sets [`Wiping`] as its global allocator; this library does not, so that tests can set their own.
//!
//! Our own code wipes what held a secret. Libraries through which a request passes don't: the buffers of the HTTP server,
//! of TLS, of channels. Under this allocator no block that Rust frees keeps its content, whoever had it.

use std::alloc::{GlobalAlloc, Layout, System};
use std::mem::MaybeUninit;
use std::{ptr, slice};

use zeroize::Zeroize as _;

/// An allocator, the system's unless another is given, with blocks wiped before they are freed.
#[derive(Clone, Copy, Debug, Default)]
pub struct Wiping<A = System>(A);

impl Wiping {
    /// Wipes what goes back to the system's allocator.
    #[must_use]
    pub const fn new() -> Self {
        Self(System)
    }
}

// SAFETY: memory comes from the inner allocator and goes back to it with the same layout. A block that is freed is
// written to before, as long as it is.
unsafe impl<A: GlobalAlloc> GlobalAlloc for Wiping<A> {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller keeps the contract of `GlobalAlloc`.
        unsafe { self.0.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: as above.
        unsafe { self.0.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: as above. The block is alive, belongs to the caller alone and has this length. It need not have been
        // written: hence `MaybeUninit`, of bytes as of words.
        unsafe {
            let bytes = slice::from_raw_parts_mut(block.cast::<MaybeUninit<u8>>(), layout.size());
            let (first, words, last) = bytes.align_to_mut::<MaybeUninit<u64>>();
            first.zeroize();
            // By words: zeroize writes byte by byte what may not have been written, which is 6 % of a create of 60 KB.
            for word in words {
                ptr::write_volatile(word, MaybeUninit::new(0));
            }
            last.zeroize();
            self.0.dealloc(block, layout);
        }
    }

    // `realloc` as the trait provides it: a new block, a copy, `dealloc` of the old block. The inner one's would free a block
    // that moves as it is.
}

/// Has C's library map every block that is long enough for a request's body by itself, so that it is returned to the
/// operating system when it is freed. By default the library raises that length with each such block that is freed, up to
/// 32 MiB, and keeps what lies below a block that is still used.
///
/// Call it first, while no other thread runs.
pub fn return_large_blocks() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    // SAFETY: no other thread runs yet. A setting that is refused leaves the default.
    unsafe {
        libc::mallopt(libc::M_MMAP_THRESHOLD, LARGE);
        // Threads that wait for the disk don't need a heap each.
        libc::mallopt(libc::M_ARENA_MAX, ARENAS);
    }
}

/// Has a thread return free pages to the operating system every few seconds, for as long as the process runs: what many
/// connections took at a time would stay with the process otherwise.
pub(crate) fn keep_returning_pages() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    {
        let trim = || {
            loop {
                std::thread::sleep(PAUSE);
                // SAFETY: it may be called at any time, beside any other use of the heap.
                unsafe { libc::malloc_trim(0) };
            }
        };
        // Without it, only memory is lost.
        let _ = std::thread::Builder::new().name("heap".into()).spawn(trim);
    }
}

/// Shorter blocks are many, and a mapping costs some microseconds.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
const LARGE: libc::c_int = 32 * 1024;
#[cfg(all(target_os = "linux", target_env = "gnu"))]
const ARENAS: libc::c_int = 8;
#[cfg(all(target_os = "linux", target_env = "gnu"))]
const PAUSE: std::time::Duration = std::time::Duration::from_secs(5);

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    /// Keeps a copy of every block as it is when it is freed.
    #[derive(Default)]
    struct Watched(Mutex<Vec<Vec<u8>>>);

    // SAFETY: the system's allocator, and a look at a block before it is freed.
    unsafe impl GlobalAlloc for Watched {
        unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
            // SAFETY: the caller keeps the contract of `GlobalAlloc`.
            unsafe { System.alloc(layout) }
        }

        unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
            // SAFETY: as above; the test has written every byte of its blocks.
            unsafe {
                let content = slice::from_raw_parts(block, layout.size()).to_vec();
                self.0.lock().unwrap().push(content);
                System.dealloc(block, layout);
            }
        }
    }

    #[test]
    fn freed_and_moved_blocks_are_wiped() {
        const MARK: u8 = 0xa7;
        for length in [1, 200, 1000, 20_000, 1 << 20] {
            let wiping = Wiping(Watched::default());
            let layout = Layout::array::<u8>(length).unwrap();
            let grown = Layout::array::<u8>(length + 16).unwrap();
            // SAFETY: blocks of the layout that they are freed with, written and looked at within their length.
            unsafe {
                let block = wiping.alloc(layout);
                block.write_bytes(MARK, length);
                let moved = wiping.realloc(block, layout, length + 16);
                assert_eq!(*moved.add(length - 1), MARK, "what it held has moved along");
                moved.write_bytes(MARK, length + 16);
                wiping.dealloc(moved, grown);
            }
            let freed = wiping.0.0.into_inner().unwrap();
            assert_eq!(freed, [vec![0; length], vec![0; length + 16]]);
        }
    }
}
