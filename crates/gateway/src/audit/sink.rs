//! Where the lines of the trail go.

use std::{
    fmt,
    fs::{self, File},
    io,
    os::{
        fd::AsFd as _,
        unix::fs::{FileTypeExt as _, MetadataExt as _},
    },
    path::Path,
};

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

/// Returns whether this is the null device, which takes every line and keeps none.
pub(super) fn is_null(found: &fs::Metadata) -> bool {
    let null = fs::metadata("/dev/null");
    found.file_type().is_char_device() && null.is_ok_and(|null| found.rdev() == null.rdev())
}

/// Writes the trail to standard output.
#[derive(Debug)]
pub struct AuditStdout {
    tail: Mutex<Tail>,
}

impl AuditStdout {
    /// Looks where standard output leads, and how what is there ends if it is a file.
    ///
    /// # Errors
    ///
    /// Fails if it was closed or is the null device, which the operating system puts in the place of a closed one: the trail would be lost.
    pub fn open() -> io::Result<Self> {
        let stdout = File::from(io::stdout().as_fd().try_clone_to_owned()?);
        let found = stdout.metadata()?;
        if is_null(&found) {
            return Err(io::Error::other(
                "it is closed or leads to /dev/null, where the trail would be lost: lead it to a file or a reader, or name a file in \
                 audit.file",
            ));
        }
        let tail = Mutex::new(Tail::of(&found, Path::new("/dev/stdout")));
        Ok(Self { tail })
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
