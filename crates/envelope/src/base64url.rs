//! Unpadded base64url (RFC 4648 §5, RFC 7515 §2), exact: what decodes is what encoding gives.
//!
//! Only for what is public: envelopes, headers, ciphertexts, names of keys. The time to read it depends on the text; in constant
//! time, 64 KiB take half as long as the private-key operation. Private keys in PEM are read in constant time (`pem.rs`).

use alloc::{string::String, vec, vec::Vec};

use base64::Engine as _;
#[cfg(not(feature = "std"))]
use base64::engine::general_purpose::{GeneralPurpose, URL_SAFE_NO_PAD};
#[cfg(feature = "std")]
use base64::engine::{Simd, general_purpose::NO_PAD};

#[cfg(any(feature = "jwe", test))]
pub(crate) fn encode(bytes: &[u8]) -> String {
    engine().encode(bytes)
}

/// Appends to a text, which then grows at most once.
pub(crate) fn append(bytes: &[u8], text: &mut String) {
    engine().encode_string(bytes, text);
}

/// The characters that these bytes take.
pub(crate) const fn encoded_len(bytes: &[u8]) -> usize {
    (bytes.len() * 4).div_ceil(3)
}

/// `None` if the text is not exactly what [`encode`] gives.
pub(crate) fn decode(text: &str) -> Option<Vec<u8>> {
    let mut bytes = vec![0; text.len() / 4 * 3 + 3];
    let length = engine().decode_slice(text, &mut bytes).ok()?;
    bytes.truncate(length);
    Some(bytes)
}

/// `None` if the text is not exactly what [`encode`] gives for `N` bytes.
#[cfg(any(feature = "jwe", test))]
pub(crate) fn decode_array<const N: usize>(text: &str) -> Option<[u8; N]> {
    let mut bytes = [0; N];
    let length = engine().decode_slice(text, &mut bytes).ok()?;
    (length == N).then_some(bytes)
}

/// What the processor has is asked for when it runs, which takes `std`.
#[cfg(feature = "std")]
fn engine() -> Simd {
    Simd::url_safe(NO_PAD)
}

#[cfg(not(feature = "std"))]
const fn engine() -> GeneralPurpose {
    URL_SAFE_NO_PAD
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// RFC 4648 §10, and the two characters that base64url has of its own.
    #[test]
    fn the_known_texts() {
        for (bytes, text) in [
            (&b""[..], ""),
            (b"f", "Zg"),
            (b"fo", "Zm8"),
            (b"foo", "Zm9v"),
            (b"foob", "Zm9vYg"),
            (b"fooba", "Zm9vYmE"),
            (b"foobar", "Zm9vYmFy"),
            (b"\xfb\xff\xfe", "-__-"),
        ] {
            assert_eq!(
                (encode(bytes).as_str(), encoded_len(bytes)),
                (text, text.len())
            );
            assert_eq!(decode(text).as_deref(), Some(bytes));
        }
        assert_eq!(decode_array("Zm8"), Some(*b"fo"));
        assert_eq!(decode_array::<1>("Zm8"), None);
        assert_eq!(decode_array::<3>("Zm8"), None);
    }

    proptest! {
        /// Long enough for every width of vector; one wrong character anywhere is found.
        #[test]
        fn one_character_that_is_wrong_is_found_anywhere(bytes in prop::collection::vec(any::<u8>(), 1..200), at: prop::sample::Index, wrong: u8) {
            let mut text = encode(&bytes).into_bytes();
            let at = at.index(text.len());
            prop_assume!(!wrong.is_ascii_alphanumeric() && wrong != b'-' && wrong != b'_' && wrong.is_ascii());
            text[at] = wrong;
            prop_assert_eq!(decode(str::from_utf8(&text).unwrap()), None);
        }

        #[test]
        fn what_decodes_is_what_encoding_gives(text in "[A-Za-z0-9_-]{0,140}") {
            if let Some(bytes) = decode(&text) {
                prop_assert_eq!(encode(&bytes), text);
            }
        }

        #[test]
        fn decoding_undoes_encoding(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            prop_assert_eq!(decode(&encode(&bytes)), Some(bytes));
        }
    }
}
