//! Hexadecimal digits, as fingerprints, ids and keys are written.

use core::fmt;

/// Shows bytes as hexadecimal digits in lower case.
///
/// ```
/// assert_eq!(sealpost_context::hex::Hex(&[0x0f, 0xa0]).to_string(), "0fa0");
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Hex<'a>(pub &'a [u8]);

impl fmt::Display for Hex<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// Returns the value of a hexadecimal digit in either case.
#[must_use]
pub const fn digit(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        b'A'..=b'F' => Some(digit - b'A' + 10),
        _ => None,
    }
}

/// Fills `bytes` from twice as many digits in either case. Returns `None` if there are more or fewer digits, or others;
/// `bytes` then holds some of them. It is not constant-time.
#[must_use]
pub fn decode(digits: &[u8], bytes: &mut [u8]) -> Option<()> {
    let (pairs, []) = digits.as_chunks() else {
        return None;
    };
    if pairs.len() != bytes.len() {
        return None;
    }
    for (byte, &[high, low]) in bytes.iter_mut().zip(pairs) {
        *byte = digit(high)? << 4 | digit(low)?;
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use std::string::ToString as _;

    use super::*;

    #[test]
    fn what_is_shown_is_read() {
        let all: [u8; 256] = core::array::from_fn(|i| i.to_le_bytes()[0]);
        let text = Hex(&all).to_string();
        for text in [text.to_uppercase(), text] {
            let mut read = [0; 256];
            assert_eq!(decode(text.as_bytes(), &mut read), Some(()));
            assert_eq!(read, all);
        }
    }

    #[test]
    fn other_lengths_and_digits_are_refused() {
        for text in [
            "", "0", "000", "0000", "0g", "+1", " 1", "/0", ":0", "`0", "@0",
        ] {
            assert_eq!(decode(text.as_bytes(), &mut [0]), None, "{text:?}");
        }
    }
}
