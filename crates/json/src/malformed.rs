//! Where and why a text is not JSON.

use core::error::Error;
use core::fmt;

use crate::MAX_DEPTH;

/// Why a text cannot be read, and at which byte: it is not the well-formed JSON that was asked for.
///
/// Names no content of the text.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Malformed {
    pub(crate) cause: Cause,
    pub(crate) at: usize,
    pub(crate) at_end: bool,
}

impl Malformed {
    /// The first byte that could not stand where it stands; the length of the text if it ended
    /// too early.
    #[must_use]
    pub fn position(&self) -> usize {
        self.at
    }

    /// Whether the only fault is that the text nests deeper than [`MAX_DEPTH`].
    #[must_use]
    pub fn is_too_deep(&self) -> bool {
        self.cause == Cause::TooDeep
    }

    /// An error at a byte within the text.
    pub(crate) fn within(cause: Cause, at: usize) -> Self {
        Self {
            cause,
            at,
            at_end: false,
        }
    }
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at = self.at;
        match self.cause {
            Cause::NotUtf8 => write!(f, "invalid UTF-8 at byte {at}; send the text in UTF-8"),
            Cause::TooDeep => {
                write!(
                    f,
                    "nests deeper than {MAX_DEPTH} levels at byte {at}; flatten it"
                )
            }
            Cause::LoneSurrogate => write!(f, "escapes half of a surrogate pair at byte {at}"),
            Cause::Duplicate => write!(f, "has the property a second time at byte {at}"),
            Cause::Expected(what) => {
                let end = if self.at_end { ", where it ends" } else { "" };
                write!(f, "not valid JSON at byte {at}{end}: expected {what}")
            }
        }
    }
}

impl fmt::Debug for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Malformed({self})")
    }
}

impl Error for Malformed {}

/// What is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cause {
    Expected(&'static str),
    NotUtf8,
    TooDeep,
    LoneSurrogate,
    Duplicate,
}

// What the grammar asks for.
impl Cause {
    pub(crate) const VALUE: Self = Self::Expected("a value");
    pub(crate) const OBJECT: Self = Self::Expected("an object");
    pub(crate) const NAME: Self = Self::Expected("a member name in double quotes");
    pub(crate) const NAME_OR_BRACE: Self = Self::Expected("a member name in double quotes, or `}`");
    pub(crate) const COLON: Self = Self::Expected("`:` after the member name");
    pub(crate) const COMMA_OR_BRACE: Self = Self::Expected("`,` or `}`");
    pub(crate) const COMMA_OR_BRACKET: Self = Self::Expected("`,` or `]`");
    pub(crate) const QUOTE: Self = Self::Expected("a closing double quote");
    pub(crate) const NO_CONTROL: Self = Self::Expected("an escape for the control character");
    pub(crate) const ESCAPE: Self = Self::Expected("one of `\"\\/bfnrtu` after the backslash");
    pub(crate) const HEX_DIGIT: Self = Self::Expected("four hexadecimal digits after `\\u`");
    pub(crate) const DIGIT: Self = Self::Expected("a digit");
    pub(crate) const LITERAL: Self = Self::Expected("`true`, `false` or `null`");
    pub(crate) const END: Self = Self::Expected("the end of the text");
}
