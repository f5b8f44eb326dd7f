//! Which rule a text breaks.

use core::error::Error;
use core::fmt;

use crate::limits::{MAX_KEY, MAX_NAME};

/// A text that breaks a rule of its field.
///
/// `Display` gives the line that the REST endpoint answers with: `#/secret/name: is empty; …`, that is, a JSON Pointer
/// as a URI fragment (RFC 6901 §6) or a parameter's name, a colon, what is wrong, and what to do. Nothing of the text
/// is repeated.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct InvalidIdentifier {
    field: Field,
    rule: Rule,
}

impl InvalidIdentifier {
    /// This rule of this field.
    #[must_use]
    pub const fn new(field: Field, rule: Rule) -> Self {
        Self { field, rule }
    }

    /// What the text was to be.
    #[must_use]
    pub const fn field(&self) -> Field {
        self.field
    }

    /// Which rule it breaks.
    #[must_use]
    pub const fn rule(&self) -> Rule {
        self.rule
    }

    /// What is wrong and what to do, without the field in front.
    #[must_use]
    pub fn problem(&self) -> impl fmt::Display {
        Problem(*self)
    }
}

impl fmt::Display for InvalidIdentifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.field.pointer(), Problem(*self))
    }
}

impl Error for InvalidIdentifier {}

/// What a text was to be.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Field {
    /// An agent's id.
    AgentId,
    /// A project's id.
    ProjectId,
    /// A secret's name.
    Name,
    /// A key.
    Key,
    /// A secret's type.
    Type,
}

impl Field {
    /// Where the REST endpoint takes it from: a parameter's name, or a pointer into the body.
    #[must_use]
    pub const fn pointer(self) -> &'static str {
        match self {
            Self::AgentId => "agentId",
            Self::ProjectId => "projectId",
            Self::Name => "#/secret/name",
            Self::Key => "#/secret/key",
            Self::Type => "#/secret/type",
        }
    }
}

/// A rule that a text breaks.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Rule {
    /// It is empty.
    Empty,
    /// It is too long.
    TooLong {
        /// How long it is, in bytes of UTF-8.
        bytes: usize,
    },
    /// It has a control character.
    ControlCharacter,
    /// It does not have the form that is asked for.
    Form,
}

/// The words for a broken rule.
struct Problem(InvalidIdentifier);

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(InvalidIdentifier { field, rule }) = self;
        let limit = if *field == Field::Key {
            MAX_KEY
        } else {
            MAX_NAME
        };
        match rule {
            Rule::Empty => write!(f, "is empty; give 1 to {limit} bytes"),
            Rule::TooLong { bytes } => write!(
                f,
                "has {bytes} bytes in UTF-8, more than {limit}; shorten it"
            ),
            Rule::ControlCharacter => {
                f.write_str("has a control character (U+0000 to U+001F, U+007F); leave it out")
            }
            Rule::Form => f.write_str(match field {
                Field::Type => "must be an ASCII letter and up to 63 ASCII letters, digits or `_`, such as \"PASSWORD\"",
                Field::AgentId => "must be 1 to 64 ASCII letters, digits, `_` or `-`; give the id that the agent has",
                Field::ProjectId | Field::Name | Field::Key => {
                    "must be a UUID with hyphens, such as 123e4567-e89b-12d3-a456-426614174000"
                }
            }),
        }
    }
}
