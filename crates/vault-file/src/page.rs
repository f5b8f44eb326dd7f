//! How redb lays out a file, format 3: as much of it as is needed to verify a file before redb opens it, and to read what is
//! left of one that redb refuses.
//!
//! redb verifies its checksums when it repairs a file, and trusts what it reads at every other time; a damaged page may end
//! a call in a panic, or lead to no record where there is one. So a vault is read here first. Nothing here panics or
//! allocates by what a page says: pages are untrusted.
//!
//! ```text
//! file   = header page, then regions of the same number of pages, the last one shorter
//! header = magic [9] ‖ flags u8 ‖ [2] ‖ page size u32 ‖ region header pages u32 ‖ region pages u32 ‖
//!          full regions u32 ‖ pages of the last u32 ‖ … ‖ slot [128] ‖ slot [128]
//! slot   = version u8 ‖ has data root u8 ‖ has system root u8 ‖ [5] ‖ data root ‖ system root ‖ [32] ‖ transaction u64 ‖ … ‖ checksum
//! root   = page number u64 ‖ checksum u128 ‖ length u64
//! leaf   = 1 ‖ [1] ‖ n u16 ‖ ends of keys u32 × n ‖ ends of values u32 × n ‖ keys ‖ values
//! branch = 2 ‖ [1] ‖ n u16 ‖ [4] ‖ checksums u128 × (n + 1) ‖ page numbers u64 × (n + 1) ‖ ends of keys u32 × n ‖ keys
//! ```
//!
//! Numbers are little-endian; ends of keys or values of a fixed width are left out. Every checksum is XXH3-128. That of a page
//! covers it up to the end of its last key or value, and stands beside the number of the page, in the root or branch above it.

pub mod header;
pub mod node;

/// Reads a number at an offset.
fn number<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..)?.first_chunk().copied()
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    number(bytes, at).map(u32::from_le_bytes)
}

fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    number(bytes, at).map(u64::from_le_bytes)
}

fn u128_at(bytes: &[u8], at: usize) -> Option<u128> {
    number(bytes, at).map(u128::from_le_bytes)
}

fn checksum(bytes: &[u8]) -> u128 {
    twox_hash::XxHash3_128::oneshot(bytes)
}

/// The length of a page of order 0, in bytes. redb has no other.
pub const PAGE: u64 = 4096;
