//! What the tokenizer tells of a value: its kind, and where a string stands.

use core::ops::Range;

/// What a value is, told by its first byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JsonKind {
    /// `{`
    Object,
    /// `[`
    Array,
    /// `"`
    String,
    /// `-` or a digit.
    Number,
    /// `true` or `false`.
    Boolean,
    /// `null`
    Null,
}

impl JsonKind {
    /// The kind with its article, for messages: "an object".
    #[must_use]
    pub fn text(self) -> &'static str {
        match self {
            Self::Object => "an object",
            Self::Array => "an array",
            Self::String => "a string",
            Self::Number => "a number",
            Self::Boolean => "a boolean",
            Self::Null => "null",
        }
    }
}

/// A string as the tokenizer found it.
#[derive(Clone, Copy, Debug)]
pub struct Token {
    /// Behind the opening quote.
    pub(crate) start: usize,
    /// At the closing quote.
    pub(crate) end: usize,
    /// How many escapes it has. A word: a flag and its padding were slower to hand on.
    pub(crate) escapes: usize,
}

impl Token {
    /// The bytes between the quotes.
    #[must_use]
    pub fn span(&self) -> Range<usize> {
        self.start..self.end
    }

    /// Where the opening quote stands.
    #[inline]
    #[must_use]
    pub fn position(&self) -> usize {
        self.start - 1
    }
}
