//! An arena of fixed size that wipes what is given back, and knows the most that was ever taken.
//!
//! `rsa` leaves the seed and the primes in memory that it frees (SECURITY.md): wiping here closes that.

use core::{
    alloc::{GlobalAlloc, Layout},
    cell::{Cell, RefCell},
    mem::MaybeUninit,
    ptr::{NonNull, null_mut},
    slice,
};

use critical_section::Mutex;
use linked_list_allocator::Heap;
use zeroize::Zeroize;

/// Takes the arena into use. Once, before the first allocation.
pub fn init() {
    static mut ARENA: [MaybeUninit<u8>; ARENA_LEN] = [MaybeUninit::uninit(); ARENA_LEN];
    // SAFETY: this is the only mention of the static, and the heap that gets it takes it once: `init_from_slice`
    // refuses a second time.
    let arena = unsafe { &mut *core::ptr::addr_of_mut!(ARENA) };
    critical_section::with(|cs| ALLOCATOR.heap.borrow_ref_mut(cs).init_from_slice(arena));
}

/// Bytes of the arena that are taken now, rounded as the allocator rounds them.
#[must_use]
pub fn used() -> usize {
    critical_section::with(|cs| ALLOCATOR.heap.borrow_ref(cs).used())
}

/// The most bytes that were taken since the last [`forget_peak`].
#[must_use]
pub fn peak() -> usize {
    critical_section::with(|cs| ALLOCATOR.peak.borrow(cs).get())
}

/// Starts [`peak`] again from what is taken now.
pub fn forget_peak() {
    critical_section::with(|cs| {
        let used = ALLOCATOR.heap.borrow_ref(cs).used();
        ALLOCATOR.peak.borrow(cs).set(used);
    });
}

struct Wiping {
    heap: Mutex<RefCell<Heap>>,
    peak: Mutex<Cell<usize>>,
}

// SAFETY: hands on to `Heap`, which owns the arena, inside a critical section.
unsafe impl GlobalAlloc for Wiping {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        critical_section::with(|cs| {
            let mut heap = self.heap.borrow_ref_mut(cs);
            let Ok(block) = heap.allocate_first_fit(layout) else {
                return null_mut();
            };
            let peak = self.peak.borrow(cs);
            peak.set(peak.get().max(heap.used()));
            block.as_ptr()
        })
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        let Some(start) = NonNull::new(block) else {
            return;
        };
        // SAFETY: the block was allocated with this layout and is the caller's until it returns.
        unsafe { slice::from_raw_parts_mut(block.cast::<MaybeUninit<u8>>(), layout.size()) }
            .zeroize();
        critical_section::with(|cs| {
            // SAFETY: the block came from this heap with this layout.
            unsafe { self.heap.borrow_ref_mut(cs).deallocate(start, layout) }
        });
    }
}

#[global_allocator]
static ALLOCATOR: Wiping = Wiping {
    heap: Mutex::new(RefCell::new(Heap::empty())),
    peak: Mutex::new(Cell::new(0)),
};

/// 20 KiB on the board with 64 KiB of RAM, which is for RSA-2048; room for RSA-4096 on the other.
pub const ARENA_LEN: usize = if cfg!(target_abi = "eabihf") {
    64 << 10
} else {
    20 << 10
};
