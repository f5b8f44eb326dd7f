//! The text form of an envelope: one line that a scanner recognises in a log.
//!
//! ```text
//! text = "sealpost.v1." ‖ base64url(envelope)          RFC 4648 §5, unpadded, canonical
//! ```

use alloc::{string::String, vec::Vec};

use crate::{base64url, error::ParseError};

/// What every text form starts with.
pub const PREFIX: &str = "sealpost.v1.";

/// The text form of an envelope's bytes.
#[must_use]
pub fn encode(envelope: &[u8]) -> String {
    let mut text = String::with_capacity(PREFIX.len() + base64url::encoded_len(envelope));
    text.push_str(PREFIX);
    base64url::append(envelope, &mut text);
    text
}

/// The bytes of a text form.
///
/// The text must be exact: no white space around it and none inside. Whether the bytes are an envelope
/// is for [`Envelope::parse`](crate::Envelope::parse) to say.
///
/// # Errors
///
/// [`ParseError::TextPrefix`] or [`ParseError::TextEncoding`].
pub fn decode(text: &str) -> Result<Vec<u8>, ParseError> {
    let encoded = text.strip_prefix(PREFIX).ok_or(ParseError::TextPrefix)?;
    base64url::decode(encoded).ok_or(ParseError::TextEncoding)
}

#[cfg(test)]
mod tests {
    use alloc::format;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn refuses_every_other_spelling() {
        let text = encode(b"ab"); // "YWI": two unused bits
        assert_eq!(text, "sealpost.v1.YWI");
        for wrong in ["YWJ", "YWI=", "YWI\n", " YWI", "YW I", "YWI+", "Y/I", "Y"] {
            assert_eq!(
                decode(&format!("{PREFIX}{wrong}")),
                Err(ParseError::TextEncoding),
                "{wrong:?}"
            );
        }
        for wrong in [
            "",
            "YWI",
            "sealpost.v2.YWI",
            "Sealpost.v1.YWI",
            " sealpost.v1.YWI",
        ] {
            assert_eq!(decode(wrong), Err(ParseError::TextPrefix), "{wrong:?}");
        }
    }

    proptest! {
        #[test]
        fn encoding_and_decoding_are_inverses(bytes: Vec<u8>) {
            prop_assert_eq!(decode(&encode(&bytes)), Ok(bytes));
        }

        #[test]
        fn what_decodes_is_canonical(text in "[A-Za-z0-9_-]{0,12}") {
            let text = format!("{PREFIX}{text}");
            if let Ok(bytes) = decode(&text) {
                prop_assert_eq!(encode(&bytes), text);
            }
        }
    }
}
