//! Why a file vault does not open.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use sealpost_database::is_full;
use thiserror::Error;

use crate::store::StoreError;

/// Why a file vault does not open. Every text says what to do.
#[derive(Clone, Debug, Error)]
#[non_exhaustive]
pub enum OpenVaultError {
    /// Another process, or another handle in this one, has the vault.
    #[error(
        "the vault in {} is in use by another process; stop that process, or ask it instead",
        dir.display()
    )]
    InUse {
        /// The directory of the vault.
        dir: PathBuf,
    },
    /// There is no vault, and none may be created.
    #[error(
        "there is no vault in {}; put vault.redb and vault.key back from a backup, or begin again with: sealpost \
         vault init",
        dir.display()
    )]
    Missing {
        /// The directory of the vault.
        dir: PathBuf,
    },
    /// Something is where a new vault should be.
    #[error("{} is not empty; give a folder that is empty or does not exist", dir.display())]
    NotEmpty {
        /// The directory.
        dir: PathBuf,
    },
    /// There is a key, and no database.
    #[error(
        "the vault {} is missing, and its key is there; put the file back from a backup, or begin again with: \
         sealpost vault init",
        path.display()
    )]
    DatabaseMissing {
        /// The file of the vault.
        path: PathBuf,
    },
    /// There is a file in which nothing was ever stored where a vault must be.
    #[error(
        "the vault {} is empty; put the file back from a backup, or begin again with: sealpost vault init",
        path.display()
    )]
    DatabaseEmpty {
        /// The file of the vault.
        path: PathBuf,
    },
    /// The file is damaged so far that nothing can be read.
    #[error(
        "the vault {} cannot be opened: {fault}; put both files back from a backup",
        path.display()
    )]
    Damaged {
        /// The file of the vault.
        path: PathBuf,
        /// What is wrong.
        fault: &'static str,
    },
    /// The file is damaged. It opens all the same: what is intact can be read, and nothing is stored.
    #[error(
        "the vault {} is damaged ({fault}): what is intact can be read, and nothing is stored; stop the program, then run: \
         sealpost vault check",
        path.display()
    )]
    DamagedInPart {
        /// The file of the vault.
        path: PathBuf,
        /// What is wrong.
        fault: &'static str,
    },
    /// The files of a vault were moved to begin again, and the new vault was not created.
    #[error(
        "{source}; the new vault was not created, and the files of the old one have other names now: {}",
        moves(moved)
    )]
    BegunInPart {
        /// The old and the new name of each.
        moved: Vec<(PathBuf, PathBuf)>,
        /// Why.
        source: Box<OpenVaultError>,
    },
    /// There are secrets, and the key that opens them is not there.
    #[error(
        "the key file {} is missing, and the vault beside it cannot be opened without it; put it \
         back from a backup",
        path.display()
    )]
    KeyMissing {
        /// The key file.
        path: PathBuf,
    },
    /// Others than the owner may read or change the key file.
    #[error(
        "others may read or change the key file {} (mode {mode:03o}); run: chmod 600 {}, and find \
         out whether someone has read it",
        path.display(), path.display()
    )]
    KeyExposed {
        /// The key file.
        path: PathBuf,
        /// Its permissions.
        mode: u32,
    },
    /// The key file is not a file of 32 bytes.
    #[error(
        "{} is not a key file: it must be a regular file of 32 bytes and has {len}; put the right one \
         back from a backup",
        path.display()
    )]
    KeyLength {
        /// The key file.
        path: PathBuf,
        /// Its length in bytes.
        len: u64,
    },
    /// The key file belongs to another vault.
    #[error(
        "the key file {} belongs to another vault; put the one back that was made with this vault",
        path.display()
    )]
    KeyMismatch {
        /// The key file.
        path: PathBuf,
    },
    /// Others may replace the files of the vault.
    #[error(
        "others may write to the directory {} (mode {mode:03o}) and replace the vault; run: chmod \
         700 {}",
        dir.display(), dir.display()
    )]
    DirectoryExposed {
        /// The directory of the vault.
        dir: PathBuf,
        /// Its permissions.
        mode: u32,
    },
    /// The file was written by something else, or by a later version.
    #[error(
        "{} is not a vault that this version can read, or its beginning is damaged; use the version that wrote it, or \
         put the file back from a backup",
        path.display()
    )]
    NotAVault {
        /// The file of the vault.
        path: PathBuf,
    },
    /// There is no space left on the disk.
    #[error("the disk of {} is full; free some space", dir.display())]
    Full {
        /// The directory of the vault.
        dir: PathBuf,
    },
    /// The operating system refused.
    #[error("cannot use {}: {source}; check that the path is right and its owner runs this", path.display())]
    Io {
        /// What was to be read or written.
        path: PathBuf,
        /// What the operating system said.
        source: Arc<io::Error>,
    },
    /// Key derivation or randomness failed.
    #[error("the cryptographic library failed; find out whether the system gives randomness")]
    Crypto,
    /// The store gave up.
    #[error("the vault file {} cannot be opened: {source}", path.display())]
    Store {
        /// The file of the vault.
        path: PathBuf,
        /// What the store said.
        source: Arc<dyn std::error::Error + Send + Sync>,
    },
}

impl OpenVaultError {
    pub(crate) fn io(path: &Path, error: io::Error) -> Self {
        if is_full(&error) {
            return Self::Full {
                dir: path.parent().unwrap_or(path).to_owned(),
            };
        }
        Self::Io {
            path: path.to_owned(),
            source: Arc::new(error),
        }
    }

    pub(crate) fn store(path: &Path, error: StoreError) -> Self {
        let dir = || path.parent().unwrap_or(path).to_owned();
        let error = match error {
            StoreError::Failed(error) => error,
            error @ (StoreError::Panicked
            | StoreError::Damaged
            | StoreError::NotSynced
            | StoreError::Replaced
            | StoreError::Closed) => {
                return Self::Store {
                    path: path.to_owned(),
                    source: Arc::new(error),
                };
            }
        };
        match error {
            redb::Error::DatabaseAlreadyOpen | redb::Error::LockProtocolMismatch => {
                Self::InUse { dir: dir() }
            }
            redb::Error::Io(error) if error.kind() == io::ErrorKind::InvalidData => {
                Self::NotAVault {
                    path: path.to_owned(),
                }
            }
            redb::Error::Io(error) => Self::io(path, error),
            redb::Error::UpgradeRequired(_)
            | redb::Error::TableDoesNotExist(_)
            | redb::Error::TableTypeMismatch { .. }
            | redb::Error::TypeDefinitionChanged { .. } => Self::NotAVault {
                path: path.to_owned(),
            },
            error => Self::Store {
                path: path.to_owned(),
                source: Arc::new(error),
            },
        }
    }
}

fn moves(moved: &[(PathBuf, PathBuf)]) -> String {
    let moves = moved
        .iter()
        .map(|(old, new)| format!("{} is kept as {}", old.display(), new.display()));
    moves.collect::<Vec<_>>().join(", ")
}
