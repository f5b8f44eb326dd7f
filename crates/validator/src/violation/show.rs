//! Violations in words.

use core::fmt::{self, Write as _};

use sealpost_json::{JsonStr, MAX_DEPTH, Scanner};

use super::{Place, Problem, Violation};
use crate::{MAX_BODY, MAX_VALUE};

impl fmt::Display for Violation<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.place.pointer())?;
        if let Problem::Duplicate {
            name: Some(name), ..
        } = &self.problem
            && name.decoded_len() <= MAX_SHOWN
        {
            f.write_char('/')?;
            name.chars().try_for_each(|c| write_pointer_char(f, c))?;
        }
        f.write_str(": ")?;
        self.problem.describe(self.place, f)?;
        match (&self.problem, self.position) {
            (
                Problem::ByteOrderMark
                | Problem::LoneSurrogate
                | Problem::WrongCase
                | Problem::TooManyMembers { .. },
                Some(position),
            ) => write!(f, " (byte {position})"),
            (Problem::Duplicate { first, .. }, Some(position)) => {
                write!(f, " (bytes {first} and {position})")
            }
            _ => Ok(()),
        }
    }
}

impl Place {
    fn pointer(self) -> &'static str {
        match self {
            Self::Request => "#",
            Self::Secret => "#/secret",
            Self::Name => "#/secret/name",
            Self::Key => "#/secret/key",
            Self::Type => "#/secret/type",
            Self::Value => "#/secret/value",
        }
    }

    /// What the place has to hold, and what to write there.
    fn wanted(self) -> (&'static str, &'static str) {
        match self {
            Self::Request => (
                "a JSON object",
                r#"send {"secret": {"name": …, "value": {…}}}"#,
            ),
            Self::Secret => ("an object", r#"write {"name": …, "value": {…}}"#),
            Self::Value => (
                "a JSON object",
                r#"put it into one, such as {"password": …}"#,
            ),
            Self::Key => (
                "a string",
                r#"name a top-level property of the value, or leave "key" out"#,
            ),
            Self::Type => (
                "a string",
                r#"write a type such as "PASSWORD", or leave "type" out"#,
            ),
            _ => ("a string", "write the secret's name in double quotes"),
        }
    }
}

impl Problem<'_> {
    fn describe(&self, place: Place, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::TooLarge { bytes } => {
                let limit = if place == Place::Value {
                    MAX_VALUE
                } else {
                    MAX_BODY
                };
                write!(
                    f,
                    "has {bytes} bytes, more than {limit}; store less, or split it into several secrets"
                )
            }
            Self::Malformed(error) => write!(f, "{error}"),
            Self::ByteOrderMark => {
                f.write_str("begins with a byte-order mark; send UTF-8 without one")
            }
            Self::LoneSurrogate => f.write_str(
                "escapes half of a surrogate pair; write both halves, or the character itself",
            ),
            Self::WrongType(sent) => {
                let (wanted, hint) = place.wanted();
                write!(f, "must be {wanted}, but {} was sent; {hint}", sent.text())
            }
            Self::Missing => f.write_str(match place {
                Place::Secret => r#"is missing; add an object with "name" and "value""#,
                Place::Value => "is missing; add the JSON object to store",
                _ => "is missing; add the name to store the secret under",
            }),
            Self::Duplicate { .. } => f.write_str("occurs more than once; keep one"),
            Self::WrongCase => {
                write!(
                    f,
                    "is spelt in another letter case; write it \"{}\"",
                    place.name()
                )
            }
            Self::TooManyMembers { limit } => {
                write!(
                    f,
                    "has more than {limit} members; {}",
                    match place {
                        Place::Value => "split it into several secrets",
                        _ => "leave out those that have no meaning here",
                    }
                )
            }
            Self::Identifier(broken) => write!(f, "{}", broken.problem()),
            Self::NoSuchProperty { listed, dotted } => {
                f.write_str("the value has no such top-level property")?;
                if let Some(value) = listed {
                    list_names(value, f)?;
                }
                f.write_str(match dotted {
                    true => "; nested properties cannot be referenced, so name one that it has, or leave \"key\" out",
                    false => "; name one that it has, or leave \"key\" out",
                })
            }
        }
    }
}

/// ", only …" with the first names of an object's members.
fn list_names(object: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let mut scan = Scanner::new(object.as_bytes());
    let mut first = true;
    let mut count = 0_usize;
    scan.open_object();
    while let Ok(Some(token)) = scan.member(&mut first) {
        count += 1;
        if count <= MAX_LISTED {
            f.write_str(if count == 1 { ", only " } else { ", " })?;
            write_quoted(f, scan.json_str(token))?;
        }
        if scan.skip_value(MAX_DEPTH).is_err() {
            break;
        }
    }
    match count {
        0 => f.write_str(" (it is empty)"),
        1..=MAX_LISTED => Ok(()),
        _ => write!(f, " and {} more", count - MAX_LISTED),
    }
}

/// A name for people: what does not print is escaped, and what is too long is cut.
fn write_quoted(f: &mut fmt::Formatter<'_>, name: JsonStr<'_>) -> fmt::Result {
    f.write_char('"')?;
    for (i, c) in name.chars().enumerate() {
        if i == MAX_SHOWN {
            f.write_char('…')?;
            break;
        }
        match c {
            '\'' => f.write_char(c)?,
            _ => write!(f, "{}", c.escape_debug())?,
        }
    }
    f.write_char('"')
}

// RFC 6901 §3 (~ and /), then §6: what a fragment cannot carry (RFC 3986 §3.5) is percent-encoded.
fn write_pointer_char(f: &mut fmt::Formatter<'_>, c: char) -> fmt::Result {
    match c {
        '~' => f.write_str("~0"),
        '/' => f.write_str("~1"),
        'A'..='Z' | 'a'..='z' | '0'..='9' => f.write_char(c),
        '-' | '.' | '_' | '!' | '$' | '&' | '\'' | '(' | ')' | '*' | '+' | ',' | ';' | '='
        | ':' | '@' | '?' => f.write_char(c),
        _ => c
            .encode_utf8(&mut [0; 4])
            .bytes()
            .try_for_each(|byte| write!(f, "%{byte:02X}")),
    }
}

/// The most names that a message lists.
const MAX_LISTED: usize = 10;

/// The longest name that is shown whole: bytes in a pointer, characters in a message.
const MAX_SHOWN: usize = 64;
