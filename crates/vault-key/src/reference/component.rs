//! Percent-encoding of one component of a reference, RFC 3986 §2.

use core::fmt;
use core::hash::{Hash, Hasher};

use super::InvalidRefReason;

/// A name or a key in a reference: text, kept as it is or in its percent-encoded form.
///
/// All that it shows is the decoded text.
#[derive(Clone, Copy)]
pub struct Component<'a>(Form<'a>);

#[derive(Clone, Copy)]
enum Form<'a> {
    Plain(&'a str),
    /// Canonical: [`Component::parse`] has read all of it.
    Encoded(&'a str),
}

impl<'a> Component<'a> {
    pub(super) const fn plain(text: &'a str) -> Self {
        Self(Form::Plain(text))
    }

    pub(super) fn parse(encoded: &'a str) -> Result<Self, Malformed> {
        let mut chars = Decoder::new(encoded);
        while chars.next_char()?.is_some() {}
        Ok(Self(Form::Encoded(encoded)))
    }

    /// The length of the decoded text in bytes.
    #[must_use]
    pub fn len(&self) -> usize {
        match self.0 {
            Form::Plain(text) => text.len(),
            Form::Encoded(text) => text.len() - 2 * escapes(text),
        }
    }

    /// Returns whether there is no text, which a reference never has.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The characters of the decoded text.
    #[must_use]
    pub fn chars(&self) -> ComponentChars<'a> {
        ComponentChars(match self.0 {
            Form::Plain(text) => Chars::Plain(text.chars()),
            Form::Encoded(text) => Chars::Encoded(Decoder::new(text)),
        })
    }

    /// The text, if it needs no decoding: if it was not parsed, or has no escapes.
    #[must_use]
    pub fn as_str(&self) -> Option<&'a str> {
        match self.0 {
            Form::Plain(text) => Some(text),
            Form::Encoded(text) => (escapes(text) == 0).then_some(text),
        }
    }

    /// Writes the decoded text into `buffer` and returns it; `None` if `buffer` is too small.
    ///
    /// [`len`](Self::len) bytes suffice. After a failure the buffer holds a part of the text.
    pub fn decode_into<'b>(&self, buffer: &'b mut [u8]) -> Option<&'b str> {
        let mut len = 0;
        for char in self.chars() {
            let end = len + char.len_utf8();
            char.encode_utf8(buffer.get_mut(len..end)?);
            len = end;
        }
        core::str::from_utf8(buffer.get(..len)?).ok()
    }

    pub(super) fn encoded_len(&self) -> usize {
        match self.0 {
            Form::Plain(text) => {
                let escapes = text.bytes().filter(|byte| !is_unreserved(*byte)).count();
                text.len() + 2 * escapes
            }
            Form::Encoded(text) => text.len(),
        }
    }

    /// Gives the encoded text in pieces.
    pub(super) fn encode(&self, put: &mut impl FnMut(&str) -> fmt::Result) -> fmt::Result {
        let text = match self.0 {
            Form::Encoded(text) => return put(text),
            Form::Plain(text) => text,
        };
        // Between two characters that are escaped, the text goes out in one piece.
        for piece in text.split_inclusive(|char| !is_unreserved_char(char)) {
            let escaped = piece
                .chars()
                .next_back()
                .filter(|c| !is_unreserved_char(*c));
            let Some(escaped) = escaped else {
                put(piece)?;
                continue;
            };
            put(piece.strip_suffix(escaped).unwrap_or_default())?;
            let mut utf8 = [0; 4];
            for byte in escaped.encode_utf8(&mut utf8).bytes() {
                let escape = [b'%', hex_digit(byte >> 4), hex_digit(byte & 0xf)];
                put(core::str::from_utf8(&escape).unwrap_or_default())?;
            }
        }
        Ok(())
    }
}

/// The decoded text.
impl fmt::Display for Component<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use fmt::Write as _;
        match self.as_str() {
            Some(text) => f.write_str(text),
            None => self.chars().try_for_each(|char| f.write_char(char)),
        }
    }
}

impl fmt::Debug for Component<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use fmt::Write as _;
        f.write_char('"')?;
        for char in self.chars() {
            fmt::Display::fmt(&char.escape_debug(), f)?;
        }
        f.write_char('"')
    }
}

impl PartialEq for Component<'_> {
    fn eq(&self, other: &Self) -> bool {
        match (self.0, other.0) {
            (Form::Plain(a), Form::Plain(b)) | (Form::Encoded(a), Form::Encoded(b)) => a == b,
            _ => self.chars().eq(other.chars()),
        }
    }
}

impl Eq for Component<'_> {}

impl PartialEq<str> for Component<'_> {
    fn eq(&self, other: &str) -> bool {
        *self == Component::plain(other)
    }
}

impl Hash for Component<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        // By characters, since the two forms of one text are equal.
        self.chars().for_each(|char| char.hash(state));
        state.write_u8(0xff);
    }
}

/// The characters of a [`Component`], decoded.
#[derive(Clone, Debug)]
pub struct ComponentChars<'a>(Chars<'a>);

#[derive(Clone, Debug)]
enum Chars<'a> {
    Plain(core::str::Chars<'a>),
    Encoded(Decoder<'a>),
}

impl Iterator for ComponentChars<'_> {
    type Item = char;

    fn next(&mut self) -> Option<char> {
        match &mut self.0 {
            Chars::Plain(chars) => chars.next(),
            // Parsing has read all of it without an error.
            Chars::Encoded(decoder) => decoder.next_char().ok().flatten(),
        }
    }
}

impl core::iter::FusedIterator for ComponentChars<'_> {}

/// What is wrong with an encoded component, and where in it.
pub(super) struct Malformed {
    pub(super) reason: InvalidRefReason,
    pub(super) position: usize,
}

#[derive(Clone, Debug)]
struct Decoder<'a> {
    encoded: &'a [u8],
    position: usize,
}

impl<'a> Decoder<'a> {
    const fn new(encoded: &'a str) -> Self {
        Self {
            encoded: encoded.as_bytes(),
            position: 0,
        }
    }

    /// The next character; `None` at the end.
    fn next_char(&mut self) -> Result<Option<char>, Malformed> {
        let start = self.position;
        let Some(first) = self.next_byte()? else {
            return Ok(None);
        };
        let mut utf8 = [first, 0, 0, 0];
        let len = utf8_len(first);
        for slot in utf8.iter_mut().take(len).skip(1) {
            // A continuation byte is at least 0x80; a byte below, or the end, makes it invalid here.
            *slot = self.next_byte()?.unwrap_or(0);
        }
        let char = utf8
            .get(..len)
            .and_then(|utf8| core::str::from_utf8(utf8).ok())
            .and_then(|text| text.chars().next());
        match char {
            Some(char) => Ok(Some(char)),
            None => Err(Malformed {
                reason: InvalidRefReason::Utf8,
                position: start,
            }),
        }
    }

    fn next_byte(&mut self) -> Result<Option<u8>, Malformed> {
        let malformed = |reason| {
            Err(Malformed {
                reason,
                position: self.position,
            })
        };
        let (byte, len) = match self.encoded.get(self.position..) {
            None | Some([]) => return Ok(None),
            Some([b'%', rest @ ..]) => {
                let Some(byte) = rest.first_chunk().and_then(unescape) else {
                    return malformed(InvalidRefReason::Escape);
                };
                if is_unreserved(byte) {
                    return malformed(InvalidRefReason::NeedlessEscape);
                }
                (byte, 3)
            }
            Some([byte, ..]) if is_unreserved(*byte) => (*byte, 1),
            Some(_) => return malformed(InvalidRefReason::Unescaped),
        };
        self.position += len;
        Ok(Some(byte))
    }
}

/// How many bytes a character has that starts with this byte; 1 for a byte that starts none.
const fn utf8_len(first: u8) -> usize {
    match first {
        0xc0..=0xdf => 2,
        0xe0..=0xef => 3,
        0xf0..=0xf7 => 4,
        _ => 1,
    }
}

fn escapes(encoded: &str) -> usize {
    encoded.bytes().filter(|byte| *byte == b'%').count()
}

// RFC 3986 §2.3.
const fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~')
}

fn is_unreserved_char(char: char) -> bool {
    u8::try_from(char).is_ok_and(is_unreserved)
}

fn unescape(digits: &[u8; 2]) -> Option<u8> {
    let value = |digit: u8| match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        // RFC 3986 §2.1 prefers upper case; here it is the only form.
        b'A'..=b'F' => Some(digit - b'A' + 10),
        _ => None,
    };
    let [high, low] = *digits;
    Some(value(high)? << 4 | value(low)?)
}

const fn hex_digit(digit: u8) -> u8 {
    match digit {
        0..=9 => b'0' + digit,
        _ => b'A' + (digit - 10),
    }
}

#[cfg(test)]
mod tests {
    extern crate std;

    use super::*;
    use std::string::{String, ToString};

    fn parsed(encoded: &str) -> Component<'_> {
        Component::parse(encoded)
            .map_err(|malformed| malformed.reason)
            .unwrap()
    }

    #[test]
    fn shows_the_decoded_text() {
        let component = parsed("a%2F%C3%A9");
        assert_eq!(component.len(), 4);
        assert_eq!(component.to_string(), "a/é");
        assert_eq!(component.chars().collect::<String>(), "a/é");
        assert_eq!(component.as_str(), None);
        assert_eq!(parsed("abc").as_str(), Some("abc"));
        assert_eq!(std::format!("{:?}", parsed("a%22%0A")), r#""a\"\n""#);
    }

    #[test]
    fn decodes_into_a_buffer_that_just_fits() {
        let component = parsed("a%2F%C3%A9");
        let mut buffer = [0; 4];
        assert_eq!(component.decode_into(&mut buffer), Some("a/é"));
        assert_eq!(component.decode_into(&mut buffer[..3]), None);
        assert_eq!(Component::plain("ab").decode_into(&mut buffer), Some("ab"));
    }

    #[test]
    fn the_two_forms_of_a_text_are_equal() {
        use std::hash::{BuildHasher, RandomState};
        let state = RandomState::new();
        let (plain, encoded) = (Component::plain("a/b"), parsed("a%2Fb"));
        assert_eq!(plain, encoded);
        assert_eq!(state.hash_one(plain), state.hash_one(encoded));
        assert_ne!(plain, parsed("a%2Fc"));
        assert_ne!(Component::plain("a%2Fb"), encoded);
        assert_eq!(encoded, *"a/b");
    }
}
