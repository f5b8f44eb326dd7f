//! The other formats' parsers on large and hostile inputs: memory stays below a small multiple of the input. Time is
//! measured in `benches/`.

#![allow(clippy::unwrap_used)] // a failed unwrap is a failed test
#![cfg(feature = "aws-lc")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use sealpost_envelope::{Format, cms::Cms, jwe::Jwe, wrapper};

/// Counts what a thread has allocated and had at most.
struct Counting;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

thread_local! {
    static NOW: Cell<usize> = const { Cell::new(0) };
    static MOST: Cell<usize> = const { Cell::new(0) };
}

#[allow(unsafe_code)] // a global allocator can't be written without; it only counts
// SAFETY: every call goes to `System` with the arguments that came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        NOW.set(NOW.get() + layout.size());
        MOST.set(MOST.get().max(NOW.get()));
        // SAFETY: the caller's promise.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        NOW.set(NOW.get().saturating_sub(layout.size()));
        // SAFETY: the caller's promise.
        unsafe { System.dealloc(pointer, layout) }
    }
}

/// The most that `act` has allocated at a time, in bytes.
fn most(act: impl FnOnce()) -> usize {
    let before = NOW.get();
    MOST.set(before);
    act();
    MOST.get() - before
}

/// Inputs of about `size` bytes that make a parser work.
fn hostile(size: usize) -> Vec<Vec<u8>> {
    let fill = |head: &str, piece: &str, tail: &str| {
        let times = size / piece.len();
        [head, &piece.repeat(times), tail].concat().into_bytes()
    };
    let der = |tag: u8, content: &[u8]| {
        let length = u32::try_from(content.len()).unwrap().to_be_bytes();
        [&[tag, 0x84], &length[..], content].concat()
    };
    let many = der(0x31, &[0x30, 0].repeat(size / 2));
    let enveloped = der(0x30, &[&[2, 1, 0][..], &many].concat());
    let kind = [6, 11, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 16, 1, 23];
    vec![
        fill("", "e30.", ""),
        fill("e30.", "A", "...."),
        fill("{\"recipients\":[", "{},", "{}],\"protected\":\"e30\"}"),
        fill("{\"recipients\":[", "[", ""),
        fill("{\"a\":[", "0,", "0]}"),
        fill("{", "\"a\":1,", "\"b\":1}"),
        fill(
            "{\"protected\":\"",
            "e30",
            "\",\"iv\":\"\",\"ciphertext\":\"\",\"tag\":\"\",\"encrypted_key\":\"\"}",
        ),
        fill("{\"ciphertext\":\"", "\\u0041", "\"}"),
        fill("-----BEGIN CMS-----\n", "AAAA\n", "-----END CMS-----\n"),
        fill("", "-----BEGIN CMS-----\n", ""),
        der(0x30, &[&kind[..], &der(0xa0, &enveloped)].concat()),
        vec![0x30; size],
        vec![0x80; size],
    ]
}

fn parse(input: &[u8]) {
    // Whatever it is taken for.
    assert!(Jwe::parse(input).is_err());
    assert!(Cms::parse(input).is_err());
    assert!(wrapper::unwrap(input).is_err());
    let _ = Format::detect(input);
}

#[test]
fn memory_stays_a_small_multiple_of_the_input() {
    for input in hostile((1 << 20) - 256) {
        let most = most(|| parse(&input));
        let start = String::from_utf8_lossy(&input[..20.min(input.len())]).into_owned();
        assert!(
            most <= 2 * input.len() + 4096,
            "{most} bytes for {} of {start}",
            input.len()
        );
    }
}
