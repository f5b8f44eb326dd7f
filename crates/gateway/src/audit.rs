//! The audit trail: who wrote which secret.
//!
//! One line of JSON for each request to the API, the refused ones included. It has the secret's name, which the
//! log never has, and no value.

mod file;
mod trail;

use std::{fmt, io};

use serde::Serialize;

pub use file::AuditFile;
pub(crate) use trail::{Trail, rfc3339};

/// Takes the lines of the trail.
///
/// A line that can't be written is a gap in the trail. The gateway then refuses every request with 500 until a
/// line can be written again, and begins with one that says how many are missing: nothing is stored that nobody
/// would know of, save what was under way.
pub trait AuditSink: Send + Sync + fmt::Debug {
    /// Writes one line, which ends in a line feed. It is called on a thread that serves requests: it must not
    /// wait for long.
    ///
    /// # Errors
    ///
    /// Whatever kept it from being written.
    fn write_line(&self, line: &[u8]) -> io::Result<()>;
}

/// Writes the trail to standard output.
#[derive(Clone, Copy, Debug, Default)]
pub struct AuditStdout;

impl AuditSink for AuditStdout {
    fn write_line(&self, line: &[u8]) -> io::Result<()> {
        use io::Write as _;
        let mut out = io::stdout().lock();
        out.write_all(line)?;
        out.flush()
    }
}

/// What is written of a request.
#[derive(Debug, Serialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub(crate) enum AuditEvent<'a> {
    /// A request was answered.
    Request {
        /// RFC 3339, UTC.
        time: String,
        request_id: &'a str,
        /// `iss` and `sub` of the token; none if it was refused.
        issuer: Option<&'a str>,
        subject: Option<&'a str>,
        agent: Option<&'a str>,
        project: Option<String>,
        /// The secret's name as the caller gave it; none if the body was not read or broke rules.
        name: Option<&'a str>,
        /// `stored`, or the last part of the problem type.
        outcome: &'a str,
        /// Why a token was refused.
        #[serde(skip_serializing_if = "Option::is_none")]
        denied: Option<&'a str>,
        status: u16,
        duration_ms: f64,
    },
    /// So many events are missing before this line.
    Gap { time: String, lost: u64 },
}
