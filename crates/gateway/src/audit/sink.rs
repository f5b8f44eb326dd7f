//! Where the lines of the trail go.

use std::{fmt, io};

/// Takes the lines of the trail.
///
/// A line that can't be written is a gap in the trail. The gateway then refuses every request with 500 until a line can
/// be written again, and first writes a line that says how many are missing. So nothing is stored unrecorded, except by
/// requests that were running already.
pub trait AuditSink: Send + Sync + fmt::Debug {
    /// Writes one line, which ends with a line feed. The gateway calls it on a thread that serves requests: it must not
    /// block for long.
    ///
    /// # Errors
    ///
    /// Any error means that the line was not written.
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
