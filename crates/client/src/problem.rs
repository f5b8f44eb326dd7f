//! The gateway's answer when it does not do what was asked (RFC 9457).

use std::time::Duration;

pub use sealpost_rest::{ProblemType, Retry};
use serde::Deserialize;

use crate::{printable::printable, too_late::TooLate};

/// Why the gateway did not create a secret.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Problem {
    /// The type of the problem: decide by this. `None` if this release does not know it.
    pub kind: Option<ProblemType>,
    /// The type's URN.
    pub urn: String,
    /// The HTTP status.
    pub status: u16,
    /// The type in words.
    pub title: String,
    /// What to do about it.
    pub detail: String,
    /// What is wrong with the request, each as `#/secret/name: …`.
    pub violations: Vec<String>,
    /// The id under which the gateway logged the request.
    pub request_id: Option<String>,
    /// How long to wait before another attempt, if the answer says so (`Retry-After`).
    pub retry_after: Option<Duration>,
    /// Why it was not tried again, if that is longer than the call may take.
    pub too_late: Option<TooLate>,
    /// An earlier attempt of the same call had no answer: it may have created the secret, whatever this answer to the last
    /// attempt says. After a 409, check who owns the secret before you assume that it is another caller's.
    pub after_unknown: bool,
}

impl Problem {
    /// Reads a problem from an answer's body. Returns `None` if the body is not a problem.
    pub(crate) fn parse(status: u16, body: &[u8], request_id: Option<String>) -> Option<Self> {
        // The derived deserializer of a struct accepts an array too.
        if body.trim_ascii_start().first() != Some(&b'{') {
            return None;
        }
        let Body {
            urn,
            title,
            detail,
            violations,
        } = serde_json::from_slice(body).ok()?;
        Some(Self {
            kind: ProblemType::from_urn(&urn),
            urn: printable(urn),
            status,
            title: printable(title),
            detail: printable(detail),
            violations: violations.into_iter().map(printable).collect(),
            request_id: request_id.map(printable),
            retry_after: None,
            too_late: None,
            after_unknown: false,
        })
    }
}

/// Missing and unknown members don't hide the problem.
#[derive(Deserialize)]
struct Body {
    #[serde(rename = "type")]
    urn: String,
    #[serde(default)]
    title: String,
    #[serde(default)]
    detail: String,
    #[serde(default)]
    violations: Vec<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_urn_of_an_unknown_type_is_kept() {
        let problem = Problem::parse(
            418,
            br#"{"type":"urn:sealpost:problem:teapot","x":1}"#,
            None,
        )
        .unwrap();
        assert_eq!(problem.kind, None);
        assert_eq!(problem.urn, "urn:sealpost:problem:teapot");
        for body in ["<html>", r#"["urn:sealpost:problem:internal","","",[]]"#] {
            assert_eq!(Problem::parse(500, body.as_bytes(), None), None);
        }
    }

    #[test]
    fn nothing_moves_the_cursor() {
        let body =
            br#"{"type":"x","title":"a\u001b[2Jb","detail":"c\nd","violations":["e\u009bf"]}"#;
        let problem = Problem::parse(400, body, Some("g\u{7f}".into())).unwrap();
        assert!(!format!("{problem:?}").contains("\\u{1b}"));
        assert_eq!(problem.title, "a\u{fffd}[2Jb");
        assert_eq!(problem.violations, ["e\u{fffd}f"]);
        assert_eq!(problem.request_id.as_deref(), Some("g\u{fffd}"));
    }
}
