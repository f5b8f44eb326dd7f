//! A strict RFC 8259 tokenizer: reads forward only, checks every byte, keeps nothing but a position.

mod from_json;
mod plain;
mod token;

use core::{fmt, str};

pub(crate) use self::plain::end_of_plain;
pub use self::token::{JsonKind, Token};
use crate::MAX_DEPTH;
use crate::malformed::{Cause, Malformed};
use crate::steps;
use crate::string::{JsonStr, hex_unit, surrogate_pair};
use crate::value::JsonValue;

/// A position in a JSON text: reads forward only, checks every byte, and keeps nothing but the position.
///
/// The building block of the other readers, for callers that decide themselves how they go on. After an error the
/// position means nothing.
pub struct Scanner<'a> {
    /// The input up to the first byte that is not UTF-8.
    text: &'a str,
    at: usize,
    /// Whether the input goes on behind `text`.
    cut: bool,
    lone_surrogate: Option<usize>,
}

// Small machines have 32 bits. There, size counts more than speed, so the long functions are not inlined in other
// crates: each crate would have its own copy.
impl<'a> Scanner<'a> {
    /// Starts at the first byte of a text, all of which has to be UTF-8 up to where it is read.
    #[must_use]
    pub fn new(input: &'a [u8]) -> Self {
        steps::count(input.len());
        let (text, cut) = match str::from_utf8(input) {
            Ok(text) => (text, false),
            Err(_) => (
                input.utf8_chunks().next().map_or("", |chunk| chunk.valid()),
                true,
            ),
        };
        Self {
            text,
            at: 0,
            cut,
            lone_surrogate: None,
        }
    }

    /// The input up to the first byte that is not UTF-8.
    #[inline]
    #[must_use]
    pub fn text(&self) -> &'a str {
        self.text
    }

    /// The position, in bytes.
    #[inline]
    #[must_use]
    pub fn at(&self) -> usize {
        self.at
    }

    /// The text from `start` to the position.
    #[inline]
    #[must_use]
    pub fn since(&self, start: usize) -> JsonValue<'a> {
        JsonValue::new(self.text.get(start..self.at).unwrap_or_default(), start)
    }

    /// What a token of this text spells.
    #[inline]
    #[must_use]
    pub fn json_str(&self, token: Token) -> JsonStr<'a> {
        let raw = self.text.get(token.span()).unwrap_or_default();
        JsonStr::new(raw, token.escapes > 0)
    }

    /// Passes a byte-order mark and says whether there was one.
    pub fn byte_order_mark(&mut self) -> bool {
        let found = self.at == 0 && self.text.starts_with('\u{FEFF}');
        if found {
            self.at = '\u{FEFF}'.len_utf8();
        }
        found
    }

    /// Returns where the first lone surrogate was escaped since the last call. Half a pair is no
    /// error of syntax in RFC 8259 (§8.2), so the tokenizer notes it and reads on.
    #[inline]
    pub fn take_lone_surrogate(&mut self) -> Option<usize> {
        self.lone_surrogate.take()
    }

    /// Passes whitespace and tells the kind of the value that begins there.
    ///
    /// # Errors
    ///
    /// If no value begins there.
    #[cfg_attr(not(target_pointer_width = "32"), inline)]
    pub fn kind(&mut self) -> Result<JsonKind, Malformed> {
        self.whitespace();
        match self.peek() {
            Some(b'{') => Ok(JsonKind::Object),
            Some(b'[') => Ok(JsonKind::Array),
            Some(b'"') => Ok(JsonKind::String),
            Some(b'-' | b'0'..=b'9') => Ok(JsonKind::Number),
            Some(b't' | b'f') => Ok(JsonKind::Boolean),
            Some(b'n') => Ok(JsonKind::Null),
            _ => Err(self.stop(Cause::VALUE)),
        }
    }

    /// Passes the brace that [`kind`](Self::kind) saw.
    #[inline]
    pub fn open_object(&mut self) {
        self.at += 1;
    }

    /// Steps into the object's next member: its name, with the position before its value; or
    /// `None`, with the position behind the object. `first` holds before the first member.
    ///
    /// # Errors
    ///
    /// If neither a member's name and a colon nor the closing brace stands there.
    #[cfg_attr(not(target_pointer_width = "32"), inline)]
    pub fn member(&mut self, first: &mut bool) -> Result<Option<Token>, Malformed> {
        self.whitespace();
        match self.peek() {
            Some(b'}') => {
                self.at += 1;
                return Ok(None);
            }
            Some(b',') if !*first => self.at += 1,
            _ if *first => {}
            _ => return Err(self.stop(Cause::COMMA_OR_BRACE)),
        }
        let cause = if *first {
            Cause::NAME_OR_BRACE
        } else {
            Cause::NAME
        };
        *first = false;
        self.name(cause).map(Some)
    }

    /// Reads the string that begins at the position.
    ///
    /// # Errors
    ///
    /// If the string does not end, or has a control character or an unknown escape.
    #[cfg_attr(not(target_pointer_width = "32"), inline)]
    pub fn string(&mut self) -> Result<Token, Malformed> {
        let bytes = self.text.as_bytes();
        let start = self.at + 1;
        let mut escapes = 0;
        self.at = start;
        loop {
            self.at = end_of_plain(bytes, self.at);
            match self.peek() {
                Some(b'"') => {
                    let end = self.at;
                    self.at += 1;
                    return Ok(Token {
                        start,
                        end,
                        escapes,
                    });
                }
                Some(b'\\') => {
                    escapes += 1;
                    self.escape()?;
                }
                Some(_) => return Err(self.stop(Cause::NO_CONTROL)),
                None => return Err(self.stop(Cause::QUOTE)),
            }
        }
    }

    /// Passes one value of any kind, in which arrays and objects nest at most `max_depth` deep, or [`MAX_DEPTH`] if
    /// that is less.
    ///
    /// # Errors
    ///
    /// If no JSON value stands there, or it nests deeper.
    #[inline]
    pub fn skip_value(&mut self, max_depth: usize) -> Result<(), Malformed> {
        // Apart from the loop, which is slower if it computes its own bound.
        self.skip_nested(max_depth.min(MAX_DEPTH))
    }

    /// No recursion: one bit a level says whether the level is an object, and [`MAX_DEPTH`] levels fill a word.
    #[inline(never)]
    fn skip_nested(&mut self, max_depth: usize) -> Result<(), Malformed> {
        let mut depth = 0;
        let mut objects = 0_u64;
        loop {
            self.whitespace();
            match self.peek() {
                Some(b'"') => {
                    self.string()?;
                }
                Some(b'-' | b'0'..=b'9') => self.number()?,
                Some(open @ (b'{' | b'[')) => {
                    if depth == max_depth {
                        return Err(self.stop(Cause::TooDeep));
                    }
                    self.at += 1;
                    self.whitespace();
                    let is_object = open == b'{';
                    // The brackets of ASCII close two places after they open.
                    if self.peek() == Some(open + 2) {
                        self.at += 1;
                    } else {
                        depth += 1;
                        objects = objects << 1 | u64::from(is_object);
                        if is_object {
                            self.name(Cause::NAME_OR_BRACE)?;
                        }
                        continue;
                    }
                }
                _ => self.literal()?,
            }
            loop {
                if depth == 0 {
                    return Ok(());
                }
                self.whitespace();
                let in_object = objects & 1 == 1;
                match self.peek() {
                    Some(b',') => {
                        self.at += 1;
                        if in_object {
                            self.name(Cause::NAME)?;
                        }
                        break;
                    }
                    Some(b'}') if in_object => {}
                    Some(b']') if !in_object => {}
                    _ if in_object => return Err(self.stop(Cause::COMMA_OR_BRACE)),
                    _ => return Err(self.stop(Cause::COMMA_OR_BRACKET)),
                }
                self.at += 1;
                depth -= 1;
                objects >>= 1;
            }
        }
    }

    /// Passes whitespace, behind which the text has to end.
    ///
    /// # Errors
    ///
    /// If anything else follows.
    pub fn finish(&mut self) -> Result<(), Malformed> {
        self.whitespace();
        if self.peek().is_some() || self.cut {
            Err(self.stop(Cause::END))
        } else {
            Ok(())
        }
    }

    #[inline]
    fn peek(&self) -> Option<u8> {
        steps::count(1);
        self.text.as_bytes().get(self.at).copied()
    }

    #[inline]
    fn whitespace(&mut self) {
        while let Some(b' ' | b'\n' | b'\r' | b'\t') = self.peek() {
            self.at += 1;
        }
    }

    /// A member's name and the colon behind it.
    #[inline]
    fn name(&mut self, cause: Cause) -> Result<Token, Malformed> {
        self.whitespace();
        if self.peek() != Some(b'"') {
            return Err(self.stop(cause));
        }
        let name = self.string()?;
        self.whitespace();
        if self.peek() != Some(b':') {
            return Err(self.stop(Cause::COLON));
        }
        self.at += 1;
        Ok(name)
    }

    // RFC 8259 §7, char: from the backslash on.
    #[inline]
    fn escape(&mut self) -> Result<(), Malformed> {
        steps::count(2);
        match self.text.as_bytes().get(self.at + 1) {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => {
                self.at += 2;
                Ok(())
            }
            Some(b'u') => self.unicode_escape(),
            _ => {
                self.at += 1;
                Err(self.stop(Cause::ESCAPE))
            }
        }
    }

    fn unicode_escape(&mut self) -> Result<(), Malformed> {
        let start = self.at;
        self.at += 2;
        let digits = self.text.as_bytes().get(self.at..).unwrap_or_default();
        let Some(unit) = hex_unit(digits) else {
            self.at += digits.iter().take_while(|b| b.is_ascii_hexdigit()).count();
            return Err(self.stop(Cause::HEX_DIGIT));
        };
        self.at += 4;
        if (0xD800..=0xDFFF).contains(&unit) {
            let rest = digits.get(4..).unwrap_or_default();
            match surrogate_pair(unit, rest) {
                Some(_) => self.at += 6,
                None => _ = self.lone_surrogate.get_or_insert(start),
            }
        }
        Ok(())
    }

    // RFC 8259 §6: number = [ minus ] int [ frac ] [ exp ]
    #[inline]
    fn number(&mut self) -> Result<(), Malformed> {
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        if self.peek() == Some(b'0') {
            self.at += 1;
        } else {
            self.digits()?;
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.digits()?;
        }
        if let Some(b'e' | b'E') = self.peek() {
            self.at += 1;
            if let Some(b'+' | b'-') = self.peek() {
                self.at += 1;
            }
            self.digits()?;
        }
        Ok(())
    }

    /// One digit or more.
    #[inline]
    fn digits(&mut self) -> Result<(), Malformed> {
        let start = self.at;
        while let Some(b'0'..=b'9') = self.peek() {
            self.at += 1;
        }
        if self.at == start {
            Err(self.stop(Cause::DIGIT))
        } else {
            Ok(())
        }
    }

    fn literal(&mut self) -> Result<(), Malformed> {
        let literal = match self.peek() {
            Some(b't') => "true",
            Some(b'f') => "false",
            Some(b'n') => "null",
            _ => return Err(self.stop(Cause::VALUE)),
        };
        for byte in literal.bytes() {
            if self.peek() != Some(byte) {
                return Err(self.stop(Cause::LITERAL));
            }
            self.at += 1;
        }
        Ok(())
    }

    /// The error at the position: `cause`, unless the text ends here because what follows is not
    /// UTF-8.
    #[cold]
    fn stop(&self, cause: Cause) -> Malformed {
        let at_end = self.at >= self.text.len();
        let cause = if at_end && self.cut {
            Cause::NotUtf8
        } else {
            cause
        };
        Malformed {
            cause,
            at: self.at,
            at_end: at_end && !self.cut,
        }
    }
}

/// The text may be a secret.
impl fmt::Debug for Scanner<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scanner")
            .field("at", &self.at)
            .finish_non_exhaustive()
    }
}

// One bit a level, in `skip_nested`.
const _: () = assert!(MAX_DEPTH <= 64);

#[cfg(test)]
mod tests;
