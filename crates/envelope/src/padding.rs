//! How a message's length is hidden.
//!
//! ```text
//! pad(m) = u32 |m| ‖ m ‖ zeros        |pad(m)| = Padmé(max(256, 4 + |m|))
//! ```
//!
//! Padmé (Nikitin et al., "Reducing Metadata Leakage from Encrypted Files and Communication with
//! PURBs", PoPETs 2019, §4) keeps so few significant bits of a length that only O(log log M) bits
//! of it show; from the floor of 256 on it adds at most a sixteenth. Secrets are short: everything up to
//! 252 bytes looks alike.

use subtle::{Choice, ConstantTimeEq};

use crate::bytes::copy;

/// The longest message: 64 MiB.
pub const MAX_MESSAGE: usize = 64 << 20;

/// How the messages of one layout are padded: the least length, and the longest message.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Padding {
    floor: usize,
    longest: usize,
}

impl Padding {
    /// Bytes of the length before the message.
    pub const LENGTH_FIELD: usize = 4;

    /// Messages of at most `longest` bytes, padded to `floor` bytes or more. Both are bounded, so that nothing overflows:
    /// `floor` is 2 or more, and `longest` at most [`MAX_MESSAGE`].
    #[must_use]
    pub const fn new(floor: usize, longest: usize) -> Self {
        let longest = if longest > MAX_MESSAGE {
            MAX_MESSAGE
        } else {
            longest
        };
        Self {
            floor: if floor < 2 { 2 } else { floor },
            longest,
        }
    }

    /// The length to which a message of `length` bytes is padded, its length field included; `None` if it is too long.
    #[must_use]
    pub const fn padded_len(self, length: usize) -> Option<usize> {
        if length > self.longest {
            return None;
        }
        let length = length + LENGTH_FIELD;
        Some(padme(if length < self.floor {
            self.floor
        } else {
            length
        }))
    }

    /// Returns whether [`padded_len`](Self::padded_len) can give this length.
    #[must_use]
    pub const fn is_padded_len(self, padded: usize) -> bool {
        padded >= self.floor
            && padded <= padme(self.longest + LENGTH_FIELD)
            && padme(padded) == padded
    }

    /// Writes `pad(message)` over all of `out`; `None` unless `out` has exactly
    /// [`padded_len`](Self::padded_len) bytes.
    #[must_use]
    pub fn pad(self, message: &[u8], out: &mut [u8]) -> Option<()> {
        if self.padded_len(message.len()) != Some(out.len()) {
            return None;
        }
        let (field, rest) = out.split_first_chunk_mut()?;
        *field = u32::try_from(message.len()).ok()?.to_be_bytes();
        let (body, zeros) = rest.split_at_mut_checked(message.len())?;
        copy(body, message);
        zeros.fill(0);
        Some(())
    }

    /// The message's length if `padded` is exactly what [`pad`](Self::pad) writes. The message follows the length field.
    ///
    /// # Security
    ///
    /// Runs after authentication; a malformed one was made by a sealer. Still, the zeros are gone through
    /// to the end whatever they hold, and there is one answer.
    #[must_use]
    pub fn unpad(self, padded: &[u8]) -> Option<usize> {
        let (field, rest) = padded.split_first_chunk()?;
        let length = usize::try_from(u32::from_be_bytes(*field)).ok()?;
        let right_length = self.padded_len(length) == Some(padded.len());
        let zeros = rest.get(length..).unwrap_or(&[0xff]);
        let all_zero: Choice = zeros.iter().fold(0, |all, byte| all | byte).ct_eq(&0);
        (right_length & bool::from(all_zero)).then_some(length)
    }
}

/// The length to which a message of `length` bytes is padded, its length field included.
///
/// `None` if it is longer than [`MAX_MESSAGE`].
#[must_use]
pub const fn padded_len(length: usize) -> Option<usize> {
    ENVELOPE.padded_len(length)
}

/// Returns whether [`padded_len`] can give this length.
pub(crate) const fn is_padded_len(padded: usize) -> bool {
    ENVELOPE.is_padded_len(padded)
}

/// Writes `pad(message)` over all of `out`; `None` unless `out` has exactly [`padded_len`] bytes.
pub(crate) fn pad(message: &[u8], out: &mut [u8]) -> Option<()> {
    ENVELOPE.pad(message, out)
}

/// The message's length if `padded` is exactly what [`pad`] writes.
pub(crate) fn unpad(padded: &[u8]) -> Option<usize> {
    ENVELOPE.unpad(padded)
}

// Padmé: keep ⌊log₂ e⌋ + 1 significant bits beyond the first of a length with exponent e, round up.
const fn padme(length: usize) -> usize {
    let exponent = floor_log2(length);
    let significant = floor_log2(exponent as usize) + 1;
    let mask = (1 << (exponent - significant)) - 1;
    (length + mask) & !mask
}

/// ⌊log₂ n⌋; 0 for 0, where `ilog2` has a panic that firmware would have to carry.
const fn floor_log2(n: usize) -> u32 {
    (usize::BITS - 1).saturating_sub(n.leading_zeros())
}

/// Bytes of the length field.
pub(crate) const LENGTH_FIELD: usize = Padding::LENGTH_FIELD;
/// The padding of an envelope's messages.
const ENVELOPE: Padding = Padding::new(256, MAX_MESSAGE);

#[cfg(test)]
mod tests {
    use alloc::vec;

    use super::*;

    #[test]
    fn lengths_are_those_of_the_paper() {
        for (length, padded) in [
            (0, 256),
            (252, 256),
            (253, 272), // 257 = 2^8 + 1: four significant bits after the first, steps of 16
            (508, 512),
            (509, 544),
            (4096, 4352),
            (65_536, 67_584),
        ] {
            assert_eq!(padded_len(length), Some(padded), "{length}");
        }
        assert_eq!(padded_len(MAX_MESSAGE + 1), None);
    }

    /// On both sides of every power of two, where one bit more or less is kept.
    #[test]
    fn every_exponent_keeps_the_bits_of_the_paper() {
        for exponent in 9..=26 {
            for length in [
                (1 << exponent) - 1,
                1 << exponent,
                (1 << exponent) + 1_usize,
            ] {
                let e = length.ilog2();
                let step = 1 << (e - e.ilog2() - 1);
                let padded = length.div_ceil(step) * step;
                if let Some(found) = padded_len(length - LENGTH_FIELD) {
                    assert_eq!(found, padded, "{length}");
                }
            }
        }
    }

    #[test]
    fn every_padded_length_is_one_and_no_other() {
        let mut expected = vec![false; 5000];
        for length in 0..4700 {
            expected[padded_len(length).unwrap()] = true;
        }
        for (padded, expected) in expected.iter().enumerate().take(4353).skip(1) {
            assert_eq!(is_padded_len(padded), *expected, "{padded}");
        }
        assert!(is_padded_len(padded_len(MAX_MESSAGE).unwrap()));
        assert!(!is_padded_len(2 * padded_len(MAX_MESSAGE).unwrap()));
    }

    #[test]
    fn overhead_is_at_most_a_sixteenth_beyond_the_minimum() {
        for length in 252..100_000 {
            let padded = padded_len(length).unwrap();
            assert!(padded - length - 4 <= (length + 4) / 16, "{length}");
        }
    }

    #[test]
    fn unpad_takes_what_pad_writes_and_nothing_else() {
        for length in [0, 1, 251, 252, 253, 1000] {
            let message = vec![0xaa; length];
            let mut padded = vec![0x55; padded_len(length).unwrap()];
            pad(&message, &mut padded).unwrap();
            assert_eq!(unpad(&padded), Some(length));

            let last = padded.len() - 1;
            if length + 4 < padded.len() {
                padded[last] = 1;
                assert_eq!(unpad(&padded), None, "non-zero padding after {length}");
                padded[last] = 0;
            }
            if length + 5 < padded.len() {
                padded[last - 1..].fill(1);
                assert_eq!(unpad(&padded), None, "twice the same");
                padded[last - 1..].fill(0);
            }
            let beyond = u32::try_from(padded.len()).unwrap();
            padded[..4].copy_from_slice(&beyond.to_be_bytes());
            assert_eq!(unpad(&padded), None, "length field beyond the end");
            padded[..4].fill(0xff);
            assert_eq!(unpad(&padded), None);
        }
        // 10 bytes belong into 256, not into the next step.
        let mut padded = vec![0; 272];
        padded[3] = 10;
        assert_eq!(unpad(&padded), None);
        assert_eq!(unpad(&[]), None);
        assert_eq!(pad(&[0; 10], &mut [0; 272]), None);
    }
}
