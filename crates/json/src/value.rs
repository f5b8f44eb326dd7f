//! A part of a JSON text, with its place.

use core::fmt;
use core::ops::Range;

/// One value of a JSON text, byte for byte as it was sent, and where it stands in that text.
///
/// The bytes are for those who read on at once; the [span](Self::span) is for those who keep the text and take the
/// value from it later. `Debug` shows only the place and the length, since a value may be a secret.
///
/// ```
/// use sealpost_json::members;
///
/// let text = br#"{"a": [1, 2]}"#;
/// let (_, value) = members(text).next().unwrap().unwrap();
/// assert_eq!(value.as_str(), "[1, 2]");
/// assert_eq!(&text[value.span()], b"[1, 2]");
/// ```
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct JsonValue<'a> {
    text: &'a str,
    start: usize,
}

impl<'a> JsonValue<'a> {
    #[inline]
    pub(crate) fn new(text: &'a str, start: usize) -> Self {
        Self { text, start }
    }

    /// The JSON text of the value, without whitespace around it.
    #[inline]
    #[must_use]
    pub fn as_str(&self) -> &'a str {
        self.text
    }

    /// The same as bytes.
    #[inline]
    #[must_use]
    pub fn as_bytes(&self) -> &'a [u8] {
        self.text.as_bytes()
    }

    /// The bytes of the text that the value takes.
    #[inline]
    #[must_use]
    pub fn span(&self) -> Range<usize> {
        self.start..self.start + self.text.len()
    }
}

impl fmt::Debug for JsonValue<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let length = self.text.len();
        write!(f, "JsonValue({length} bytes at {})", self.start)
    }
}
