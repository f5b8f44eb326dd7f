//! What the gateway answers when it does not create (RFC 9457).

use std::time::Duration;

use serde::Deserialize;

/// Why the gateway did not create a secret.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Problem {
    /// What kind of problem it is: decide by this.
    pub kind: ProblemKind,
    /// The kind's URN.
    pub urn: String,
    /// The HTTP status.
    pub status: u16,
    /// The kind in words.
    pub title: String,
    /// What to do about it.
    pub detail: String,
    /// What is wrong with the request, each as `#/secret/name: …`.
    pub violations: Vec<String>,
    /// The id under which the gateway logged the request.
    pub request_id: Option<String>,
    /// How long to wait before another attempt, if the gateway says so (`Retry-After`, in seconds).
    pub retry_after: Option<Duration>,
    /// An earlier attempt of the same call had no answer: it may have created the secret, and what is said here of
    /// the last attempt does not change that. After a 409, look who owns the secret before you take it for
    /// somebody else's.
    pub after_unknown: bool,
}

impl Problem {
    /// Reads a problem from an answer's body; `None` if it is none.
    pub(crate) fn parse(status: u16, body: &[u8], request_id: Option<String>) -> Option<Self> {
        let Body {
            urn,
            title,
            detail,
            violations,
        } = serde_json::from_slice(body).ok()?;
        let kind = ProblemKind::from_urn(&urn);
        Some(Self {
            kind,
            urn: printable(urn),
            status,
            title: printable(title),
            detail: printable(detail),
            violations: violations.into_iter().map(printable).collect(),
            request_id: request_id.map(printable),
            retry_after: None,
            after_unknown: false,
        })
    }
}

/// The kinds of problem, by their URN `urn:sealpost:problem:…`.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum ProblemKind {
    /// `agent-busy`: the agent can take no more for now; nothing was stored.
    AgentBusy,
    /// `agent-offline`: the agent is not connected, nothing was stored.
    AgentOffline,
    /// `agent-timeout`: the agent did not answer in time; the secret may be stored or not.
    AgentTimeout,
    /// `body-incomplete`: the request ended too early.
    BodyIncomplete,
    /// `body-timeout`: the request came too slowly.
    BodyTimeout,
    /// `too-large`: the request is larger than is taken.
    TooLarge,
    /// `certificate-expired`: the agent's certificate is not valid now.
    CertificateExpired,
    /// `context-mismatch`: the value is sealed for something else than it was sent to.
    ContextMismatch,
    /// `forbidden`: the token is not good for this.
    Forbidden,
    /// `format-not-accepted`: the agent takes other formats than the one that the value is sealed in.
    FormatNotAccepted,
    /// `idempotency-key-reused`: the idempotency key was used for another request.
    IdempotencyKeyReused,
    /// `internal`: something failed at the gateway or the agent.
    Internal,
    /// `invalid-parameter`: the agent's or the project's id is wrong.
    InvalidParameter,
    /// `invalid-request`: the request breaks rules.
    InvalidRequest,
    /// `malformed-json`: the request is no JSON.
    MalformedJson,
    /// `method-not-allowed`: this is not the gateway that this client is for.
    MethodNotAllowed,
    /// `not-found`: this is not the gateway that this client is for.
    NotFound,
    /// `overloaded`: the gateway had no room for the request in time; nothing was stored.
    Overloaded,
    /// `rate-limited`: too many requests of this caller; nothing was done.
    RateLimited,
    /// `sealed-does-not-open`: the sealed value does not open.
    SealedDoesNotOpen,
    /// `sealed-unreadable`: the sealed value can't be read.
    SealedUnreadable,
    /// `secret-exists`: the name is taken.
    SecretExists,
    /// `secret-pending-deletion`: the name was deleted, and the vault still holds it.
    SecretPendingDeletion,
    /// `unknown-agent`: there is no such agent.
    UnknownAgent,
    /// `unsupported-media-type`: the request is of a type that is not taken.
    UnsupportedMediaType,
    /// A kind that this release does not know: its URN.
    Other(String),
}

impl ProblemKind {
    /// The kind with this URN.
    #[must_use]
    pub fn from_urn(urn: &str) -> Self {
        match urn
            .strip_prefix("urn:sealpost:problem:")
            .unwrap_or_default()
        {
            "agent-busy" => Self::AgentBusy,
            "agent-offline" => Self::AgentOffline,
            "agent-timeout" => Self::AgentTimeout,
            "body-incomplete" => Self::BodyIncomplete,
            "body-timeout" => Self::BodyTimeout,
            "too-large" => Self::TooLarge,
            "certificate-expired" => Self::CertificateExpired,
            "context-mismatch" => Self::ContextMismatch,
            "forbidden" => Self::Forbidden,
            "format-not-accepted" => Self::FormatNotAccepted,
            "idempotency-key-reused" => Self::IdempotencyKeyReused,
            "internal" => Self::Internal,
            "invalid-parameter" => Self::InvalidParameter,
            "invalid-request" => Self::InvalidRequest,
            "malformed-json" => Self::MalformedJson,
            "method-not-allowed" => Self::MethodNotAllowed,
            "not-found" => Self::NotFound,
            "overloaded" => Self::Overloaded,
            "rate-limited" => Self::RateLimited,
            "sealed-does-not-open" => Self::SealedDoesNotOpen,
            "sealed-unreadable" => Self::SealedUnreadable,
            "secret-exists" => Self::SecretExists,
            "secret-pending-deletion" => Self::SecretPendingDeletion,
            "unknown-agent" => Self::UnknownAgent,
            "unsupported-media-type" => Self::UnsupportedMediaType,
            _ => Self::Other(printable(urn.to_owned())),
        }
    }
}

/// What a stranger says may be shown on a terminal: no control character reaches it.
fn printable(text: String) -> String {
    if !text.contains(char::is_control) {
        return text;
    }
    text.chars()
        .map(|c| if c.is_control() { '\u{fffd}' } else { c })
        .collect()
}

/// Members that are missing or unknown don't hide the problem.
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
    fn an_unknown_kind_is_kept() {
        let problem = Problem::parse(
            418,
            br#"{"type":"urn:sealpost:problem:teapot","x":1}"#,
            None,
        )
        .unwrap();
        assert_eq!(
            problem.kind,
            ProblemKind::Other("urn:sealpost:problem:teapot".into())
        );
        assert_eq!(Problem::parse(500, b"<html>", None), None);
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
