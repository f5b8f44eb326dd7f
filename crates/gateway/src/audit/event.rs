//! The lines of the trail.

use serde::Serialize;

/// One line.
#[derive(Debug, Serialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub(crate) enum AuditEvent<'a> {
    /// An agent is about to be asked to store a secret. A `Request` follows, unless the process ends before.
    Intent {
        /// RFC 3339, UTC.
        time: String,
        request_id: &'a str,
        #[serde(flatten)]
        what: What<'a>,
    },
    /// A request was answered.
    Request {
        /// RFC 3339, UTC.
        time: String,
        request_id: &'a str,
        #[serde(flatten)]
        what: What<'a>,
        /// `stored`, or the last part of the problem type.
        outcome: &'a str,
        /// Why a token was refused.
        #[serde(skip_serializing_if = "Option::is_none")]
        denied: Option<&'a str>,
        status: u16,
        duration_ms: f64,
    },
    /// The process has started. Without an `End` before this line, any number of `Request`s may be missing before it.
    Start { time: String },
    /// The process ends in order, and nothing is missing that no `Gap` reports.
    End { time: String },
    /// Of this many requests the `Request` is missing before this line.
    Gap { time: String, lost: u64 },
}

/// Who wants what of whom.
#[derive(Debug, Serialize)]
pub(crate) struct What<'a> {
    /// `iss` and `sub` of the token; `None` if it was refused.
    pub(crate) issuer: Option<&'a str>,
    pub(crate) subject: Option<&'a str>,
    pub(crate) agent: Option<&'a str>,
    pub(crate) project: Option<String>,
    /// The secret's name as the caller gave it; `None` if the body was not read or broke rules.
    pub(crate) name: Option<&'a str>,
}

impl AuditEvent<'_> {
    /// Returns the line, with its line feed.
    pub(crate) fn to_line(&self) -> Vec<u8> {
        let mut line = Vec::with_capacity(LINE);
        // Texts, numbers and nothing else: that always serialises.
        let _ = serde_json::to_writer(&mut line, self);
        line.push(b'\n');
        line
    }
}

/// Longer than nearly every line, so that the buffer is allocated once.
const LINE: usize = 512;
