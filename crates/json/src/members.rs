//! The members of one object.

use core::fmt;

use crate::MAX_DEPTH;
use crate::malformed::{Cause, Malformed};
use crate::scan::{JsonKind, Scanner};
use crate::string::JsonStr;
use crate::value::JsonValue;

/// Returns the members of the one object that a text consists of, in order: each name, and its value with its place.
///
/// The text is read as it is iterated; nothing is allocated. An error is the last item. Whether the text has an end
/// is only known when the iterator has ended without one.
///
/// Names that come twice are not noticed: compare them, decoded, as [`JsonStr`] does.
///
/// ```
/// use sealpost_json::members;
///
/// let mut members = members(br#" {"alg": "none", "n\u0061me": [1, 2]} "#);
/// let (name, value) = members.next().unwrap().unwrap();
/// assert_eq!((name.raw(), value.as_str()), ("alg", r#""none""#));
/// let (name, value) = members.next().unwrap().unwrap();
/// assert_eq!((name == *"name", value.span()), (true, 30..36));
/// assert!(members.next().is_none());
/// ```
#[must_use]
pub fn members(text: &[u8]) -> Members<'_> {
    Members {
        scan: Scanner::new(text),
        state: State::Before,
    }
}

/// The iterator that [`members`] returns.
pub struct Members<'a> {
    scan: Scanner<'a>,
    state: State,
}

#[derive(Clone, Copy)]
enum State {
    Before,
    Within { first: bool },
    Ended,
}

impl<'a> Iterator for Members<'a> {
    type Item = Result<(JsonStr<'a>, JsonValue<'a>), Malformed>;

    fn next(&mut self) -> Option<Self::Item> {
        match self.step() {
            Ok(Some(member)) => Some(Ok(member)),
            Ok(None) => None,
            Err(error) => {
                self.state = State::Ended;
                Some(Err(error))
            }
        }
    }
}

impl<'a> Members<'a> {
    fn step(&mut self) -> Result<Option<(JsonStr<'a>, JsonValue<'a>)>, Malformed> {
        let mut first = match self.state {
            State::Ended => return Ok(None),
            State::Within { first } => first,
            State::Before => {
                if self.scan.kind()? != JsonKind::Object {
                    return Err(Malformed::within(Cause::OBJECT, self.scan.at()));
                }
                self.scan.open_object();
                true
            }
        };
        let Some(token) = self.scan.member(&mut first)? else {
            self.state = State::Ended;
            self.scan.finish()?;
            return Ok(None);
        };
        self.state = State::Within { first };
        let name = self.scan.json_str(token);
        self.scan.kind()?;
        let start = self.scan.at();
        self.scan.skip_value(MAX_DEPTH - 1)?;
        match self.scan.take_lone_surrogate() {
            Some(at) => Err(Malformed::within(Cause::LoneSurrogate, at)),
            None => Ok(Some((name, self.scan.since(start)))),
        }
    }
}

/// The text may be a secret.
impl fmt::Debug for Members<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Members").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::{format, vec::Vec};

    use super::*;

    fn read(text: &str) -> Result<Vec<(&str, &str)>, Malformed> {
        members(text.as_bytes())
            .map(|member| {
                member.map(|(name, value)| {
                    assert_eq!(&text[value.span()], value.as_str());
                    (name.raw(), value.as_str())
                })
            })
            .collect()
    }

    #[test]
    fn members_come_as_they_stand() {
        assert_eq!(read("{}"), Ok(Vec::new()));
        assert_eq!(
            read(" { \"a\" : {\"b\": [ ]} ,\"a\":null, \"\":-0.5e1 } "),
            Ok([("a", "{\"b\": [ ]}"), ("a", "null"), ("", "-0.5e1")].into())
        );
    }

    #[test]
    fn names_are_compared_by_what_they_spell() {
        let (name, _) = members(br#"{"\u0061b":1}"#).next().unwrap().unwrap();
        assert_eq!(name.raw(), r"\u0061b");
        assert!(name == *"ab" && name != *r"\u0061b" && name.as_str().is_none());
        let (name, _) = members(br#"{"ab":1}"#).next().unwrap().unwrap();
        assert!(name == *"ab" && name != *"a" && name.as_str() == Some("ab"));
    }

    #[test]
    fn values_nest_to_the_limit_and_no_deeper() {
        let nested = |levels| format!("{{\"a\":{}{}}}", "[".repeat(levels), "]".repeat(levels));
        assert!(read(&nested(MAX_DEPTH - 1)).is_ok());
        let error = read(&nested(MAX_DEPTH)).unwrap_err();
        assert_eq!(error.position(), 5 + MAX_DEPTH - 1);
        assert_eq!(
            format!("{error:?}"),
            "Malformed(nests deeper than 64 levels at byte 68; flatten it)"
        );
    }

    #[test]
    fn debug_shows_no_text() {
        let shown = format!("{:?}", members(b"{\"password\":\"hunter2\"}"));
        assert_eq!(shown, "Members { .. }");
    }

    #[test]
    fn what_is_no_object_is_an_error_and_the_last_item() {
        for (text, at) in [
            ("", 0),
            ("[]", 0),
            ("{\"a\":1", 6),
            ("{\"a\":1}x", 7),
            ("{\"a\":1,}", 7),
            ("{\"a\":\"\\ud800\"}", 6),
            ("{a:1}", 1),
        ] {
            let mut members = members(text.as_bytes());
            let error = members.find_map(Result::err).unwrap();
            assert_eq!(error.position(), at, "{text}");
            assert!(members.next().is_none());
        }
    }
}
