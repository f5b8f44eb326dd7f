//! Where the lines of the trail go.

use std::{
    fmt,
    io::{self, ErrorKind},
    thread,
    time::Duration,
};

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
    /// Any error means that the lines since the last call are lost.
    fn sync(&self) -> io::Result<()> {
        Ok(())
    }
}

/// Lines could be written in part.
#[derive(Debug)]
pub struct Incomplete {
    /// The bytes that were written.
    pub written: usize,
    /// Why no more were.
    pub error: io::Error,
}

/// Writes the trail to standard output.
#[derive(Clone, Copy, Debug, Default)]
pub struct AuditStdout;

impl AuditSink for AuditStdout {
    fn write_line(&self, line: &[u8]) -> io::Result<()> {
        self.write_lines(line).map_err(|failed| failed.error)
    }

    fn write_lines(&self, lines: &[u8]) -> Result<(), Incomplete> {
        // Not through the standard library: it would be locked for others while a write stalls.
        write_all(lines, |rest| Ok(rustix::io::write(io::stdout(), rest)?))
    }
}

/// Writes all of `lines` with `write`, which writes a part.
pub(super) fn write_all(
    lines: &[u8],
    mut write: impl FnMut(&[u8]) -> io::Result<usize>,
) -> Result<(), Incomplete> {
    let mut written = 0;
    while let Some(rest) = lines.get(written..).filter(|rest| !rest.is_empty()) {
        let error = match write(rest) {
            Ok(0) => ErrorKind::WriteZero.into(),
            Ok(bytes) => {
                written += bytes;
                continue;
            }
            Err(error) => error,
        };
        match error.kind() {
            ErrorKind::Interrupted => {}
            // A pipe that is full, and does not block.
            ErrorKind::WouldBlock => thread::sleep(PAUSE),
            _ => return Err(Incomplete { written, error }),
        }
    }
    Ok(())
}

const PAUSE: Duration = Duration::from_millis(5);
