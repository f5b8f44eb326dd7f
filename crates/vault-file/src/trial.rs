//! Whether redb takes a file, tried without changing it.
//!
//! redb looks at more than the checksums of its pages: at its header, which has none, and at its list of free pages. A file that only
//! redb finds damaged must not fail the start either.

use std::fs::File;
use std::io;
use std::ops::Bound;

use redb::{BackendError, StorageBackend};
use sealpost_database::{Database, Untouched};

use crate::source::Source;
use crate::store::StoreError;

/// Returns whether redb finds the file damaged. What else keeps it from being opened is left to the opening.
pub(crate) fn is_refused(file: &File) -> io::Result<bool> {
    let opened = Database::open("vault", file.try_clone()?, CACHE, {
        let file = file.try_clone()?;
        move |_| Untouched::new(Quiet(file.try_clone()))
    });
    Ok(match opened {
        Ok(_) | Err(StoreError::NotSynced | StoreError::Replaced | StoreError::Closed) => false,
        Err(StoreError::Failed(redb::Error::Io(error))) => {
            error.kind() == io::ErrorKind::InvalidData
        }
        Err(StoreError::Failed(_) | StoreError::Panicked | StoreError::Damaged) => true,
    })
}

/// A file that is read. Its lock is left alone: it is the vault's.
#[derive(Debug)]
struct Quiet(io::Result<File>);

impl Quiet {
    fn file(&self) -> io::Result<&File> {
        let failed = |error: &io::Error| error.kind().into();
        self.0.as_ref().map_err(failed)
    }
}

impl StorageBackend for Quiet {
    fn len(&self) -> io::Result<u64> {
        self.file()?.length()
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        // Not the method of the same name that a file has.
        Source::read(self.file()?, out, offset)
    }

    fn set_len(&self, _: u64) -> io::Result<()> {
        Err(io::ErrorKind::ReadOnlyFilesystem.into())
    }

    fn sync_data(&self) -> io::Result<()> {
        Ok(())
    }

    fn write(&self, _: u64, _: &[u8]) -> io::Result<()> {
        Err(io::ErrorKind::ReadOnlyFilesystem.into())
    }

    fn close(&self) -> io::Result<()> {
        Ok(())
    }

    fn try_lock_range(&self, _: Bound<u64>, _: Bound<u64>) -> Result<bool, BackendError> {
        Ok(true)
    }

    fn unlock_range(&self, _: Bound<u64>, _: Bound<u64>) -> Result<(), BackendError> {
        Ok(())
    }
}

/// A file is opened once, and little of it is read.
const CACHE: usize = 1 << 20;
