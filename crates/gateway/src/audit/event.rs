//! The lines of the trail.

use serde::Serialize;

/// One line.
#[derive(Debug, Serialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub(crate) enum AuditEvent<'a> {
    /// A request was answered.
    Request {
        /// RFC 3339, UTC.
        time: String,
        request_id: &'a str,
        /// `iss` and `sub` of the token; `None` if it was refused.
        issuer: Option<&'a str>,
        subject: Option<&'a str>,
        agent: Option<&'a str>,
        project: Option<String>,
        /// The secret's name as the caller gave it; `None` if the body was not read or broke rules.
        name: Option<&'a str>,
        /// `stored`, or the last part of the problem type.
        outcome: &'a str,
        /// Why a token was refused.
        #[serde(skip_serializing_if = "Option::is_none")]
        denied: Option<&'a str>,
        status: u16,
        duration_ms: f64,
    },
    /// This many events are missing before this line.
    Gap { time: String, lost: u64 },
}
