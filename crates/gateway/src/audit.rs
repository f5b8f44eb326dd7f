//! The audit trail: who wrote which secret.
//!
//! It has one line of JSON for each request to the API, refused requests included, and one more before an agent is asked
//! to store a secret; when the process starts and when it ends in order, one says so. A line has the secret's name, which the log never has, and never a value.

mod event;
mod file;
mod life;
mod lines;
mod sink;
mod tail;
mod trail;

pub(crate) use event::{AuditEvent, What};
pub use file::AuditFile;
pub use life::TrailLife;
pub use sink::{AuditSink, AuditStdout, Incomplete};
pub use trail::NotEnded;
pub(crate) use trail::{Recorded, Trail};
