//! The audit trail: who wrote which secret.
//!
//! It has one line of JSON for each request to the API, refused requests included. A line has the secret's name, which
//! the log never has, and never a value.

mod event;
mod file;
mod sink;
mod trail;

pub(crate) use event::AuditEvent;
pub use file::AuditFile;
pub use sink::{AuditSink, AuditStdout};
pub(crate) use trail::Trail;
