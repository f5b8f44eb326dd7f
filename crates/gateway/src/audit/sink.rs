//! Where the lines of the trail go.

use std::{fmt, fs::File, io, os::fd::AsFd as _, path::Path};

use parking_lot::Mutex;

pub use super::tail::Incomplete;
use super::tail::Tail;

/// Takes the lines of the trail.
///
/// One thread writes for all requests, so that a sink which blocks stops no other: the gateway waits for a bounded
/// time. A request whose intent is not written by then is answered with 500 and stores nothing. Whatever else can't be
/// written is a gap in the trail, and the first line after it says how large it is.
pub trait AuditSink: Send + Sync + fmt::Debug {
    /// Writes one line, which ends with a line feed.
    ///
    /// # Errors
    ///
    /// Any error means that the line was not written.
    fn write_line(&self, line: &[u8]) -> io::Result<()>;

    /// Writes lines, each of which ends with a line feed, together if it can.
    ///
    /// # Errors
    ///
    /// [`Incomplete`] says how far it came.
    fn write_lines(&self, lines: &[u8]) -> Result<(), Incomplete> {
        let mut written = 0;
        for line in lines.split_inclusive(|byte| *byte == b'\n') {
            self.write_line(line)
                .map_err(|error| Incomplete { written, error })?;
            written += line.len();
        }
        Ok(())
    }

    /// Makes durable what was written, where that is wanted. It is called once for all lines that wait.
    ///
    /// # Errors
    ///
    /// Any error means that the lines since the last call may be lost, and that nothing can be relied on any more: nothing
    /// further is written, every request is refused, and the process should end.
    fn sync(&self) -> io::Result<()> {
        Ok(())
    }
}

/// Writes the trail to standard output.
#[derive(Debug)]
pub struct AuditStdout {
    tail: Mutex<Tail>,
}

impl Default for AuditStdout {
    /// Looks how what is there ends, if it is a file.
    fn default() -> Self {
        let stdout = io::stdout().as_fd().try_clone_to_owned().map(File::from);
        let found = stdout.and_then(|file| file.metadata());
        let tail = found.map_or(Tail::Unknown, |found| {
            Tail::of(&found, Path::new("/dev/stdout"))
        });
        let tail = Mutex::new(tail);
        Self { tail }
    }
}

impl AuditSink for AuditStdout {
    fn write_line(&self, line: &[u8]) -> io::Result<()> {
        self.write_lines(line).map_err(|failed| failed.error)
    }

    fn write_lines(&self, lines: &[u8]) -> Result<(), Incomplete> {
        // Not through the standard library: it would be locked for others while a write stalls.
        let write = |rest: &[u8]| Ok(rustix::io::write(io::stdout(), rest)?);
        self.tail.lock().append(lines, write)
    }
}
