//! The rules on texts that are not (only) a `&str`, with every broken one told.
//!
//! The types' `TryFrom<&str>` gives the first rule that a text breaks. Who reports all of them, or has the text in
//! another form, such as a JSON string with escapes, measures it and asks here.

use crate::error::{Field, InvalidIdentifier, Rule};
pub use crate::limits::{MAX_AGENT_ID, MAX_KEY, MAX_NAME};

/// What the rules ask of a text.
///
/// ```
/// use sealpost_context::rules::{self, Measure};
///
/// let text: Measure = "a\n".repeat(200).chars().collect();
/// let lines: Vec<_> = rules::key(&text).map(|broken| broken.to_string()).collect();
/// assert_eq!(lines.len(), 2); // the length and the line feeds
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Measure {
    bytes: usize,
    control: bool,
}

impl From<&str> for Measure {
    /// Bytes are enough: those that are looked for are ASCII, and no other character has such bytes.
    #[inline]
    fn from(text: &str) -> Self {
        Self {
            bytes: text.len(),
            control: text
                .bytes()
                .fold(false, |any, byte| any | byte.is_ascii_control()),
        }
    }
}

impl FromIterator<char> for Measure {
    #[inline]
    fn from_iter<T: IntoIterator<Item = char>>(text: T) -> Self {
        let nothing = Self {
            bytes: 0,
            control: false,
        };
        text.into_iter().fold(nothing, |measure, c| Self {
            bytes: measure.bytes + c.len_utf8(),
            control: measure.control || c.is_ascii_control(),
        })
    }
}

/// Returns every rule that a secret's name breaks.
#[inline]
pub fn name(text: &Measure) -> impl Iterator<Item = InvalidIdentifier> + use<> {
    broken(Field::Name, text, MAX_NAME)
}

/// Returns every rule that a key breaks. A `.` breaks none: a member's name may have one, as `tls.crt` does. Whether
/// the value has the member is for the validator to say.
#[inline]
pub fn key(text: &Measure) -> impl Iterator<Item = InvalidIdentifier> + use<> {
    broken(Field::Key, text, MAX_KEY)
}

/// Returns the rule that a secret's type breaks, if it does.
#[inline]
pub fn secret_type(mut text: impl Iterator<Item = char>) -> Option<InvalidIdentifier> {
    let starts = text.next().is_some_and(|c| c.is_ascii_alphabetic());
    let mut rest = 0;
    let goes_on = text.all(|c| {
        rest += 1;
        c.is_ascii_alphanumeric() || c == '_'
    });
    (!starts || !goes_on || rest > 63).then_some(InvalidIdentifier::new(Field::Type, Rule::Form))
}

#[inline]
fn broken(
    field: Field,
    text: &Measure,
    max: usize,
) -> impl Iterator<Item = InvalidIdentifier> + use<> {
    let rules = [text.length(max), text.control()].into_iter().flatten();
    rules.map(move |rule| InvalidIdentifier::new(field, rule))
}

impl Measure {
    fn length(&self, max: usize) -> Option<Rule> {
        match self.bytes {
            0 => Some(Rule::Empty),
            bytes if bytes > max => Some(Rule::TooLong { bytes }),
            _ => None,
        }
    }

    fn control(&self) -> Option<Rule> {
        self.control.then_some(Rule::ControlCharacter)
    }
}
