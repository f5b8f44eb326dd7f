//! What an answer means.

use std::time::Duration;

use sealpost_vault::error::VaultFailure;
use sealpost_vault_http::{Answer, json};

/// What an answer means, whatever was asked.
#[derive(Debug)]
pub(crate) enum Meaning {
    /// It was done.
    Done,
    /// There is no such secret.
    Absent,
    /// A deleted secret holds the name.
    Deleted,
    /// The secret is there and disabled, or its time is not now.
    Disabled,
    /// The token is not accepted.
    Unauthenticated,
    /// A permission is missing.
    Forbidden,
    /// The service can't do it now, or has perhaps done it. It may be asked again, after this time.
    Later(VaultFailure, Option<Duration>),
    /// It will not be done until a person acts.
    Never(VaultFailure),
}

/// Tells what an answer means. Its text is compared with those that are known and never passed on: it is not known what it
/// repeats.
pub(crate) fn meaning(answer: &Answer) -> Meaning {
    let code = json::string(&answer.body, &["error", "code"]);
    let code = code.as_deref().map_or("", String::as_str);
    let says = |text: &str| {
        let error = json::part(&answer.body, &["error"]).unwrap_or_default();
        error.contains(text)
    };
    match (answer.status, code) {
        (200, _) => Meaning::Done,
        (400, _) => never(
            "it does not understand the request (400); look whether the address is that of a key vault",
        ),
        (401, _) => Meaning::Unauthenticated,
        (403, _)
            if says("SecretDisabled") || says("SecretNotYetValid") || says("SecretExpired") =>
        {
            Meaning::Disabled
        }
        (403, _) if says("ForbiddenByFirewall") || says("ForbiddenByConnection") => never(
            "the vault's firewall does not let the agent's address in; permit it, or use a private endpoint",
        ),
        (403, "Forbidden") => Meaning::Forbidden,
        (404, "SecretNotFound") => Meaning::Absent,
        (409, _) if says("ObjectIsBeingRecovered") => later("a deleted secret is being recovered"),
        (409, _)
            if says("ObjectIsDeletedButRecoverable")
                || says("ObjectIsBeingDeleted")
                || says("deleted but recoverable") =>
        {
            Meaning::Deleted
        }
        (409, "Conflict") => later("it was changed by another call at the same time"),
        (429, _) => Meaning::Later(
            VaultFailure::Throttled {
                wait: answer.retry_after,
            },
            answer.retry_after,
        ),
        (408 | 500..=599, _) => later(&format!("it fails ({}); try again", answer.status)),
        // Refusals and 404 without the service's JSON are of something in between.
        (status, _) => never(&format!(
            "it answers {status} in a way that the service does not document; look whether a proxy answers in its place, and compare the address"
        )),
    }
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
            challenge: None,
        })
    }

    fn error(status: u16, code: &str, inner: &str) -> Meaning {
        of(
            status,
            &format!(
                r#"{{"error":{{"code":"{code}","message":"m","innererror":{{"code":"{inner}"}}}}}}"#
            ),
        )
    }

    #[test]
    fn answers_of_the_service_are_told_apart() {
        assert!(matches!(of(200, "{}"), Meaning::Done));
        assert!(matches!(error(404, "SecretNotFound", ""), Meaning::Absent));
        for inner in ["ObjectIsDeletedButRecoverable", "ObjectIsBeingDeleted"] {
            assert!(matches!(error(409, "Conflict", inner), Meaning::Deleted));
        }
        assert!(matches!(
            error(409, "Conflict", "ObjectIsBeingRecovered"),
            Meaning::Later(..)
        ));
        for inner in ["ForbiddenByRbac", "ForbiddenByPolicy"] {
            assert!(matches!(error(403, "Forbidden", inner), Meaning::Forbidden));
        }
        assert!(matches!(
            error(403, "Forbidden", "SecretDisabled"),
            Meaning::Disabled
        ));
        assert!(matches!(
            error(403, "Forbidden", "ForbiddenByFirewall"),
            Meaning::Never(_)
        ));
        assert!(matches!(
            error(401, "Unauthorized", ""),
            Meaning::Unauthenticated
        ));
        assert!(matches!(error(429, "Throttled", ""), Meaning::Later(..)));
    }

    #[test]
    fn what_does_not_come_from_the_service_is_not_believed() {
        for status in [403, 404, 409] {
            for body in ["", "<html>", "{}"] {
                assert!(
                    matches!(of(status, body), Meaning::Never(_)),
                    "{status} {body}"
                );
            }
        }
    }

    #[test]
    fn an_answer_is_never_repeated_in_an_error() {
        for status in 100..=599 {
            let body = r#"{"error":{"code":"canary","message":"canary"},"canary":1}"#;
            let shown = format!("{:?}", of(status, body));
            assert!(!shown.contains("canary"), "{status}");
        }
    }
}
