//! Runs of characters that need no look, eight bytes at a time.

use crate::steps;

/// Where the run of characters that need no look ends: at a quote, a backslash, a control
/// character, or the end. Eight bytes a step, and more once the run has turned out to be long.
#[inline]
pub(crate) fn end_of_plain(bytes: &[u8], mut at: usize) -> usize {
    let long = at + BLOCK;
    while let Some(word) = bytes.get(at..).and_then(<[u8]>::first_chunk::<8>) {
        let found = special(*word);
        if found != 0 {
            return at + (found.trailing_zeros() / 8) as usize;
        }
        steps::count(8);
        at += 8;
        if at == long {
            at = end_of_plain_blocks(bytes, at);
        }
    }
    while let Some(0x20..=0x21 | 0x23..=0x5B | 0x5D..) = bytes.get(at) {
        steps::count(1);
        at += 1;
    }
    at
}

/// Goes on by blocks for which the compiler has vector instructions, where there are any.
#[inline(never)]
fn end_of_plain_blocks(bytes: &[u8], mut at: usize) -> usize {
    while let Some(block) = bytes.get(at..).and_then(<[u8]>::first_chunk::<BLOCK>) {
        let (words, _) = block.as_chunks::<8>();
        if words.iter().fold(0, |found, word| found | special(*word)) != 0 {
            break;
        }
        steps::count(BLOCK);
        at += BLOCK;
    }
    at
}

/// The high bit of each byte that is a quote, a backslash or a control character; the lowest that
/// is set is true, those above it may be spoilt by its carry. With its second bit turned over, a
/// quote is what comes next to the control characters.
#[inline]
fn special(word: [u8; 8]) -> u64 {
    const ONES: u64 = 0x0101_0101_0101_0101;
    let word = u64::from_le_bytes(word);
    let quote_or_control = (word ^ (ONES * 0x02)).wrapping_sub(ONES * 0x21);
    let backslash = (word ^ (ONES * b'\\' as u64)).wrapping_sub(ONES);
    (quote_or_control | backslash) & !word & (ONES << 7)
}

/// How much of a run is read by words before it counts as long, and how much of it then at once.
const BLOCK: usize = 32;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn quotes_at_one_place_of_two_words_of_a_block_are_both_seen() {
        let plain = "x".repeat(BLOCK);
        let block = "xxx\"xxxx".repeat(BLOCK / 8);
        for words in 1..=BLOCK / 8 {
            let text = [&plain, &plain, &block[..8 * words], &plain].concat();
            assert_eq!(end_of_plain(text.as_bytes(), 0), 2 * BLOCK + 3);
        }
    }

    proptest! {
        /// Eight bytes at a time find what one at a time finds, at each place in a word.
        #[test]
        fn plain_runs_end_at_the_first_special_byte(
            bytes in proptest::collection::vec(
                prop_oneof![
                    20 => any::<u8>().prop_filter("plain", |b| *b >= 0x20 && !b"\"\\".contains(b)),
                    1 => proptest::sample::select(b"\"\\\0\x1F\n".to_vec()),
                ],
                0..160,
            ),
            from in 0..170_usize,
        ) {
            let special = |byte: &u8| *byte < 0x20 || b"\"\\".contains(byte);
            let found = bytes.iter().skip(from).position(special);
            let expected = found.map_or(bytes.len().max(from), |run| from + run);
            prop_assert_eq!(end_of_plain(&bytes, from), expected);
        }
    }

    #[test]
    fn every_byte_is_told_at_every_place() {
        for byte in 0..=u8::MAX {
            for place in 0..8 {
                let mut word = [b'x'; 16];
                word[place] = byte;
                let special = byte < 0x20 || byte == b'"' || byte == b'\\';
                assert_eq!(
                    end_of_plain(&word, 0),
                    if special { place } else { 16 },
                    "{byte:#x}"
                );
            }
        }
    }
}
