//! Looking names up: through the database, and without it once the file is found damaged.

use std::fs::File;
use std::sync::{Arc, OnceLock};

use crate::files::Files;
use crate::key_file::KeyFile;
use crate::keys::{FileKey, VaultKeys};
use crate::rescue::{Found, Rescue};
use crate::store::{Change, SLOW, Store, StoreError};
use crate::survey::Remains;

/// What is stored in a vault that is open.
#[derive(Debug)]
pub(crate) struct Contents {
    keys: VaultKeys,
    file_key: FileKey,
    key_file: KeyFile,
    /// `None` of a file that was found damaged when it was opened.
    store: Option<Arc<Store>>,
    /// What can be read of a file that is damaged.
    rescue: OnceLock<Option<Rescue>>,
    /// Holds the lock.
    file: File,
}

impl Contents {
    pub(crate) fn whole(
        files: &Files,
        file: File,
        store: Arc<Store>,
        keys: VaultKeys,
        file_key: FileKey,
    ) -> Self {
        Self {
            keys,
            file_key,
            key_file: KeyFile::new(files.clone()),
            store: Some(store),
            rescue: OnceLock::new(),
            file,
        }
    }

    pub(crate) fn damaged(
        files: &Files,
        file: File,
        remains: Remains,
        keys: VaultKeys,
        file_key: FileKey,
    ) -> Self {
        Self {
            keys,
            file_key,
            key_file: KeyFile::new(files.clone()),
            store: None,
            rescue: OnceLock::from(Some(Rescue::new(remains))),
            file,
        }
    }

    pub(crate) const fn keys(&self) -> &VaultKeys {
        &self.keys
    }

    /// Returns whether the file is damaged.
    pub(crate) fn is_damaged(&self) -> bool {
        self.store.as_ref().is_none_or(|store| store.is_damaged())
    }

    /// Makes changes durable together.
    pub(crate) fn write(&self, changes: &[Change]) -> Result<(), StoreError> {
        let store = self.store.as_ref().ok_or(StoreError::Damaged)?;
        store.apply(changes, &mut Vec::new())
    }

    /// Tries whether a small change can be written. A larger one would make the file longer at each start.
    pub(crate) fn probe(&self) -> Result<(), StoreError> {
        let store = self.store.as_ref().ok_or(StoreError::Damaged)?;
        store.probe(1)
    }

    /// Returns why nothing can be stored now although the file is whole, and what to do.
    pub(crate) fn hindrance(&self) -> Option<String> {
        let is_slow = self.store.as_ref().is_some_and(|store| store.is_slow());
        let slow = is_slow.then(|| SLOW.to_owned());
        self.key_fault().or(slow)
    }

    /// Returns why what is stored could not be opened after the next start.
    pub(crate) fn key_fault(&self) -> Option<String> {
        self.key_file.fault()
    }

    /// Looks whether the files are still what was written to them.
    pub(crate) fn look(&self) -> Result<(), StoreError> {
        self.key_file.look(&self.file_key);
        self.store.as_ref().map_or(Ok(()), |store| store.look())
    }

    /// Looks a name up. Blocks while it reads the disk.
    pub(crate) fn find(&self, name: &str) -> Result<Found, StoreError> {
        if let Some(store) = &self.store {
            match store.get(name) {
                Ok(None) => return Ok(Found::Nothing),
                // Of a damaged page the record may be there all the same.
                Ok(Some(record)) => {
                    if let Ok(value) = self.keys.open(name, &record) {
                        return Ok(Found::Value(value));
                    }
                    store.found_damaged();
                    return Ok(Found::Damaged);
                }
                Err(StoreError::Damaged) => {}
                Err(error) => return Err(error),
            }
        }
        let read = || Rescue::read(&self.file, &self.file_key).ok().flatten();
        let rescued = match self.rescue.get_or_init(read) {
            Some(rescue) => rescue.find(&self.file, &self.keys, name),
            None => Found::Damaged,
        };
        // The list in memory is of the time when the file was whole.
        match (rescued, &self.store) {
            (Found::Damaged, Some(store)) if !store.is_listed(name) => Ok(Found::Nothing),
            (rescued, _) => Ok(rescued),
        }
    }

    /// Closes the file and gives its lock back. Fails if something may not have reached the disk.
    pub(crate) fn close(&self) -> Result<(), StoreError> {
        let closed = self.store.as_ref().map_or(Ok(()), |store| store.close());
        // It goes with the last handle otherwise.
        let _ = self.file.unlock();
        closed
    }
}
