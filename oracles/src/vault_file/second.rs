//! redb, which reads the same file.

use std::io;
use std::ops::Bound;
use std::panic::{self, AssertUnwindSafe};

use parking_lot::Mutex;
use redb::{
    BackendError, ReadableDatabase as _, ReadableTable as _, StorageBackend, TableDefinition,
};

/// Opens a copy of a file, and returns its names and records.
pub(super) fn records(bytes: &[u8]) -> Result<Vec<(String, Vec<u8>)>, redb::Error> {
    let copy = Copy(Mutex::new(bytes.to_vec()));
    let database = redb::Database::builder()
        .set_cache_size(1 << 20)
        .create_with_backend(copy)?;
    let table = database.begin_read()?.open_table(RECORDS)?;
    let mut records = Vec::new();
    for entry in table.iter()? {
        let (name, record) = entry?;
        records.push((name.value().to_owned(), record.value().to_vec()));
    }
    Ok(records)
}

/// Returns `None` if it panics, and says nothing of it: under a fuzzer a panic that is printed ends the process.
pub(super) fn contained<T>(operation: impl FnOnce() -> T) -> Option<T> {
    static HOOK: Mutex<()> = Mutex::new(());
    let _alone = HOOK.lock();
    let hook = panic::take_hook();
    panic::set_hook(Box::new(|_| {}));
    let result = panic::catch_unwind(AssertUnwindSafe(operation));
    panic::set_hook(hook);
    result.ok()
}

#[derive(Debug)]
struct Copy(Mutex<Vec<u8>>);

impl StorageBackend for Copy {
    fn len(&self) -> io::Result<u64> {
        Ok(self.0.lock().len() as u64)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let bytes = self.0.lock();
        let there = start(offset).and_then(|at| bytes.get(at..)?.get(..out.len()));
        out.copy_from_slice(there.ok_or(io::ErrorKind::UnexpectedEof)?);
        Ok(())
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        // A changed header may ask for any length.
        let len = start(len).filter(|len| *len <= MOST);
        self.0
            .lock()
            .resize(len.ok_or(io::ErrorKind::StorageFull)?, 0);
        Ok(())
    }

    fn sync_data(&self) -> io::Result<()> {
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        let mut bytes = self.0.lock();
        let there = start(offset).and_then(|at| bytes.get_mut(at..)?.get_mut(..data.len()));
        let there = there.ok_or(io::ErrorKind::UnexpectedEof)?;
        there.copy_from_slice(data);
        Ok(())
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

fn start(at: u64) -> Option<usize> {
    usize::try_from(at).ok()
}

const MOST: usize = 64 << 20;

const RECORDS: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("records");
