//! What an answer means.

use std::borrow::Cow;
use std::time::Duration;

use sealpost_json::{JsonStr, find_property};
use sealpost_vault::error::VaultFailure;

use crate::http::Answer;

/// What an answer means, whatever was asked.
#[derive(Debug)]
pub(crate) enum Meaning {
    /// It was done.
    Done,
    /// There is no such secret now. `is_deleted`: versions of it are kept, and can be restored.
    Absent { is_deleted: bool },
    /// Check-and-set found something under the name.
    Taken,
    /// The token or its policy does not permit it.
    Forbidden { is_policy: bool },
    /// The value breaks a limit.
    Refused(Cow<'static, str>),
    /// The server can't do it now, or has perhaps done it. It may be asked again, after this time.
    Later(VaultFailure, Option<Duration>),
    /// It will not be done until a person acts.
    Never(VaultFailure),
}

/// Tells what an answer means. Its text is compared with those that are known and never passed on: it is not known what it
/// repeats.
pub(crate) fn meaning(answer: &Answer) -> Meaning {
    let says = |text: &str| contains(&answer.body, text);
    match answer.status {
        200 | 204 => Meaning::Done,
        // Without the active node a standby names the one that it knew, and the write may have been done.
        301 | 302 | 307 | 308 => later(
            "a standby answers, and can't reach the active node; if that is a server of its own, add its address",
        ),
        400 if says("check-and-set parameter did not match") => Meaning::Taken,
        400 if says("high complexity") => {
            Meaning::Refused("more strings than its listener takes".into())
        }
        400 if says("Vault is sealed") => later("it is sealed; unseal it"),
        400 => never(
            "it does not understand the request (400); compare its version and the mount's, which must be KV version 2",
        ),
        403 => Meaning::Forbidden {
            is_policy: says("1 error occurred"),
        },
        404 if says("no handler for route") => {
            never("there is no such mount; compare mount and namespace with `bao secrets list`")
        }
        404 if says("namespace not found") || says("no namespace") => {
            never("there is no such namespace; compare it with `bao namespace list`")
        }
        404 if is_deleted(answer) => Meaning::Absent { is_deleted: true },
        404 if part(&answer.body, &["errors"]).is_some() => Meaning::Absent { is_deleted: false },
        // "Not found" is the word of a server, not of what stands before it.
        404 => never(
            "its 404 is not that of OpenBao or Vault; look whether a proxy answers in its place",
        ),
        405 => never("the mount does not know the request (405); it must be KV version 2"),
        412 => later("it has not seen the newest writes yet"),
        413 => Meaning::Refused("a larger request than its listener takes".into()),
        429 => Meaning::Later(
            VaultFailure::Throttled {
                wait: answer.retry_after,
            },
            answer.retry_after,
        ),
        500 if says("value being too large") => {
            Meaning::Refused("a larger entry than its storage takes".into())
        }
        501 => later("it is not initialised; `bao operator init` does it"),
        503 if says("sealed") => later("it is sealed; unseal it"),
        500..=599 => later(&format!("it fails ({}); its log says why", answer.status)),
        status => never(&format!(
            "it answers {status}, which it does not document; look whether a proxy answers in its place"
        )),
    }
}

/// Returns a part of the answer's JSON, such as `["data", "version"]`.
pub(crate) fn part<'a>(body: &'a [u8], path: &[&str]) -> Option<&'a str> {
    let mut json = std::str::from_utf8(body).ok()?;
    for name in path {
        json = find_property(json.as_bytes(), name).ok()??.as_str();
    }
    Some(json)
}

/// The answer to a deleted secret is 404 as well, with its metadata.
fn is_deleted(answer: &Answer) -> bool {
    part(&answer.body, &["data", "metadata", "version"]).is_some()
}

/// Returns whether the message of an error contains this text.
fn contains(body: &[u8], text: &str) -> bool {
    let errors = part(body, &["errors"]).unwrap_or_default();
    errors.contains(text)
}

/// Returns whether a renewal failed because the token's longest life is over: for a moment that is a 500.
pub(crate) fn is_past_max_ttl(answer: &Answer) -> bool {
    contains(&answer.body, "past the max TTL")
}

/// Returns a whole number of the answer.
pub(crate) fn number(body: &[u8], path: &[&str]) -> Option<u64> {
    part(body, path)?.parse().ok()
}

/// Returns a string of the answer.
pub(crate) fn string<'a>(body: &'a [u8], path: &[&str]) -> Option<JsonStr<'a>> {
    JsonStr::from_json(part(body, path)?)
}

fn later(text: &str) -> Meaning {
    Meaning::Later(VaultFailure::unavailable(text), None)
}

fn never(text: &str) -> Meaning {
    Meaning::Never(VaultFailure::unusable(text))
}

#[cfg(test)]
mod tests {
    use super::*;
    use zeroize::Zeroizing;

    fn of(status: u16, body: &str) -> Meaning {
        meaning(&Answer {
            status,
            body: Zeroizing::new(body.as_bytes().to_vec()),
            retry_after: None,
            address: 0,
        })
    }

    #[test]
    fn answers_of_openbao_are_told_apart() {
        let deleted = r#"{"data":{"metadata":{"deletion_time":"2026-11-30T11:44:45Z","destroyed":false,"version":1},"subkeys":null}}"#;
        assert!(matches!(
            of(404, deleted),
            Meaning::Absent { is_deleted: true }
        ));
        assert!(matches!(
            of(404, r#"{"errors":[]}"#),
            Meaning::Absent { is_deleted: false }
        ));
        let no_mount =
            r#"{"errors":["no handler for route \"x/data/a\". route entry not found."]}"#;
        assert!(matches!(of(404, no_mount), Meaning::Never(_)));
        for foreign in ["", "<html>not found</html>", "{}"] {
            assert!(matches!(of(404, foreign), Meaning::Never(_)), "{foreign}");
        }
        assert!(matches!(
            of(404, r#"{"errors":["namespace not found"]}"#),
            Meaning::Never(_)
        ));
        let cas = r#"{"errors":["check-and-set parameter did not match the current version"]}"#;
        assert!(matches!(of(400, cas), Meaning::Taken));
        // A 400 is not always a conflict.
        for other in ["", "{}", r#"{"errors":["failed to decode JSON input"]}"#] {
            assert!(matches!(of(400, other), Meaning::Never(_)), "{other}");
        }
        let complex = r#"{"errors":["refused JSON input due to high complexity"]}"#;
        assert!(matches!(of(400, complex), Meaning::Refused(_)));
        let large = r#"{"errors":["put failed due to value being too large; got 156 bytes, max 1048576 bytes"]}"#;
        assert!(matches!(of(500, large), Meaning::Refused(_)));
        assert!(matches!(
            of(413, "http: request body too large"),
            Meaning::Refused(_)
        ));
        let policy = "{\"errors\":[\"1 error occurred:\\n\\t* permission denied\\n\\n\"]}";
        assert!(matches!(
            of(403, policy),
            Meaning::Forbidden { is_policy: true }
        ));
        let token = r#"{"errors":["permission denied"]}"#;
        assert!(matches!(
            of(403, token),
            Meaning::Forbidden { is_policy: false }
        ));
    }

    #[test]
    fn what_passes_is_waited_for() {
        let unsealed = r#"{"errors":["local node not active but active cluster node not found"]}"#;
        for (status, body) in [
            (307, ""),
            (412, ""),
            (429, ""),
            (500, unsealed),
            (501, ""),
            (502, "<html>"),
            (503, r#"{"errors":["Vault is sealed"]}"#),
            (504, ""),
        ] {
            assert!(matches!(of(status, body), Meaning::Later(..)), "{status}");
        }
    }

    #[test]
    fn an_answer_is_never_repeated_in_an_error() {
        for status in 201..=599 {
            let shown = format!("{:?}", of(status, r#"{"errors":["canary"],"canary":1}"#));
            assert!(!shown.contains("canary"), "{status}");
        }
    }
}
