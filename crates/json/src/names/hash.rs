//! The hash of a name. Nothing about it is secret.

use super::slot::HASH_BITS;
use crate::steps;

/// The hash of a name by the first bytes of it, decoded, which are [`SHORT`](super::bits::SHORT) or all
/// there are. Mixes by multiplication; the highest bits depend on all of the bytes.
#[inline]
pub(super) fn hash(bytes: &[u8]) -> usize {
    // 2^64 divided by the golden ratio.
    const FACTOR: u64 = 0x9E37_79B9_7F4A_7C15;
    steps::count(bytes.len());
    let mix = |hash: u64, word: u64| {
        let product = (hash ^ word).wrapping_mul(FACTOR);
        product ^ product >> 32
    };
    let mut hash = bytes.len() as u64;
    let Some(last) = bytes.last_chunk::<8>() else {
        let word = bytes
            .iter()
            .fold(0, |word, byte| word << 8 | u64::from(*byte));
        return top(mix(hash, word));
    };
    for word in bytes.as_chunks::<8>().0 {
        hash = mix(hash, u64::from_le_bytes(*word));
    }
    top(mix(hash, u64::from_le_bytes(*last)))
}

fn top(hash: u64) -> usize {
    (hash >> (64 - HASH_BITS)) as usize
}
