//! What becomes of a database whose file something else shortens or overwrites while it is open.

#![allow(clippy::unwrap_used)] // a failed unwrap is a failed test

use std::fs::{File, OpenOptions};
use std::io;
use std::ops::Bound;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use redb::backends::FileBackend;
use redb::{BackendError, ReadableDatabase as _, StorageBackend, TableDefinition};
use sealpost_database::{Database, Error};

const TABLE: TableDefinition<'_, u32, u32> = TableDefinition::new("test");

fn file(path: &Path) -> File {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    options.open(path).unwrap()
}

fn put(database: &Database, key: u32) -> Result<(), Error> {
    database.with(|database| {
        let transaction = database.begin_write()?;
        transaction.open_table(TABLE)?.insert(key, key)?;
        Ok(transaction.commit()?)
    })
}

fn get(database: &Database, key: u32) -> Result<Option<u32>, Error> {
    database.with(|database| {
        let table = database.begin_read()?.open_table(TABLE)?;
        Ok(table.get(key)?.map(|value| value.value()))
    })
}

/// A file of which one write fails on demand.
#[derive(Debug)]
struct FailsOnce(FileBackend, Arc<AtomicBool>);

impl StorageBackend for FailsOnce {
    fn len(&self) -> io::Result<u64> {
        self.0.len()
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.0.read(offset, out)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.0.set_len(len)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.0.sync_data()
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        match self.1.swap(false, Ordering::SeqCst) {
            true => Err(io::ErrorKind::StorageFull.into()),
            false => self.0.write(offset, data),
        }
    }

    fn close(&self) -> io::Result<()> {
        self.0.close()
    }

    fn try_lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        self.0.try_lock_range(start, end)
    }

    fn unlock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.0.unlock_range(start, end)
    }
}

/// What something else makes of the file while it is open.
fn losses(length: usize) -> Vec<(&'static str, Vec<u8>)> {
    vec![
        ("empty", vec![]),
        ("a part of a page", vec![b'r'; 5]),
        ("one page of zeros", vec![0; 4096]),
        ("zeros of the same length", vec![0; length]),
        ("text of the same length", vec![b'y'; length]),
    ]
}

#[test]
fn a_file_that_became_empty_or_shorter_is_damaged_when_it_is_opened_again_and_no_new_database_is_laid_out()
 {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("d");
    for fails in [false, true] {
        for (name, bytes) in losses(2 << 20) {
            let _ = std::fs::remove_file(&path);
            let trigger = Arc::new(AtomicBool::new(false));
            let wrap = {
                let trigger = Arc::clone(&trigger);
                move |file| FailsOnce(file, Arc::clone(&trigger))
            };
            let database = Database::open("test", file(&path), 1 << 20, wrap).unwrap();
            put(&database, 1).unwrap();
            if fails {
                trigger.store(true, Ordering::SeqCst);
                let failed = put(&database, 2);
                assert!(matches!(failed, Err(Error::Failed(_))), "{failed:?}");
            }
            // The same file: as truncating it in place does.
            std::fs::write(&path, &bytes).unwrap();
            for _ in 0..3 {
                let refused = put(&database, 3);
                assert!(
                    matches!(refused, Err(Error::Damaged)),
                    "{name}, {fails}: {refused:?}"
                );
            }
            assert!(
                matches!(database.probe(1), Err(Error::Damaged)),
                "{name}, {fails}"
            );
            let closed = database.close();
            assert!(matches!(closed, Err(Error::Damaged)), "{closed:?}");
            assert!(
                std::fs::read(&path).unwrap() == bytes,
                "{name}, {fails}: the file was changed"
            );
        }
    }
}

#[test]
fn closing_writes_nothing_into_a_file_that_became_empty_or_shorter() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("d");
    for (name, bytes) in losses(2 << 20) {
        let _ = std::fs::remove_file(&path);
        let database = Database::open("test", file(&path), 1 << 20, |f| f).unwrap();
        put(&database, 1).unwrap();
        std::fs::write(&path, &bytes).unwrap();
        let closed = database.close();
        assert!(matches!(closed, Err(Error::Damaged)), "{closed:?}");
        assert!(
            std::fs::read(&path).unwrap() == bytes,
            "{name}: the file was changed"
        );
    }
}

/// redb shortens its file by itself when pages are free at its end.
#[test]
fn a_database_that_shrinks_by_itself_is_opened_again() {
    const BIG: TableDefinition<'_, u32, &[u8]> = TableDefinition::new("big");
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("d");
    let trigger = Arc::new(AtomicBool::new(false));
    let wrap = {
        let trigger = Arc::clone(&trigger);
        move |file| FailsOnce(file, Arc::clone(&trigger))
    };
    let database = Database::open("test", file(&path), 1 << 20, wrap).unwrap();
    let fill = |present: bool| {
        let filled = database.with(|database| {
            let transaction = database.begin_write()?;
            {
                let mut table = transaction.open_table(BIG)?;
                for key in 0..64 {
                    match present {
                        true => drop(table.insert(key, &[1; 1 << 17][..])?),
                        false => drop(table.remove(key)?),
                    }
                }
            }
            Ok(transaction.commit()?)
        });
        filled.unwrap();
        std::fs::metadata(&path).unwrap().len()
    };
    let longest = fill(true);
    fill(false);
    for key in 0..10 {
        put(&database, key).unwrap();
    }
    assert!(std::fs::metadata(&path).unwrap().len() < longest);
    trigger.store(true, Ordering::SeqCst);
    assert!(matches!(put(&database, 20), Err(Error::Failed(_))));
    put(&database, 20).unwrap();
    assert_eq!(database.openings(), 2);
    assert_eq!(get(&database, 9).unwrap(), Some(9));
}

#[test]
fn a_file_that_is_another_one_when_it_is_opened_again_is_damaged() {
    let folder = tempfile::tempdir().unwrap();
    let (path, other) = (folder.path().join("d"), folder.path().join("other"));
    let opened = Database::open("test", file(&other), 1 << 20, |f| f).unwrap();
    opened.close().unwrap();
    let trigger = Arc::new(AtomicBool::new(false));
    let wrap = {
        let trigger = Arc::clone(&trigger);
        move |file| FailsOnce(file, Arc::clone(&trigger))
    };
    let database = Database::open("test", file(&path), 1 << 20, wrap).unwrap();
    put(&database, 1).unwrap();
    database.require(|database| Ok(database.begin_read()?.open_table(TABLE).map(drop)?));
    trigger.store(true, Ordering::SeqCst);
    assert!(matches!(put(&database, 2), Err(Error::Failed(_))));
    let bytes = std::fs::read(&other).unwrap();
    std::fs::write(&path, &bytes).unwrap();
    let refused = put(&database, 3);
    assert!(matches!(refused, Err(Error::Damaged)), "{refused:?}");
    assert!(matches!(database.probe(1), Err(Error::Damaged)));
}

/// A look finds it without a change.
#[test]
fn a_file_that_was_emptied_or_overwritten_behind_the_process_is_found_by_a_look() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("d");
    let opened = Database::open("test", file(&path), 1 << 20, |f| f).unwrap();
    put(&opened, 1).unwrap();
    put(&opened, 2).unwrap();
    opened.close().unwrap();
    // Another database of the same length: only its header differs.
    let other = std::fs::read(&path).unwrap();
    let mut losses = losses(2 << 20);
    losses.push(("another database", other));
    for (name, bytes) in losses {
        let _ = std::fs::remove_file(&path);
        let database = Database::open("test", file(&path), 1 << 20, |f| f).unwrap();
        database.keep_in_place(&path).unwrap();
        for key in 0..20 {
            put(&database, key).unwrap();
            database.look().unwrap();
        }
        std::fs::write(&path, &bytes).unwrap();
        let looked = database.look();
        assert!(matches!(looked, Err(Error::Damaged)), "{name}: {looked:?}");
        let refused = put(&database, 3);
        assert!(
            matches!(refused, Err(Error::Damaged)),
            "{name}: {refused:?}"
        );
        let _ = database.close();
        assert!(std::fs::read(&path).unwrap() == bytes, "{name}");
    }
}

#[test]
fn a_file_that_was_deleted_or_replaced_behind_the_process_is_found_by_a_look_and_by_a_change() {
    let folder = tempfile::tempdir().unwrap();
    let (path, moved) = (folder.path().join("d"), folder.path().join("moved"));
    let copy = |path: &Path| {
        let copy = path.with_extension("copy");
        std::fs::copy(path, &copy).unwrap();
        std::fs::rename(copy, path).unwrap();
    };
    type Loss<'a> = (&'static str, &'a dyn Fn());
    let losses: [Loss<'_>; 4] = [
        ("deleted", &|| std::fs::remove_file(&path).unwrap()),
        ("moved", &|| std::fs::rename(&path, &moved).unwrap()),
        ("a copy in its place", &|| copy(&path)),
        ("a link in its place", &|| {
            std::fs::remove_file(&path).unwrap();
            std::os::unix::fs::symlink("nowhere", &path).unwrap();
        }),
    ];
    for looks in [false, true] {
        for (name, lose) in losses {
            let _ = std::fs::remove_file(&path);
            let database = Database::open("test", file(&path), 1 << 20, |f| f).unwrap();
            database.keep_in_place(&path).unwrap();
            put(&database, 1).unwrap();
            lose();
            if looks {
                let looked = database.look();
                assert!(matches!(looked, Err(Error::Replaced)), "{name}: {looked:?}");
            }
            let refused = put(&database, 2);
            assert!(
                matches!(refused, Err(Error::Replaced)),
                "{name}: {refused:?}"
            );
            let read = database.read(|database| {
                let table = database.begin_read()?.open_table(TABLE)?;
                Ok((table.get(1)?.is_some(), table.get(2)?.is_some()))
            });
            assert_eq!(
                read.unwrap(),
                (true, false),
                "{name}: what is there is read"
            );
            assert!(matches!(database.close(), Err(Error::Replaced)), "{name}");
        }
    }
}

/// Between the check before a change and the end of its fsync.
#[test]
fn a_file_that_is_deleted_while_a_change_is_written_is_not_acknowledged() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("d");
    let database = Database::open("test", file(&path), 1 << 20, |f| f).unwrap();
    database.keep_in_place(&path).unwrap();
    let written = database.with(|database| {
        let transaction = database.begin_write()?;
        transaction.open_table(TABLE)?.insert(1, 1)?;
        std::fs::remove_file(&path)?;
        Ok(transaction.commit()?)
    });
    assert!(matches!(written, Err(Error::Replaced)), "{written:?}");
}
