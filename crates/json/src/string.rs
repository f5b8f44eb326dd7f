//! JSON strings as they were sent, and their decoding on the fly.

use core::fmt;

use crate::steps;

/// A JSON string as it was sent: what stands between the quotes, its escapes undecoded.
///
/// Compares with a `str` decoded, so `"n\u0061me"` equals `name`. `Debug` shows only its length,
/// since a string may be a secret.
#[derive(Clone, Copy)]
pub struct JsonStr<'a> {
    raw: &'a str,
    escaped: bool,
}

impl<'a> JsonStr<'a> {
    pub(crate) fn new(raw: &'a str, escaped: bool) -> Self {
        Self { raw, escaped }
    }

    /// What stands between the quotes, byte for byte.
    #[must_use]
    pub fn raw(&self) -> &'a str {
        self.raw
    }

    /// The decoded text where that needs no decoding, that is, without escapes.
    #[must_use]
    pub fn as_str(&self) -> Option<&'a str> {
        (!self.escaped).then_some(self.raw)
    }

    /// The decoded characters.
    pub fn chars(&self) -> impl Iterator<Item = char> + use<'a> {
        Chars { rest: self.raw }
    }

    /// The length in bytes of the decoded text in UTF-8.
    #[must_use]
    pub fn decoded_len(&self) -> usize {
        match self.as_str() {
            Some(text) => text.len(),
            None => self.chars().map(char::len_utf8).sum(),
        }
    }

    /// Decodes into `buffer` and returns what was written; `None` if it does not fit, with
    /// `buffer` holding a part. The raw length is always enough.
    pub fn decode_into<'b>(&self, buffer: &'b mut [u8]) -> Option<&'b str> {
        let mut used = 0;
        for c in self.chars() {
            let (bytes, length) = encode_utf8(u32::from(c));
            for byte in bytes.iter().take(length) {
                *buffer.get_mut(used)? = *byte;
                used += 1;
            }
        }
        core::str::from_utf8(buffer.get(..used)?).ok()
    }
}

impl PartialEq<str> for JsonStr<'_> {
    #[inline]
    fn eq(&self, other: &str) -> bool {
        match self.as_str() {
            Some(text) => text == other,
            None => self.chars().eq(other.chars()),
        }
    }
}

impl fmt::Debug for JsonStr<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "JsonStr({} bytes)", self.raw.len())
    }
}

/// Decoded characters; half of a surrogate pair, which only a refused text has, becomes U+FFFD.
struct Chars<'a> {
    rest: &'a str,
}

impl Iterator for Chars<'_> {
    type Item = char;

    fn next(&mut self) -> Option<char> {
        let mut chars = self.rest.chars();
        let c = chars.next()?;
        self.rest = chars.as_str();
        if c != '\\' {
            return Some(c);
        }
        let (code_point, length) = decode_escape(self.rest.as_bytes())?;
        self.rest = self.rest.get(length..)?;
        Some(char::from_u32(code_point).unwrap_or(char::REPLACEMENT_CHARACTER))
    }
}

/// Decodes what stands behind a backslash (RFC 8259 §7): the code point, which is a surrogate if
/// half a pair stands alone, and the number of bytes read. `None` if it is not an escape.
pub(crate) fn decode_escape(escape: &[u8]) -> Option<(u32, usize)> {
    steps::count(1);
    let code_point = match escape.first()? {
        b'b' => 0x08,
        b'f' => 0x0C,
        b'n' => 0x0A,
        b'r' => 0x0D,
        b't' => 0x09,
        b'u' => {
            let unit = hex_unit(escape.get(1..)?)?;
            return Some(match surrogate_pair(unit, escape.get(5..)?) {
                Some(code_point) => (code_point, 11),
                None => (unit, 5),
            });
        }
        literal => u32::from(*literal),
    };
    Some((code_point, 1))
}

/// The code point of the pair, if `unit` is a high surrogate and `rest` begins with the escape of
/// a low one (RFC 8259 §7).
pub(crate) fn surrogate_pair(unit: u32, rest: &[u8]) -> Option<u32> {
    if !(0xD800..=0xDBFF).contains(&unit) {
        return None;
    }
    let low = hex_unit(rest.strip_prefix(b"\\u")?)?;
    (0xDC00..=0xDFFF)
        .contains(&low)
        .then(|| 0x10000 + ((unit - 0xD800) << 10) + (low - 0xDC00))
}

/// The number in four hexadecimal digits, with which `digits` begins.
pub(crate) fn hex_unit(digits: &[u8]) -> Option<u32> {
    let digits = digits.first_chunk::<4>()?;
    let mut seen = 0;
    let unit = digits.iter().fold(0, |unit, digit| {
        let digit = HEX[usize::from(*digit)];
        seen |= digit;
        unit << 4 | u32::from(digit)
    });
    (seen != NO_DIGIT).then_some(unit)
}

// RFC 3629 §3
/// UTF-8 of a code point and its length. A surrogate gets three bytes like its neighbours.
pub(crate) fn encode_utf8(c: u32) -> ([u8; 4], usize) {
    let tail = |shift: u32| 0x80 | (c >> shift & 0x3F);
    // The first byte lowest.
    let (bytes, length) = match c {
        0..0x80 => (c, 1),
        0x80..0x800 => (0xC0 | c >> 6 | tail(0) << 8, 2),
        0x800..0x10000 => (0xE0 | c >> 12 | tail(6) << 8 | tail(0) << 16, 3),
        _ => (
            0xF0 | c >> 18 | tail(12) << 8 | tail(6) << 16 | tail(0) << 24,
            4,
        ),
    };
    (bytes.to_le_bytes(), length)
}

/// What each byte is worth as a hexadecimal digit.
const HEX: [u8; 256] = {
    let mut values = [NO_DIGIT; 256];
    let mut value = 0;
    while value < 16 {
        let digit = b"0123456789abcdef"[value as usize];
        values[digit as usize] = value;
        values[digit.to_ascii_uppercase() as usize] = value;
        value += 1;
    }
    values
};

/// Whatever else is combined with it.
const NO_DIGIT: u8 = 0xFF;

#[cfg(test)]
mod tests {
    use std::string::String;
    use std::{format, vec};

    use proptest::prelude::*;

    use super::*;

    /// A text as JSON, each character as it is or escaped.
    fn json(text: &[(char, bool)]) -> String {
        let escape = |(c, escape): &(char, bool)| -> String {
            match c {
                '\n' if !escape => "\\n".into(),
                '\t' if !escape => "\\t".into(),
                '\r' if !escape => "\\r".into(),
                '\u{8}' if !escape => "\\b".into(),
                '\u{C}' if !escape => "\\f".into(),
                '"' | '\\' | '/' if !escape => format!("\\{c}"),
                ' '.. if !escape => (*c).into(),
                c => c
                    .encode_utf16(&mut [0; 2])
                    .iter()
                    .map(|u| format!("\\u{u:04X}"))
                    .collect(),
            }
        };
        format!("\"{}\"", text.iter().map(escape).collect::<String>())
    }

    proptest! {
        #[test]
        fn decodes_what_was_encoded(
            text in proptest::collection::vec((any::<char>(), any::<bool>()), 0..20),
            other in any::<String>(),
        ) {
            let json = json(&text);
            let string = JsonStr::from_json(&json).unwrap();
            let text: String = text.into_iter().map(|(c, _)| c).collect();
            prop_assert_eq!(string.raw(), &json[1..json.len() - 1]);
            prop_assert_eq!(string.chars().collect::<String>(), text.as_str());
            prop_assert_eq!(string.decoded_len(), text.len());
            let mut buffer = vec![0; text.len()];
            prop_assert_eq!(string.decode_into(&mut buffer), Some(text.as_str()));
            if let Some(small) = text.len().checked_sub(1) {
                prop_assert_eq!(string.decode_into(&mut buffer[..small]), None);
            }
            prop_assert!(string == *text && (string == *other) == (text == other));
            prop_assert_eq!(string.as_str().is_some(), !json.contains('\\'));
        }
    }

    #[test]
    fn takes_one_string_and_nothing_else() {
        for bad in [
            "",
            "\"",
            "a",
            "\"a",
            "a\"",
            "\"a\" ",
            " \"a\"",
            "\"a\"\"",
            "\"\n\"",
            "\"\\x\"",
            "\"\\u12\"",
            "\"\\ud800\"",
            "\"\\udc00\\ud800\"",
            "1",
            "{}",
        ] {
            assert!(JsonStr::from_json(bad).is_none(), "{bad}");
        }
        assert_eq!(JsonStr::from_json("\"\"").unwrap().raw(), "");
    }

    #[test]
    fn units_are_of_hexadecimal_digits() {
        for byte in 0..=u8::MAX {
            for place in 0..4 {
                let mut digits = *b"1Ab0";
                digits[place] = byte;
                let text = core::str::from_utf8(&digits).ok();
                let expected = text.filter(|_| byte != b'+');
                let expected = expected.and_then(|text| u32::from_str_radix(text, 16).ok());
                assert_eq!(hex_unit(&digits), expected, "{byte:#x}");
            }
        }
        assert_eq!(hex_unit(b"123"), None);
    }

    #[test]
    fn pairs_of_surrogates() {
        let string = |json| JsonStr::from_json(json).unwrap().chars().next().unwrap();
        assert_eq!(string(r#""\ud800\udc00""#), '\u{10000}');
        assert_eq!(string(r#""\uDBFF\uDFFF""#), '\u{10FFFF}');
        assert_eq!(string(r#""\uE000""#), '\u{E000}');
        assert_eq!(string(r#""\uD7FF""#), '\u{D7FF}');
    }

    #[test]
    fn utf8_is_that_of_the_standard_library() {
        for c in '\0'..=char::MAX {
            let (bytes, length) = encode_utf8(u32::from(c));
            assert_eq!(&bytes[..length], c.encode_utf8(&mut [0; 4]).as_bytes());
        }
        assert_eq!(encode_utf8(0xD800), ([0xED, 0xA0, 0x80, 0], 3));
        assert_eq!(encode_utf8(0xDFFF), ([0xED, 0xBF, 0xBF, 0], 3));
    }

    #[test]
    fn shows_no_content() {
        assert_eq!(
            format!("{:?}", JsonStr::from_json("\"canary\"")),
            "Some(JsonStr(6 bytes))"
        );
    }
}
