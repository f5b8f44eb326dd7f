//! A text file of records, one a line, that is added to durably and by one process at a time.

use std::fs::{File, TryLockError};
use std::io::{ErrorKind, Read, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use sealpost_files::{FileError, open_to_append, quoted, read_bounded};
use zeroize::Zeroizing;

use crate::error::Failure;

/// An open file, locked. A new one can be read by its owner only.
pub(super) struct Journal {
    path: PathBuf,
    file: File,
    /// The flag that names it.
    flag: &'static str,
}

impl Journal {
    /// Opens or creates the file. Returns its lines, without one that was being written when the machine stopped.
    /// `begins` is what every line of such a file, or its first, begins with.
    pub(super) fn open(
        path: &Path,
        flag: &'static str,
        begins: &str,
    ) -> Result<(Self, Zeroizing<String>), Failure> {
        let file = open_to_append(path)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(
                    Failure::usage(format!("another import uses {}", quoted(path))).hint(format!(
                        "wait for it, or give this one another file with {flag}"
                    )),
                );
            }
            Err(TryLockError::Error(e)) => return Err(FileError::new("lock", path, e).into()),
        }
        let mut journal = Self {
            path: path.to_owned(),
            file,
            flag,
        };
        let text = journal.read(begins)?;
        Ok((journal, text))
    }

    /// Adds text that ends with a line break, and returns when it is on the disk.
    pub(super) fn append(&mut self, text: &str) -> Result<(), Failure> {
        let written = self.file.write_all(text.as_bytes());
        written
            .and_then(|()| self.file.sync_data())
            .map_err(|e| FileError::new("write", &self.path, e))?;
        Ok(())
    }

    /// Makes the file's name durable, too.
    pub(super) fn sync_name(&self) -> Result<(), Failure> {
        let folder = match self.path.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        };
        let synchronised = File::open(folder).and_then(|folder| folder.sync_all());
        synchronised.map_err(|e| FileError::new("write to", folder, e))?;
        Ok(())
    }

    /// The refusal of a file that is not what it should be.
    pub(super) fn refused(&self, why: &str) -> Failure {
        Failure::refused(format!("{} {why}", quoted(&self.path))).hint(format!(
            "give the {} of the same import, or a file that does not exist yet",
            self.flag
        ))
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    fn read(&mut self, begins: &str) -> Result<Zeroizing<String>, Failure> {
        // What begins as something else is not read whole: it may be anything, of any size.
        let mut begin = vec![0; begins.len()];
        let length = read_most(&mut self.file, &mut begin)
            .map_err(|e| FileError::new("read", &self.path, e))?;
        if begin[..length] != begins.as_bytes()[..length] {
            return Err(self.refused(SOMETHING_ELSE));
        }
        let rewound = self.file.rewind();
        rewound.map_err(|e| FileError::new("read", &self.path, e))?;
        let bytes = read_bounded(&self.file, &quoted(&self.path), MAX_SIZE)?;
        let text = str::from_utf8(&bytes).map_err(|_| self.refused(SOMETHING_ELSE))?;
        let mut text = Zeroizing::new(text.to_owned());
        let whole = text.rfind('\n').map_or(0, |at| at + 1);
        let (kept, torn) = text.split_at(whole);
        let ours = |text: &str| text.starts_with(begins) || begins.starts_with(text);
        if !ours(if kept.is_empty() { torn } else { kept }) {
            return Err(self.refused(SOMETHING_ELSE));
        }
        if !torn.is_empty() {
            let keep = u64::try_from(whole).unwrap_or(u64::MAX);
            let cut = self.file.set_len(keep);
            cut.and_then(|()| self.file.seek(SeekFrom::End(0)).map(drop))
                .map_err(|e| FileError::new("write", &self.path, e))?;
            text.truncate(whole);
        }
        Ok(text)
    }
}

/// Fills the buffer as far as there is something; returns how much there was.
fn read_most(from: &mut impl Read, buffer: &mut [u8]) -> std::io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match from.read(&mut buffer[filled..]) {
            Ok(0) => break,
            Ok(n) => filled += n,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

/// Bytes: ten million lines.
const MAX_SIZE: usize = 1 << 31;
pub(super) const SOMETHING_ELSE: &str = "holds something else";
