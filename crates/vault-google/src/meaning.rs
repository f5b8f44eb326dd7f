//! What an answer means.

use std::time::Duration;

use sealpost_vault::error::VaultFailure;
use sealpost_vault_http::{Answer, json};

/// What an answer means, whatever was asked.
#[derive(Debug)]
pub(crate) enum Meaning {
    /// It was done.
    Done,
    /// There is no such thing.
    Absent,
    /// There is one of this name.
    Taken,
    /// The state of the thing does not permit it: a version is disabled or destroyed.
    Precondition,
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
    let status = json::string(&answer.body, &["error", "status"]);
    let status = status.as_deref().map_or("", String::as_str);
    let says = |text: &str| {
        let error = json::part(&answer.body, &["error"]).unwrap_or_default();
        error.contains(text)
    };
    match (answer.status, status) {
        (200, _) => Meaning::Done,
        (400, "FAILED_PRECONDITION") => Meaning::Precondition,
        (400, _) => never(
            "it does not understand the request (400); compare project, location and replication with what the organisation permits",
        ),
        (401, _) => Meaning::Unauthenticated,
        (403, _) if says("SERVICE_DISABLED") => never(
            "Secret Manager is not enabled in the project; `gcloud services enable secretmanager.googleapis.com` does it",
        ),
        (403, _) if says("BILLING_DISABLED") => {
            never("the project has no billing account; link one")
        }
        (403, "PERMISSION_DENIED") => Meaning::Forbidden,
        (404, "NOT_FOUND") => Meaning::Absent,
        (409, "ALREADY_EXISTS") => Meaning::Taken,
        // Two changes of one secret at the same time.
        (409, "ABORTED") => later("it was changed by another call at the same time"),
        (429, _) => Meaning::Later(
            VaultFailure::Throttled {
                wait: answer.retry_after,
            },
            answer.retry_after,
        ),
        (408 | 499 | 500..=599, _) => later(&format!("it fails ({}); try again", answer.status)),
        // Refusals and 404 without the service's JSON are of something in between.
        (status, _) => never(&format!(
            "it answers {status} in a way that the service does not document; look whether a proxy answers in its place, and compare the endpoint"
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

    fn error(status: u16, text: &str) -> Meaning {
        of(
            status,
            &format!(
                "{{\n  \"error\": {{\n    \"code\": {status},\n    \"status\": \"{text}\"\n  }}\n}}\n"
            ),
        )
    }

    #[test]
    fn answers_of_the_service_are_told_apart() {
        assert!(matches!(of(200, "{}"), Meaning::Done));
        assert!(matches!(error(409, "ALREADY_EXISTS"), Meaning::Taken));
        assert!(matches!(error(404, "NOT_FOUND"), Meaning::Absent));
        assert!(matches!(
            error(403, "PERMISSION_DENIED"),
            Meaning::Forbidden
        ));
        assert!(matches!(
            error(401, "UNAUTHENTICATED"),
            Meaning::Unauthenticated
        ));
        assert!(matches!(
            error(400, "FAILED_PRECONDITION"),
            Meaning::Precondition
        ));
        assert!(matches!(error(400, "INVALID_ARGUMENT"), Meaning::Never(_)));
        let disabled =
            r#"{"error":{"status":"PERMISSION_DENIED","details":[{"reason":"SERVICE_DISABLED"}]}}"#;
        let Meaning::Never(failure) = of(403, disabled) else {
            panic!("a service that is not enabled");
        };
        assert!(failure.to_string().contains("gcloud services enable"));
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
    fn what_passes_is_waited_for() {
        for status in [408, 429, 499, 500, 502, 503, 504] {
            assert!(matches!(of(status, ""), Meaning::Later(..)), "{status}");
        }
        assert!(matches!(error(409, "ABORTED"), Meaning::Later(..)));
    }

    #[test]
    fn an_answer_is_never_repeated_in_an_error() {
        for status in 100..=599 {
            let body = r#"{"error":{"status":"canary","message":"canary"},"canary":1}"#;
            let shown = format!("{:?}", of(status, body));
            assert!(!shown.contains("canary"), "{status}");
        }
    }
}
