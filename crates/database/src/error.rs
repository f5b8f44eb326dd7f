//! Why a database can't be used.

use std::io;

use thiserror::Error;

/// Why a database can't be used. Its text never holds a record.
#[derive(Debug, Error)]
pub enum Error {
    /// The database failed. The next call opens the file again, and may succeed.
    #[error(transparent)]
    Failed(#[from] redb::Error),
    /// The database panicked, as it does on some damage. The next call opens the file again and so checks it.
    #[error("the database panicked, so its file may be damaged; the log says where")]
    Panicked,
    /// An fsync failed: going on could lose what is acknowledged. This is final.
    #[error("a write did not reach the disk; check the disk, then restart the program")]
    NotSynced,
    /// It was found damaged. Nothing is written to the file any more. This is final.
    #[error(
        "the file is damaged, and nothing is written to it any more; stop the program, and put the file back from a backup"
    )]
    Damaged,
    /// Its path does not name it any more. Nothing is written to it any more. This is final.
    #[error(
        "the file was removed, or another one was put in its place, and nothing is written to it any more; stop the program, put the right \
         file back, then start it again"
    )]
    Replaced,
    /// It was closed. This is final.
    #[error("the database was closed")]
    Closed,
}

impl Error {
    /// Returns whether a later call can't succeed either.
    #[must_use]
    pub const fn is_final(&self) -> bool {
        match self {
            Self::NotSynced | Self::Damaged | Self::Replaced | Self::Closed => true,
            Self::Failed(_) | Self::Panicked => false,
        }
    }
}

/// Returns whether there is no space left, in one of the ways in which systems say so.
#[must_use]
pub fn is_full(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge
    )
}
