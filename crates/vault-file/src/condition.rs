//! In which condition the files of a vault are: whether it is opened, created or refused.
//!
//! | key | database | what a start does |
//! |---|---|---|
//! | none | none, empty, or begun | creates a vault |
//! | none | holds something | refuses: the key is missing |
//! | there | none, empty, or begun without redb's signature | refuses: the database is missing |
//! | there | has redb's signature, and nothing was ever stored | finishes the vault that is being created |
//! | there | holds something | opens it, if both belong together |
//!
//! Where a ledger remembers the vault, nothing is created.
//!
//! A crash in the middle of the first creation can't be confused with a loss: the database and redb's signature are on the
//! disk before the key gets its name, and the first commit, which has no record, before anything else. So a key without a
//! signature is never what creating leaves; and a file in which one of its two commits has no tables never had a record, since
//! the first record is in the second commit with tables.

use std::fs::{File, TryLockError};

use sealpost_database::drop_cached_pages;
use sealpost_vault::configuration::Opening;

use crate::error::OpenVaultError;
use crate::files::Files;
use crate::image::Content;
use crate::keys::FileKey;
use crate::survey::{Remains, Survey, Whole};
use crate::trial;

/// What is in a folder, if it is not refused.
#[derive(Debug)]
pub(crate) enum Found {
    /// A vault can be created, with the key that is there.
    Nothing(Option<FileKey>),
    Whole(Box<Whole>, FileKey),
    Damaged(Box<Remains>, FileKey),
}

impl Found {
    /// Looks at the database file, which is locked, and the key. Changes nothing.
    pub(crate) fn look(
        files: &Files,
        file: &File,
        opening: Opening,
    ) -> Result<Self, OpenVaultError> {
        let path = || files.database.clone();
        let content =
            Content::read(file).map_err(|error| OpenVaultError::io(&files.database, error))?;
        let key = match &content {
            Content::Foreign => return Err(OpenVaultError::NotAVault { path: path() }),
            _ => files.read_key()?,
        };
        let may_create = opening == Opening::CreateIfNew;
        let image = match (content, &key) {
            (Content::Database(image), _) => image,
            (Content::Empty | Content::Unfinished, None) | (Content::Fresh, _) if may_create => {
                return Ok(Self::Nothing(key));
            }
            _ => return Err(OpenVaultError::DatabaseEmpty { path: path() }),
        };
        let Some(key) = key else {
            if Survey::is_foreign(&image) {
                return Err(OpenVaultError::NotAVault { path: path() });
            }
            return Err(OpenVaultError::KeyMissing {
                path: files.key.clone(),
            });
        };
        match Survey::make(&image, &key).map_err(|_| OpenVaultError::Crypto)? {
            Survey::Whole(whole) => {
                let refused = trial::is_refused(file);
                match refused.map_err(|error| OpenVaultError::io(&files.database, error))? {
                    false => Ok(Self::Whole(whole, key)),
                    true => Ok(Self::Damaged(Box::new(whole.remains(&image)), key)),
                }
            }
            Survey::Damaged(remains) => Ok(Self::Damaged(remains, key)),
            Survey::Foreign => Err(OpenVaultError::NotAVault { path: path() }),
            Survey::OtherKey => Err(OpenVaultError::KeyMismatch {
                path: files.key.clone(),
            }),
        }
    }

    /// Looks at a folder as a start would, changes nothing, and keeps no start from its lock. Returns `None` if a start would
    /// create a vault.
    pub(crate) fn look_only(
        files: &Files,
        opening: Opening,
    ) -> Result<Option<Self>, OpenVaultError> {
        let looked = files
            .prepare_directory(false)
            .and_then(|()| files.open_database())
            .and_then(|file| {
                let look = || {
                    // After a failed fsync the kernel's cache may hold what is not on the disk.
                    drop_cached_pages("vault", &file);
                    Self::look(files, &file, opening)
                };
                let is_fine =
                    |seen: &Result<Self, _>| matches!(seen, Ok(Self::Nothing(_) | Self::Whole(..)));
                match sealpost_files::look_unlocked(&file, look, is_fine) {
                    Ok(Some(seen)) => seen,
                    Ok(None) => Err(files.not_locked(TryLockError::WouldBlock)),
                    Err(error) => Err(OpenVaultError::io(&files.database, error)),
                }
            });
        match looked {
            Err(OpenVaultError::Missing { .. }) if opening == Opening::CreateIfNew => {}
            Ok(Self::Nothing(_)) => {}
            looked => return looked.map(Some),
        }
        files.check_creatable().map(|()| None)
    }
}
