//! Errors as the caller sees them: `application/problem+json` (RFC 9457).

use std::{borrow::Cow, time::Duration};

use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;

use crate::request_id::RequestId;

/// What kind of problem it is. The URNs are stable: programs decide by them.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum ProblemType {
    /// The body ended before it was complete.
    BodyIncomplete,
    /// The body came too slowly.
    BodyTimeout,
    /// The body or the value is larger than is taken.
    TooLarge,
    /// The agent's certificate is not valid now.
    CertificateExpired,
    /// The agent is not connected.
    AgentOffline,
    /// The agent did not answer in time.
    AgentTimeout,
    /// The token is not good for this.
    Forbidden,
    /// Something failed here.
    Internal,
    /// A parameter in the path, the query or a header is wrong, and nothing else.
    InvalidParameter,
    /// The request breaks rules.
    InvalidRequest,
    /// The body is no JSON.
    MalformedJson,
    /// The route has no such method.
    MethodNotAllowed,
    /// There is no such route.
    NotFound,
    /// More requests than there is room for.
    Overloaded,
    /// More requests than this principal may send.
    RateLimited,
    /// The name is taken.
    SecretExists,
    /// The name was deleted and the vault still holds it.
    SecretPendingDeletion,
    /// There is no such agent.
    UnknownAgent,
    /// The body is of a type that is not read here.
    UnsupportedMediaType,
    /// The agent takes other formats than the one that the value is sealed in.
    FormatNotAccepted,
    /// The value is sealed for something else than it was sent to.
    ContextMismatch,
    /// The sealed value can't be read.
    SealedUnreadable,
    /// The sealed value does not open.
    SealedDoesNotOpen,
    /// The idempotency key was used for another request.
    IdempotencyKeyReused,
    /// The agent can take no more for now.
    AgentBusy,
}

impl ProblemType {
    /// Every type there is.
    pub const ALL: [Self; 25] = [
        Self::BodyIncomplete,
        Self::BodyTimeout,
        Self::TooLarge,
        Self::CertificateExpired,
        Self::AgentOffline,
        Self::AgentTimeout,
        Self::Forbidden,
        Self::Internal,
        Self::InvalidParameter,
        Self::InvalidRequest,
        Self::MalformedJson,
        Self::MethodNotAllowed,
        Self::NotFound,
        Self::Overloaded,
        Self::RateLimited,
        Self::SecretExists,
        Self::SecretPendingDeletion,
        Self::UnknownAgent,
        Self::UnsupportedMediaType,
        Self::FormatNotAccepted,
        Self::ContextMismatch,
        Self::SealedUnreadable,
        Self::SealedDoesNotOpen,
        Self::IdempotencyKeyReused,
        Self::AgentBusy,
    ];

    /// The URN, `type` in the body.
    #[must_use]
    pub const fn urn(self) -> &'static str {
        self.facts().0
    }

    /// The HTTP status.
    #[must_use]
    pub const fn status(self) -> StatusCode {
        self.facts().1
    }

    /// The last part of the URN, for logs and metrics.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.urn().strip_prefix(PREFIX).unwrap_or_default()
    }

    /// URN, status and title: one place, so that none is forgotten.
    const fn facts(self) -> (&'static str, StatusCode, &'static str) {
        use StatusCode as S;
        match self {
            Self::BodyIncomplete => (
                "urn:sealpost:problem:body-incomplete",
                S::BAD_REQUEST,
                "The body ended before it was complete",
            ),
            Self::BodyTimeout => (
                "urn:sealpost:problem:body-timeout",
                S::BAD_REQUEST,
                "The body came too slowly",
            ),
            Self::TooLarge => (
                "urn:sealpost:problem:too-large",
                S::BAD_REQUEST,
                "The request is too large",
            ),
            Self::CertificateExpired => (
                "urn:sealpost:problem:certificate-expired",
                S::BAD_REQUEST,
                "The agent's certificate is not valid now",
            ),
            Self::AgentOffline => (
                "urn:sealpost:problem:agent-offline",
                S::GATEWAY_TIMEOUT,
                "The agent is not connected",
            ),
            Self::AgentTimeout => (
                "urn:sealpost:problem:agent-timeout",
                S::GATEWAY_TIMEOUT,
                "The agent did not answer in time",
            ),
            Self::Forbidden => (
                "urn:sealpost:problem:forbidden",
                S::FORBIDDEN,
                "The token is not good for this",
            ),
            Self::Internal => (
                "urn:sealpost:problem:internal",
                S::INTERNAL_SERVER_ERROR,
                "Something failed here",
            ),
            Self::InvalidParameter => (
                "urn:sealpost:problem:invalid-parameter",
                S::BAD_REQUEST,
                "A parameter in the path, the query or a header is wrong",
            ),
            Self::InvalidRequest => (
                "urn:sealpost:problem:invalid-request",
                S::BAD_REQUEST,
                "The request breaks rules",
            ),
            Self::MalformedJson => (
                "urn:sealpost:problem:malformed-json",
                S::BAD_REQUEST,
                "The body is no valid JSON",
            ),
            Self::MethodNotAllowed => (
                "urn:sealpost:problem:method-not-allowed",
                S::METHOD_NOT_ALLOWED,
                "The route has no such method",
            ),
            Self::NotFound => (
                "urn:sealpost:problem:not-found",
                S::NOT_FOUND,
                "There is no such route",
            ),
            Self::Overloaded => (
                "urn:sealpost:problem:overloaded",
                S::GATEWAY_TIMEOUT,
                "There was no room for the request in time",
            ),
            Self::RateLimited => (
                "urn:sealpost:problem:rate-limited",
                S::GATEWAY_TIMEOUT,
                "Too many requests",
            ),
            Self::SecretExists => (
                "urn:sealpost:problem:secret-exists",
                S::CONFLICT,
                "The secret exists already",
            ),
            Self::SecretPendingDeletion => (
                "urn:sealpost:problem:secret-pending-deletion",
                S::CONFLICT,
                "The secret is being deleted",
            ),
            Self::UnknownAgent => (
                "urn:sealpost:problem:unknown-agent",
                S::BAD_REQUEST,
                "There is no such agent",
            ),
            Self::UnsupportedMediaType => (
                "urn:sealpost:problem:unsupported-media-type",
                S::BAD_REQUEST,
                "The body is of a type that is not read here",
            ),
            Self::FormatNotAccepted => (
                "urn:sealpost:problem:format-not-accepted",
                S::BAD_REQUEST,
                "The agent does not take this format",
            ),
            Self::ContextMismatch => (
                "urn:sealpost:problem:context-mismatch",
                S::BAD_REQUEST,
                "The value is sealed for something else",
            ),
            Self::SealedUnreadable => (
                "urn:sealpost:problem:sealed-unreadable",
                S::BAD_REQUEST,
                "The sealed value can't be read",
            ),
            Self::SealedDoesNotOpen => (
                "urn:sealpost:problem:sealed-does-not-open",
                S::BAD_REQUEST,
                "The sealed value does not open",
            ),
            Self::IdempotencyKeyReused => (
                "urn:sealpost:problem:idempotency-key-reused",
                S::BAD_REQUEST,
                "The idempotency key was used for another request",
            ),
            Self::AgentBusy => (
                "urn:sealpost:problem:agent-busy",
                S::GATEWAY_TIMEOUT,
                "The agent can take no more for now",
            ),
        }
    }
}

/// One problem, on its way to the caller.
#[derive(Debug)]
pub(crate) struct Problem {
    kind: ProblemType,
    detail: Cow<'static, str>,
    violations: Vec<String>,
    retry_after: Option<Duration>,
}

impl Problem {
    pub(crate) fn new(kind: ProblemType, detail: impl Into<Cow<'static, str>>) -> Self {
        Self {
            kind,
            detail: detail.into(),
            violations: Vec::new(),
            retry_after: None,
        }
    }

    /// A problem of the request itself: what is wrong, where, and what to do, one violation each.
    pub(crate) fn of_request(kind: ProblemType, violations: Vec<String>) -> Self {
        let detail = match violations.len() {
            1 => "There is one violation: mend it and send the request again.".into(),
            n => format!("There are {n} violations: mend them and send the request again.").into(),
        };
        Self {
            kind,
            detail,
            violations,
            retry_after: None,
        }
    }

    /// The one answer to every token that is not good enough, whatever the reason.
    pub(crate) fn forbidden() -> Self {
        Self::new(
            ProblemType::Forbidden,
            "Send a bearer token that is valid now, has the scope secrets:write, and is good for this agent and \
             project. The gateway's log says what this one lacks.",
        )
    }

    /// The one answer to everything that is not the caller's doing. The cause goes to the log.
    pub(crate) fn internal() -> Self {
        Self::new(
            ProblemType::Internal,
            "The request could not be carried out. Give the operator the request id: the gateway's log says why.",
        )
    }

    /// Too many requests of one principal. The endpoint has no 429.
    pub(crate) fn rate_limited(retry_after: Duration) -> Self {
        let detail = "This caller has sent too many requests, and nothing was stored. Send it again after the \
                      seconds that the header Retry-After gives.";
        Self {
            retry_after: Some(retry_after),
            ..Self::new(ProblemType::RateLimited, detail)
        }
    }

    /// No place for the request before its deadline.
    pub(crate) fn overloaded() -> Self {
        let detail = "The gateway had more requests than it can carry out in time, and nothing was stored. Send it \
                      again later.";
        Self::new(ProblemType::Overloaded, detail)
    }

    pub(crate) const fn kind(&self) -> ProblemType {
        self.kind
    }

    pub(crate) fn violations(&self) -> usize {
        self.violations.len()
    }

    /// The response, with the request id as `instance`.
    pub(crate) fn into_response(self, id: &RequestId) -> Response {
        let (urn, status, title) = self.kind.facts();
        let body = Body {
            urn,
            title,
            status: status.as_u16(),
            detail: &self.detail,
            instance: id.urn(),
            violations: &self.violations,
        };
        // A struct of texts always serialises; an empty body would still carry the status.
        let body = serde_json::to_vec(&body).unwrap_or_default();
        let content_type = HeaderValue::from_static("application/problem+json");
        let mut response = (status, [(header::CONTENT_TYPE, content_type)], body).into_response();
        if let Some(wait) = self.retry_after {
            // Whole seconds (RFC 9110 §10.2.3), upwards: not a moment too early.
            let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
            response
                .headers_mut()
                .insert(header::RETRY_AFTER, seconds.into());
        }
        response
    }
}

#[derive(Serialize)]
struct Body<'a> {
    #[serde(rename = "type")]
    urn: &'static str,
    title: &'static str,
    status: u16,
    detail: &'a str,
    instance: String,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    violations: &'a [String],
}

const PREFIX: &str = "urn:sealpost:problem:";

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_type_has_its_own_urn() {
        let urns: HashSet<_> = ProblemType::ALL.iter().map(|kind| kind.urn()).collect();
        assert_eq!(urns.len(), ProblemType::ALL.len());
        for kind in ProblemType::ALL {
            assert!(kind.urn().starts_with(PREFIX));
            assert!(kind.status().is_client_error() || kind.status().is_server_error());
        }
    }
}
