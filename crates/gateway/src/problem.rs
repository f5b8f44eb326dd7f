//! Errors as the caller sees them: `application/problem+json` (RFC 9457).

use std::{borrow::Cow, time::Duration};

use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use sealpost_rest::ProblemType;
use serde::Serialize;
use tracing::error;

use crate::{rejection::Rejection, request_id::RequestId};

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

    /// The one answer to every token that is refused, whatever the reason.
    pub(crate) fn forbidden() -> Self {
        Self::new(
            ProblemType::Forbidden,
            "Send a bearer token that is valid now, has the scope secrets:write, and permits this agent and project. \
             The gateway's log says what this one lacks.",
        )
    }

    /// The one answer to every failure that the caller did not cause. The cause goes to the log.
    pub(crate) fn internal() -> Self {
        Self::new(
            ProblemType::Internal,
            "The request could not be carried out. Give the operator the request id: the gateway's log says why.",
        )
    }

    /// Logs the cause, and returns [`internal`](Self::internal).
    pub(crate) fn failed(cause: impl ToString) -> Self {
        error!(cause = cause.to_string(), "request failed");
        Self::internal()
    }

    /// The audit trail can't be written, and nothing was carried out. As [`internal`](Self::internal).
    pub(crate) fn unrecorded() -> Self {
        error!("request refused: the audit trail can't be written");
        Self::internal()
    }

    /// Logs the cause of a failure after the request was sent to the agent: the secret may be stored.
    pub(crate) fn unsettled(cause: impl ToString) -> Self {
        error!(cause = cause.to_string(), "request failed");
        Self::new(
            ProblemType::Internal,
            "The request failed, and the secret may be stored or not. Give the operator the request id: the log says why. \
             Sent again with the same Idempotency-Key it happens once; without one, a 409 may mean that the first \
             attempt succeeded.",
        )
    }

    /// One principal sends too many requests. The endpoint has no 429.
    pub(crate) fn rate_limited(retry_after: Duration) -> Self {
        let detail = "This caller has sent too many requests, and nothing was stored. Send it again after the \
                      seconds that the header Retry-After gives.";
        Self {
            retry_after: Some(retry_after),
            ..Self::new(ProblemType::RateLimited, detail)
        }
    }

    /// There was no room for the request before its deadline.
    pub(crate) fn overloaded() -> Self {
        let detail = "The gateway had more requests than it can carry out in time, and nothing was stored. Send it \
                      again later.";
        Self::new(ProblemType::Overloaded, detail)
    }

    /// Adds a sentence to what is said.
    pub(crate) fn with_note(mut self, note: &str) -> Self {
        let detail = self.detail.to_mut();
        detail.push(' ');
        detail.push_str(note);
        self
    }

    pub(crate) const fn kind(&self) -> ProblemType {
        self.kind
    }

    /// Returns the number of violations.
    pub(crate) fn violations(&self) -> usize {
        self.violations.len()
    }

    /// Returns the response, with the request id as `instance`.
    pub(crate) fn into_response(self, id: &RequestId) -> Response {
        let status = self.kind.status();
        let body = Body {
            urn: self.kind.urn(),
            title: self.kind.title(),
            status,
            detail: &self.detail,
            instance: id.urn(),
            violations: &self.violations,
        };
        // A struct of texts always serialises; an empty body would still carry the status.
        let body = serde_json::to_vec(&body).unwrap_or_default();
        // The table's statuses are HTTP statuses: a test checks each.
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let content_type = HeaderValue::from_static("application/problem+json");
        let mut response = (status, [(header::CONTENT_TYPE, content_type)], body).into_response();
        if let Some(wait) = self.retry_after {
            // Whole seconds (RFC 9110 §10.2.3), rounded up.
            let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
            response
                .headers_mut()
                .insert(header::RETRY_AFTER, seconds.into());
        }
        response
    }
}

impl From<Rejection> for Problem {
    fn from(Rejection { kind, violations }: Rejection) -> Self {
        let detail = match violations.len() {
            1 => "There is one violation: fix it and resend the request.".into(),
            n => format!("There are {n} violations: fix them and resend the request.").into(),
        };
        Self {
            kind,
            detail,
            violations,
            retry_after: None,
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_type_is_answered_with_its_status() {
        for kind in ProblemType::ALL {
            let response = Problem::new(kind, "x").into_response(&RequestId::new());
            assert_eq!(response.status().as_u16(), kind.status());
        }
    }
}
