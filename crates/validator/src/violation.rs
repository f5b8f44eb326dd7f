//! One broken rule: where, which, and what to do about it.

mod list;
mod show;

use core::error::Error;
use core::fmt;

pub(crate) use list::Findings;
pub use list::{Violations, ViolationsIter};

use sealpost_context::{InvalidIdentifier, error::Rule};
use sealpost_json::{JsonKind, JsonStr, Malformed};

/// One broken rule. `Display` gives one line: `#/secret/name: is empty; …`, that is, a JSON
/// Pointer as a URI fragment (RFC 6901 §6), a colon, what is wrong, and what
/// to do.
///
/// # Security
/// The line is printable and of bounded length, and repeats no value. It may repeat names of
/// members that the sender chose: of a duplicate in its pointer, and, unless
/// [`Naming::Withhold`](crate::Naming::Withhold) was asked for, of the value's members in the
/// message about a missing property. `Debug` shows the same.
#[derive(Clone, Copy)]
pub struct Violation<'a> {
    place: Place,
    problem: Problem<'a>,
    position: Option<usize>,
}

impl<'a> Violation<'a> {
    pub(crate) fn new(place: Place, problem: Problem<'a>, position: Option<usize>) -> Self {
        Self {
            place,
            problem,
            position,
        }
    }

    pub(crate) fn malformed(place: Place, error: Malformed) -> Self {
        Self::new(place, Problem::Malformed(error), Some(error.position()))
    }

    /// Which rule is broken.
    #[must_use]
    pub fn kind(&self) -> ViolationKind {
        self.problem.kind()
    }

    /// The byte of the input that the violation is about, counted from 0; `None` if it is about a
    /// text that was given apart.
    #[must_use]
    pub fn position(&self) -> Option<usize> {
        self.position
    }
}

impl fmt::Debug for Violation<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Violation({self})")
    }
}

impl Error for Violation<'_> {}

/// Which rule is broken.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ViolationKind {
    /// The body or the value has too many bytes.
    TooLarge,
    /// Bytes that are no JSON text in UTF-8. Nothing behind them was checked.
    Syntax,
    /// Arrays and objects nest too deeply. Nothing behind that was checked.
    TooDeep,
    /// The text begins with a byte-order mark.
    ByteOrderMark,
    /// Half of a surrogate pair is escaped.
    LoneSurrogate,
    /// `null`, or a value of another type than the rule asks for.
    WrongType,
    /// A required member is missing.
    Missing,
    /// A member's name occurs twice in one object.
    Duplicate,
    /// A member's name differs from a known one only in upper and lower case.
    WrongCase,
    /// An object has too many members.
    TooManyMembers,
    /// A text is empty.
    Empty,
    /// A text is too long.
    TooLong,
    /// A text has a control character.
    ControlCharacter,
    /// The value has no property that the key names, and the key has a `.`, as if it led to a nested one.
    NestedKey,
    /// The value has no property that the key names.
    NoSuchProperty,
    /// A text is not of the form that is asked for.
    Form,
}

/// What a violation points at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    Request,
    Secret,
    Name,
    Key,
    Type,
    Value,
}

impl Place {
    /// The member's name.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Request => "request",
            Self::Secret => "secret",
            Self::Name => "name",
            Self::Key => "key",
            Self::Type => "type",
            Self::Value => "value",
        }
    }
}

/// What is wrong there.
#[derive(Clone, Copy)]
pub(crate) enum Problem<'a> {
    TooLarge {
        bytes: usize,
    },
    Malformed(Malformed),
    ByteOrderMark,
    LoneSurrogate,
    WrongType(JsonKind),
    Missing,
    Duplicate {
        first: usize,
        name: Option<JsonStr<'a>>,
    },
    WrongCase,
    TooManyMembers {
        limit: usize,
    },
    /// A rule of `sealpost-context`.
    Identifier(InvalidIdentifier),
    NoSuchProperty {
        /// The value, if its names may be listed.
        listed: Option<&'a str>,
        /// The key has a `.`.
        dotted: bool,
    },
}

impl Problem<'_> {
    fn kind(&self) -> ViolationKind {
        match self {
            Self::TooLarge { .. } => ViolationKind::TooLarge,
            Self::Malformed(error) if error.is_too_deep() => ViolationKind::TooDeep,
            Self::Malformed(_) => ViolationKind::Syntax,
            Self::ByteOrderMark => ViolationKind::ByteOrderMark,
            Self::LoneSurrogate => ViolationKind::LoneSurrogate,
            Self::WrongType(_) => ViolationKind::WrongType,
            Self::Missing => ViolationKind::Missing,
            Self::Duplicate { .. } => ViolationKind::Duplicate,
            Self::WrongCase => ViolationKind::WrongCase,
            Self::TooManyMembers { .. } => ViolationKind::TooManyMembers,
            Self::Identifier(broken) => match broken.rule() {
                Rule::Empty => ViolationKind::Empty,
                Rule::TooLong { .. } => ViolationKind::TooLong,
                Rule::ControlCharacter => ViolationKind::ControlCharacter,
                Rule::Form => ViolationKind::Form,
            },
            Self::NoSuchProperty { dotted: true, .. } => ViolationKind::NestedKey,
            Self::NoSuchProperty { dotted: false, .. } => ViolationKind::NoSuchProperty,
        }
    }
}
