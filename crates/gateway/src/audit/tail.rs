//! How that ends to which lines are appended.

use std::{
    fs::{File, Metadata},
    io::{self, ErrorKind},
    os::unix::fs::{FileExt as _, MetadataExt as _},
    path::Path,
    thread,
    time::Duration,
};

/// Lines could be written in part.
#[derive(Debug)]
pub struct Incomplete {
    /// The bytes that were written.
    pub written: usize,
    /// Why no more were.
    pub error: io::Error,
}

/// Whether what was written last ends with a line feed, whichever process wrote it. A full disk or a power cut tears a line, and
/// the next one must not continue it: neither could be read.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) enum Tail {
    Whole,
    Torn,
    /// A pipe or a device: what it has taken can't be read again.
    #[default]
    Unknown,
}

impl Tail {
    /// Looks at the end of an open file, which `path` names.
    pub(super) fn of(found: &Metadata, path: &Path) -> Self {
        match (found.is_file(), found.len()) {
            (false, _) => Self::Unknown,
            (true, 0) => Self::Whole,
            // An empty line is better than two that can't be read.
            (true, length) => last_byte(found, path, length - 1)
                .map_or(Self::Torn, |last| Self::after(last == b'\n')),
        }
    }

    fn after(is_whole: bool) -> Self {
        if is_whole { Self::Whole } else { Self::Torn }
    }

    /// Writes `lines` with `write`, which writes a part. They begin on a line of their own, and with no empty one.
    pub(super) fn append(
        &mut self,
        lines: &[u8],
        mut write: impl FnMut(&[u8]) -> io::Result<usize>,
    ) -> Result<(), Incomplete> {
        // The writer begins with a line feed if it knows of a torn line; that may be in a file that was rotated away.
        let (asked, lines) = match lines.strip_prefix(b"\n") {
            Some(lines) => (1, lines),
            None => (0, lines),
        };
        if *self == Self::Torn || (*self == Self::Unknown && asked > 0) {
            write_all(b"\n", &mut write)?;
        }
        let result = write_all(lines, write);
        let written = result
            .as_ref()
            .map_or_else(|failed| failed.written, |()| lines.len());
        if *self != Self::Unknown {
            let last = written.checked_sub(1).and_then(|last| lines.get(last));
            *self = Self::after(last.is_none_or(|last| *last == b'\n'));
        }
        result.map_err(|failed| Incomplete {
            written: asked + failed.written,
            ..failed
        })
    }
}

/// Reads the byte at `offset`. Fails if the path names another file by now, or the file may be written to and not be read.
fn last_byte(found: &Metadata, path: &Path, offset: u64) -> io::Result<u8> {
    let file = File::open(path)?;
    let read = file.metadata()?;
    if (read.dev(), read.ino()) != (found.dev(), found.ino()) {
        return Err(ErrorKind::NotFound.into());
    }
    let mut last = [0];
    file.read_exact_at(&mut last, offset)?;
    Ok(last[0])
}

/// Writes all of `lines` with `write`, which writes a part.
fn write_all(
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

#[cfg(test)]
mod tests;
