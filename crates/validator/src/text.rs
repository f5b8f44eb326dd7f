//! The rules for names, keys, types and identifiers, whether they come in JSON or as text.

use sealpost_json::JsonStr;

use crate::violation::{Place, Problem, Violation};
use crate::{MAX_KEY, MAX_NAME};

/// Checks a secret's name: 1 to [`MAX_NAME`] bytes, no control characters.
///
/// # Errors
/// The first rule that is broken, under `#/secret/name`.
pub fn validate_name(name: &str) -> Result<(), Violation<'_>> {
    first_of(Place::Name, name_problems(&Facts::of(name)))
}

/// Checks a key: 1 to [`MAX_KEY`] bytes, no control characters, no `.`.
///
/// # Errors
/// The first rule that is broken, under `#/secret/key`.
pub fn validate_key(key: &str) -> Result<(), Violation<'_>> {
    first_of(Place::Key, key_problems(&Facts::of(key)))
}

/// Checks a secret's type: `[A-Za-z][A-Za-z0-9_]{0,63}`.
///
/// # Errors
/// Under `#/secret/type`, if it has another form.
pub fn validate_type(secret_type: &str) -> Result<(), Violation<'_>> {
    first_of(Place::Type, type_problems(secret_type.chars()))
}

/// Checks an agent's id: `[A-Za-z0-9_-]{1,64}`.
///
/// # Errors
/// Under `agentId`, if it has another form.
pub fn parse_agent_id(agent_id: &str) -> Result<&str, Violation<'_>> {
    let known = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    if (1..=64).contains(&agent_id.len()) && agent_id.bytes().all(known) {
        Ok(agent_id)
    } else {
        Err(Violation::new(Place::AgentId, Problem::Form, None))
    }
}

// RFC 9562 §4, the form with hyphens; no braces, no "urn:uuid:", no bare digits.
/// Reads a project's id: a UUID with its hyphens, in either case.
///
/// # Errors
/// Under `projectId`, if it has another form.
pub fn parse_project_id(project_id: &str) -> Result<[u8; 16], Violation<'_>> {
    parse_uuid(project_id).ok_or(Violation::new(Place::ProjectId, Problem::Form, None))
}

/// What is wrong with a secret's name.
pub(crate) fn name_problems<'a>(facts: &Facts) -> impl Iterator<Item = Problem<'a>> + use<'a> {
    [facts.length(MAX_NAME), facts.control()]
        .into_iter()
        .flatten()
}

/// What is wrong with a key.
pub(crate) fn key_problems<'a>(facts: &Facts) -> impl Iterator<Item = Problem<'a>> + use<'a> {
    let nested = facts.dot.then_some(Problem::NestedKey);
    [facts.length(MAX_KEY), facts.control(), nested]
        .into_iter()
        .flatten()
}

/// What is wrong with a type.
pub(crate) fn type_problems<'a>(
    mut chars: impl Iterator<Item = char>,
) -> impl Iterator<Item = Problem<'a>> {
    let starts = chars.next().is_some_and(|c| c.is_ascii_alphabetic());
    let mut rest = 0;
    let goes_on = chars.all(|c| {
        rest += 1;
        c.is_ascii_alphanumeric() || c == '_'
    });
    (!starts || !goes_on || rest > 63)
        .then_some(Problem::Form)
        .into_iter()
}

/// What the rules ask of a text.
pub(crate) struct Facts {
    bytes: usize,
    control: bool,
    dot: bool,
}

impl Facts {
    /// Bytes tell: those that are looked for are ASCII, and no other character has such bytes.
    pub(crate) fn of(text: &str) -> Self {
        let any = |found: fn(u8) -> bool| text.bytes().fold(false, |any, byte| any | found(byte));
        Self {
            bytes: text.len(),
            control: any(|byte| byte.is_ascii_control()),
            dot: any(|byte| byte == b'.'),
        }
    }

    /// Of what a JSON string spells.
    pub(crate) fn of_json(text: JsonStr<'_>) -> Self {
        if let Some(text) = text.as_str() {
            return Self::of(text);
        }
        text.chars().fold(
            Self {
                bytes: 0,
                control: false,
                dot: false,
            },
            |facts, c| Self {
                bytes: facts.bytes + c.len_utf8(),
                control: facts.control || c.is_ascii_control(),
                dot: facts.dot || c == '.',
            },
        )
    }

    fn length<'a>(&self, max: usize) -> Option<Problem<'a>> {
        match self.bytes {
            0 => Some(Problem::Empty),
            bytes if bytes > max => Some(Problem::TooLong { bytes }),
            _ => None,
        }
    }

    fn control<'a>(&self) -> Option<Problem<'a>> {
        self.control.then_some(Problem::ControlCharacter)
    }
}

fn first_of<'a>(
    place: Place,
    mut problems: impl Iterator<Item = Problem<'a>>,
) -> Result<(), Violation<'a>> {
    match problems.next() {
        Some(problem) => Err(Violation::new(place, problem, None)),
        None => Ok(()),
    }
}

fn parse_uuid(text: &str) -> Option<[u8; 16]> {
    let mut id = [0; 16];
    let mut bytes = text.bytes();
    for (i, octet) in id.iter_mut().enumerate() {
        if matches!(i, 4 | 6 | 8 | 10) && bytes.next() != Some(b'-') {
            return None;
        }
        let mut digit = || char::from(bytes.next()?).to_digit(16);
        *octet = u8::try_from(digit()? << 4 | digit()?).ok()?;
    }
    bytes.next().is_none().then_some(id)
}
