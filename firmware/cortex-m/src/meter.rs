//! What an operation takes: heap, stack and instructions.
//!
//! QEMU runs with `-icount shift=0`: an instruction takes a nanosecond of the machine's time, by which SysTick counts.
//! So counts are exact to the instructions of one tick, and the same in every run.

use core::{
    ptr::{read_volatile, write_volatile},
    sync::atomic::{AtomicU32, Ordering},
};

use cortex_m::{
    asm,
    peripheral::{SYST, syst::SystClkSource},
    register::msp,
};
use cortex_m_rt::exception;

use crate::{heap, host};

/// A stop watch, and a painted stack.
pub struct Meter {
    instructions_per_tick: u64,
}

impl Meter {
    /// Starts the timer and finds out how fast it ticks. Once.
    #[must_use]
    pub fn start(mut timer: SYST) -> Self {
        wake_clock();
        timer.set_clock_source(SystClkSource::Core);
        timer.set_reload(RELOAD);
        timer.clear_current();
        timer.enable_interrupt();
        timer.enable_counter();
        let before = ticks();
        asm::delay(DELAY);
        let ticks = ticks() - before;
        if ticks == 0 {
            host::fail("SysTick does not count");
        }
        // `delay` goes round once for each of its cycles, with two instructions.
        let instructions_per_tick = (2 * u64::from(DELAY) + ticks / 2) / ticks;
        Self {
            instructions_per_tick,
        }
    }

    /// Runs an operation and prints what it took, on a line of `name=value` for a script to read.
    ///
    /// `heap` is the most that was taken at one time, what was taken before the operation included; `held` is what is
    /// taken when it ends, its result included. `stack` counts from here, so that the caller's buffers are not in it.
    #[inline(never)]
    pub fn measure<T>(&self, name: &str, operation: impl FnOnce() -> T) -> T {
        heap::forget_peak();
        let top = msp::read() as usize;
        let bottom = top - WINDOW;
        paint(bottom, top - GUARD);
        let before = ticks();
        let result = call(operation);
        let ticks = ticks() - before;
        let stack = top - deepest(bottom, top);
        if stack >= WINDOW {
            host::fail("the stack is deeper than what was painted");
        }
        host::print(&["measured ", name, " heap="]);
        host::print_number(heap::peak() as u64);
        host::print(&[" held="]);
        host::print_number(heap::used() as u64);
        host::print(&[" stack="]);
        host::print_number(stack as u64);
        host::print(&[" instructions="]);
        host::print_number(ticks * self.instructions_per_tick);
        host::print(&["\n"]);
        result
    }
}

fn ticks() -> u64 {
    // The interrupt may come between the two: then read again.
    loop {
        let wraps = WRAPS.load(Ordering::Relaxed);
        let left = SYST::get_current();
        if wraps == WRAPS.load(Ordering::Relaxed) {
            // At zero it has wrapped already.
            return u64::from(wraps) * u64::from(RELOAD + 1)
                + u64::from((RELOAD + 1 - left) & RELOAD);
        }
    }
}

/// QEMU's lm3s6965evb tells its timer of the clock only when the register for it (RCC) is written.
fn wake_clock() {
    #[cfg(not(target_abi = "eabihf"))]
    {
        let clock = 0x400f_e060 as *mut u32;
        // SAFETY: the register of that board, with what it holds.
        unsafe { write_volatile(clock, read_volatile(clock)) };
    }
}

#[exception]
fn SysTick() {
    WRAPS.store(WRAPS.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
}

/// Keeps the operation's frame out of the caller's, where it would not be counted.
#[inline(never)]
fn call<T>(operation: impl FnOnce() -> T) -> T {
    operation()
}

/// Fills the unused stack with a pattern.
#[inline(always)]
fn paint(bottom: usize, top: usize) {
    for address in (bottom..top).step_by(4) {
        // SAFETY: below the stack pointer and above the statics nothing is kept, and the address is of a word.
        unsafe { write_volatile(address as *mut u32, PATTERN) };
    }
}

/// The lowest address that no longer has the pattern.
#[inline(always)]
fn deepest(bottom: usize, top: usize) -> usize {
    let mut words = (bottom..top).step_by(4);
    // SAFETY: as in `paint`.
    words
        .find(|address| unsafe { read_volatile(*address as *const u32) } != PATTERN)
        .unwrap_or(top)
}

static WRAPS: AtomicU32 = AtomicU32::new(0);

/// SysTick counts down through 24 bits.
const RELOAD: u32 = 0x00ff_ffff;
/// Rounds that the timer is compared with.
const DELAY: u32 = 8_000_000;
/// How far down the stack is painted.
const WINDOW: usize = 14 << 10;
/// The frame that paints is not painted.
const GUARD: usize = 64;
const PATTERN: u32 = 0xa5c3_5a3c;
