//! Encodings of text other than UTF-8, as people save it.

use std::fmt;

/// An encoding of text that is not UTF-8, told from its first bytes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Encoding {
    /// UTF-16, the low byte first, as Windows writes it.
    Utf16Le,
    /// UTF-16, the high byte first.
    Utf16Be,
    /// UTF-32, the low byte first.
    Utf32Le,
    /// UTF-32, the high byte first.
    Utf32Be,
}

impl Encoding {
    /// Returns the encoding that these bytes begin like: with its byte-order mark, or with ASCII characters in it.
    /// `None` for UTF-8, and for what is not text.
    #[must_use]
    pub fn detect(bytes: &[u8]) -> Option<Self> {
        match bytes {
            [0xff, 0xfe, 0, 0, ..] => Some(Self::Utf32Le),
            [0, 0, 0xfe, 0xff, ..] => Some(Self::Utf32Be),
            [0xff, 0xfe, ..] => Some(Self::Utf16Le),
            [0xfe, 0xff, ..] => Some(Self::Utf16Be),
            [a, 0, 0, 0, ..] if is_text(*a) => Some(Self::Utf32Le),
            [0, 0, 0, a, ..] if is_text(*a) => Some(Self::Utf32Be),
            [a, 0, b, 0, ..] if is_text(*a) && is_text(*b) => Some(Self::Utf16Le),
            [0, a, 0, b, ..] if is_text(*a) && is_text(*b) => Some(Self::Utf16Be),
            [a, 0] if is_text(*a) => Some(Self::Utf16Le),
            [0, a] if is_text(*a) => Some(Self::Utf16Be),
            _ => None,
        }
    }

    /// The name by which `iconv` knows it.
    fn iconv(self) -> &'static str {
        match self {
            Self::Utf16Le => "UTF-16LE",
            Self::Utf16Be => "UTF-16BE",
            Self::Utf32Le => "UTF-32LE",
            Self::Utf32Be => "UTF-32BE",
        }
    }

    /// What to do about it.
    pub(crate) fn hint(self) -> &'static str {
        match self {
            Self::Utf16Le => "save it as UTF-8, or convert it with `iconv -f UTF-16LE -t UTF-8`",
            Self::Utf16Be => "save it as UTF-8, or convert it with `iconv -f UTF-16BE -t UTF-8`",
            Self::Utf32Le => "save it as UTF-8, or convert it with `iconv -f UTF-32LE -t UTF-8`",
            Self::Utf32Be => "save it as UTF-8, or convert it with `iconv -f UTF-32BE -t UTF-8`",
        }
    }
}

impl fmt::Display for Encoding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.iconv())
    }
}

/// ASCII characters that a text may begin with.
fn is_text(byte: u8) -> bool {
    matches!(byte, b' '..=b'~' | b'\t' | b'\r' | b'\n')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encode(text: &str, encoding: Encoding) -> Vec<u8> {
        let utf16 = |to: fn(u16) -> [u8; 2]| text.encode_utf16().flat_map(to).collect();
        let utf32 = |to: fn(u32) -> [u8; 4]| text.chars().map(u32::from).flat_map(to).collect();
        match encoding {
            Encoding::Utf16Le => utf16(u16::to_le_bytes),
            Encoding::Utf16Be => utf16(u16::to_be_bytes),
            Encoding::Utf32Le => utf32(u32::to_le_bytes),
            Encoding::Utf32Be => utf32(u32::to_be_bytes),
        }
    }

    #[test]
    fn another_encoding_is_named_with_and_without_a_mark() {
        for encoding in [
            Encoding::Utf16Le,
            Encoding::Utf16Be,
            Encoding::Utf32Le,
            Encoding::Utf32Be,
        ] {
            for text in [
                "{",
                "{}",
                "\r\n-----BEGIN",
                "\u{feff}",
                "\u{feff}sealpost",
                "\u{feff}é",
            ] {
                let bytes = encode(text, encoding);
                // Two bytes of UTF-32's mark are UTF-16's, four are not.
                assert_eq!(Encoding::detect(&bytes), Some(encoding), "{text:?}");
                assert!(encoding.hint().contains(&format!("-f {encoding} ")));
            }
        }
    }
}
