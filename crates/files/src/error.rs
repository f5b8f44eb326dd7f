//! Why a file could not be read or written.

use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

use crate::encoding::Encoding;
use crate::text::quoted;

/// Why a file could not be read or written. [`hint`](Self::hint) says what to do.
#[derive(Debug, Error)]
pub enum FileError {
    /// The operating system refused.
    #[error("cannot {verb} {}: {source}", quoted(path))]
    Failed {
        /// What was tried, such as "read".
        verb: &'static str,
        /// With which file or folder.
        path: PathBuf,
        /// Its error.
        source: io::Error,
    },
    /// Reading failed midway.
    #[error("cannot read {name}: {source}")]
    Unreadable {
        /// The file's quoted path, or the name of a stream.
        name: String,
        /// The operating system's error.
        source: io::Error,
    },
    /// It is something else than a regular file.
    #[error("{} is {kind}, and must be a file", quoted(path))]
    NotAFile {
        /// Which path.
        path: PathBuf,
        /// What it is, such as "a named pipe".
        kind: &'static str,
    },
    /// Others may use a file that holds a secret.
    #[error(
        "{} has mode {mode:03o}: others can read it, or the group can write it",
        quoted(path)
    )]
    Exposed {
        /// Which file.
        path: PathBuf,
        /// Its permissions.
        mode: u32,
    },
    /// More than the caller takes.
    #[error("{name} is larger than {limit} bytes")]
    TooLarge {
        /// The file's quoted path, or the name of a stream.
        name: String,
        /// Bytes.
        limit: usize,
    },
    /// Text in another encoding than UTF-8.
    #[error("{name} is text in {encoding}, not in UTF-8")]
    OtherEncoding {
        /// The file's quoted path, or the name of a stream.
        name: String,
        /// Which encoding.
        encoding: Encoding,
    },
    /// A byte-order mark before something that is not text.
    #[error("{name} begins with a byte-order mark, and what follows is binary, which has none")]
    MarkedBinary {
        /// The file's quoted path, or the name of a stream.
        name: String,
    },
    /// It exists and would have been overwritten.
    #[error("{} exists and is never overwritten", quoted(path))]
    Exists {
        /// Which file.
        path: PathBuf,
    },
}

impl FileError {
    /// The failure of an operation; `verb` completes "cannot …".
    #[must_use]
    pub fn new(verb: &'static str, path: &Path, source: io::Error) -> Self {
        Self::Failed {
            verb,
            path: path.to_owned(),
            source,
        }
    }

    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Failed { source, .. } => match source.kind() {
                io::ErrorKind::NotFound => "check the path",
                io::ErrorKind::PermissionDenied => {
                    "check the owner and the mode of the file and its folder"
                }
                io::ErrorKind::ReadOnlyFilesystem => {
                    "mount that disk for writing, or name a place on another"
                }
                io::ErrorKind::IsADirectory => "name a file in that folder",
                _ => "check the path, and that the disk has free space",
            },
            Self::Unreadable { .. } => "check the path and that it is a file, not a folder",
            Self::NotAFile { .. } => "name a regular file",
            Self::Exposed { .. } => "if none of them did: chmod 600",
            Self::TooLarge { .. } => "check that this is the file you meant",
            Self::OtherEncoding { encoding, .. } => encoding.hint(),
            Self::MarkedBinary { .. } => {
                "a program took it for text and may have changed more: copy it again as binary, or try what `tail -c +4` leaves of it"
            }
            Self::Exists { .. } => {
                "choose another folder, or move the file away if you are sure that nothing is still sealed to it"
            }
        }
    }

    /// The error and what to do about it, for lists that have one line for each.
    #[must_use]
    pub fn in_one_line(&self) -> String {
        format!("{self}; {}", self.hint())
    }
}
