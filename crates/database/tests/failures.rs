//! What becomes of a database when it panics, and of one that was not closed.

#![allow(clippy::unwrap_used)] // a failed unwrap is a failed test

use std::fs::{File, OpenOptions};
use std::io;
use std::ops::Bound;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::sleep;
use std::time::Duration;

use redb::backends::FileBackend;
use redb::{BackendError, ReadableDatabase as _, StorageBackend, TableDefinition};
use sealpost_database::{Database, Error, verify};

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

#[test]
fn a_panic_is_contained_and_the_file_is_opened_again() {
    let folder = tempfile::tempdir().unwrap();
    let database = Database::open("test", file(&folder.path().join("d")), 1 << 20, |f| f).unwrap();
    put(&database, 1).unwrap();
    let panicked = database.with(|database| {
        let transaction = database.begin_write()?;
        transaction.open_table(TABLE)?.insert(2, 2)?;
        if true {
            panic!("as redb does on some damage");
        }
        Ok(transaction.commit()?)
    });
    assert!(matches!(panicked, Err(Error::Panicked)), "{panicked:?}");
    assert_eq!(get(&database, 1).unwrap(), Some(1));
    assert_eq!(get(&database, 2).unwrap(), None);
    put(&database, 2).unwrap();
    assert_eq!(get(&database, 2).unwrap(), Some(2));
}

#[test]
fn nothing_is_left_of_a_probe() {
    let folder = tempfile::tempdir().unwrap();
    let database = Database::open("test", file(&folder.path().join("d")), 1 << 20, |f| f).unwrap();
    for bytes in [0, 1, 4096, 1 << 20] {
        database.probe(bytes).unwrap();
    }
    let tables = database.with(|database| Ok(database.begin_read()?.list_tables()?.count()));
    assert_eq!(tables.unwrap(), 0);
}

/// A file whose fsync fails on demand.
#[derive(Debug)]
struct Unsynced(FileBackend, Arc<AtomicBool>);

impl StorageBackend for Unsynced {
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
        match self.1.load(Ordering::SeqCst) {
            true => Err(io::Error::other("as the disk says")),
            false => self.0.sync_data(),
        }
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.0.write(offset, data)
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

/// The byte of redb's header that has the mark, and the mark: what the check after a failed fsync relies on.
fn is_marked(path: &Path) -> bool {
    std::fs::read(path).unwrap()[9] & 0b10 != 0
}

#[test]
fn after_a_failed_fsync_nothing_is_done_and_the_file_stays_marked_for_a_check() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("d");
    let fails = Arc::new(AtomicBool::new(false));
    let open = || {
        let fails = Arc::clone(&fails);
        let wrap = move |file| Unsynced(file, Arc::clone(&fails));
        Database::open("test", file(&path), 1 << 20, wrap).unwrap()
    };
    let database = open();
    put(&database, 1).unwrap();
    fails.store(true, Ordering::SeqCst);
    assert!(matches!(put(&database, 2), Err(Error::NotSynced)));
    fails.store(false, Ordering::SeqCst);
    assert!(matches!(put(&database, 3), Err(Error::NotSynced)));
    assert!(matches!(get(&database, 1), Err(Error::NotSynced)));
    assert!(matches!(database.probe(1), Err(Error::NotSynced)));
    assert!(matches!(database.close(), Err(Error::NotSynced)));
    assert!(is_marked(&path), "closing must not clear the mark");

    let database = open();
    assert_eq!(get(&database, 1).unwrap(), Some(1));
    put(&database, 3).unwrap();
    database.close().unwrap();
    assert!(!is_marked(&path), "after an orderly end no check is needed");
    assert!(matches!(get(&database, 1), Err(Error::Closed)));
}

#[test]
fn an_fsync_that_fails_at_the_close_is_an_error_and_the_file_stays_marked_for_a_check() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("d");
    let fails = Arc::new(AtomicBool::new(false));
    let open = || {
        let fails = Arc::clone(&fails);
        let wrap = move |file| Unsynced(file, Arc::clone(&fails));
        Database::open("test", file(&path), 1 << 20, wrap).unwrap()
    };
    let database = open();
    put(&database, 1).unwrap();
    fails.store(true, Ordering::SeqCst);
    assert!(matches!(database.close(), Err(Error::NotSynced)));
    assert!(matches!(database.close(), Err(Error::NotSynced)));
    assert!(is_marked(&path));
    fails.store(false, Ordering::SeqCst);
    drop(database);
    let database = open();
    assert_eq!(get(&database, 1).unwrap(), Some(1));
    database.close().unwrap();
}

/// A file whose fsync takes as long as it is told to, in milliseconds.
#[derive(Debug)]
struct Slow(FileBackend, Arc<AtomicU64>);

impl StorageBackend for Slow {
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
        sleep(Duration::from_millis(self.1.load(Ordering::SeqCst)));
        self.0.sync_data()
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.0.write(offset, data)
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

#[test]
fn a_disk_that_stalls_is_noticed_while_it_does_and_until_a_change_is_quick() {
    let folder = tempfile::tempdir().unwrap();
    let pause = Arc::new(AtomicU64::new(0));
    let wrap = {
        let pause = Arc::clone(&pause);
        move |file| Slow(file, Arc::clone(&pause))
    };
    let database = Database::open("test", file(&folder.path().join("d")), 1 << 20, wrap).unwrap();
    put(&database, 1).unwrap();
    assert!(!database.is_slow());
    pause.store(3500, Ordering::SeqCst);
    std::thread::scope(|scope| {
        let change = scope.spawn(|| put(&database, 2));
        sleep(Duration::from_millis(500));
        pause.store(0, Ordering::SeqCst);
        assert!(!database.is_slow(), "no disk answers at once");
        sleep(Duration::from_millis(2000));
        assert!(database.is_slow() && !change.is_finished());
        change.join().unwrap().unwrap();
    });
    // The next one may take as long.
    assert!(database.is_slow());
    assert_eq!(get(&database, 2).unwrap(), Some(2));
    assert!(database.is_slow(), "a reading says nothing of an fsync");
    database.look().unwrap();
    assert!(!database.is_slow());
}

#[test]
fn a_check_of_all_finds_every_page_that_is_not_what_was_written() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("d");
    let database = Database::open("test", file(&path), 1 << 20, |f| f).unwrap();
    for key in 0..100 {
        put(&database, key).unwrap();
    }
    database.close().unwrap();
    drop(database);
    let whole = std::fs::read(&path).unwrap();
    verify("test", file(&path), 1 << 20).unwrap();
    // The leaf with the keys 98 and 99, four bytes each, one after the other, then their values.
    let last = [98_u32.to_le_bytes(), 99_u32.to_le_bytes()].concat();
    let pages = (0..whole.len() / 4096).filter(|page| {
        let page = &whole[page * 4096..(page + 1) * 4096];
        page.windows(8).any(|window| window == last)
    });
    let mut found = 0;
    for page in pages {
        let at = page * 4096
            + whole[page * 4096..]
                .windows(8)
                .position(|w| w == last)
                .unwrap();
        let mut damaged = whole.clone();
        damaged[at] ^= 1;
        std::fs::write(&path, &damaged).unwrap();
        found += usize::from(verify("test", file(&path), 1 << 20).is_err());
        assert!(
            std::fs::read(&path).unwrap() == damaged,
            "it changes nothing"
        );
    }
    assert_eq!(found, 1, "the page that is in use");
}
