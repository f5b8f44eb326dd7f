//! Bit rot: every bit of a vault, closed and not closed, one at a time, in memory.
//!
//! The reader and redb are functions of the bytes that they read. So what changes nothing if it is not read is not flipped: of a
//! file of 80 KB that leaves 48: the header and the pages that something leads to.
//!
//! That is 393,216 bits of each, in 3 minutes of a processor for both: `cargo --config 'profile.dev.package.twox-hash.opt-level=3' --config
//! 'profile.dev.package.sealpost-vault-file.opt-level=3' test -p sealpost-vault-file --test vault every_bit -- --ignored --nocapture`.

use std::cell::RefCell;
use std::io;
use std::ops::Bound;
use std::panic::catch_unwind;
use std::sync::Arc;

use parking_lot::Mutex;
use redb::{
    BackendError, ReadableDatabase as _, ReadableTable as _, StorageBackend, TableDefinition,
};
use sealpost_vault_file::reading::{Answer, Reading, Source};

use crate::rot::Subject;

/// What became of a file with one bit flipped.
#[derive(Debug, Default, Eq, PartialEq)]
struct Outcome {
    /// It is no vault any more: the start refuses it.
    refused: usize,
    /// It is noticed, and some secrets can't be read.
    partial: usize,
    /// It is noticed, and every secret can be read.
    complete: usize,
    /// It makes no difference, and redb finds every secret.
    whole: usize,
    /// The vault's reader finds it whole and redb does not; the start tries that, and opens it for reading.
    only_redb: usize,
}

#[tokio::test]
#[ignore = "takes minutes: run it after a change of what is read at the start"]
async fn every_bit_of_both() {
    for closed in [true, false] {
        let subject = Subject::make(closed).await;
        let read = Read::of(&subject);
        let mut outcome = Outcome::default();
        let mut flipped = subject.database.clone();
        let used = read.bytes.iter().filter(|read| **read).count();
        println!(
            "closed: {closed}, {used} of {} bytes are read",
            flipped.len()
        );
        for at in 0..flipped.len() {
            if read.bytes[at] {
                for bit in 0..8 {
                    flipped[at] ^= 1 << bit;
                    examine(&subject, &flipped, at * 8 + bit, &mut outcome);
                    flipped[at] ^= 1 << bit;
                }
            }
        }
        println!("{outcome:?}");
        assert!(
            outcome.partial > 1_000 && outcome.complete > 1_000,
            "{outcome:?}"
        );
    }
}

fn examine(subject: &Subject, bytes: &[u8], bit: usize, outcome: &mut Outcome) {
    let file = Memory {
        bytes,
        read: RefCell::default(),
    };
    let reading = Reading::of(&file, subject.key.as_slice().try_into().unwrap()).unwrap();
    let records = match reading {
        Reading::Vault(records) => records,
        Reading::Refused | Reading::Lost => {
            outcome.refused += 1;
            return;
        }
        Reading::Nothing => panic!("bit {bit}: the file looks new"),
    };
    let mut read = 0;
    for (name, value) in &subject.stored {
        match records.find(&file, name) {
            Answer::Value(found) => {
                assert_eq!(found[..], value[..], "bit {bit}: {name} is another");
                read += 1;
            }
            Answer::Nothing => panic!("bit {bit}: {name} is lost silently"),
            Answer::Damaged => {}
        }
    }
    let deleted = records.find(&file, "name-03");
    assert!(
        !matches!(deleted, Answer::Value(_)),
        "bit {bit}: a deleted secret is back"
    );
    let counter = match (records.are_whole(), read == subject.stored.len()) {
        (false, false) => &mut outcome.partial,
        (false, true) => &mut outcome.complete,
        (true, false) => panic!("bit {bit}: a whole file lacks a secret"),
        (true, true) => match catch_unwind(|| count(Copy::new(bytes, false))) {
            Ok(Ok(count)) => {
                assert_eq!(count, subject.stored.len(), "bit {bit}: redb finds others");
                &mut outcome.whole
            }
            Ok(Err(_)) | Err(_) => &mut outcome.only_redb,
        },
    };
    *counter += 1;
}

/// Which bytes of a file were read.
struct Read {
    bytes: Vec<bool>,
}

impl Read {
    /// Of a sound file, by the vault's reader or by redb.
    fn of(subject: &Subject) -> Self {
        let file = Memory {
            bytes: &subject.database,
            read: RefCell::new(vec![false; subject.database.len()]),
        };
        let key = subject.key.as_slice().try_into().unwrap();
        let Reading::Vault(records) = Reading::of(&file, key).unwrap() else {
            panic!("a sound file is refused");
        };
        for name in subject.stored.keys() {
            assert!(matches!(records.find(&file, name), Answer::Value(_)));
        }
        let copy = Copy::new(&subject.database, true);
        let by_redb = Arc::clone(&copy.read);
        assert_eq!(count(copy).unwrap(), subject.stored.len());
        let (by_reader, by_redb) = (file.read.into_inner(), by_redb.lock());
        let both = by_reader.iter().zip(by_redb.iter());
        Self {
            bytes: both.map(|(reader, redb)| *reader || *redb).collect(),
        }
    }
}

/// What the vault's reader reads.
#[derive(Debug)]
struct Memory<'b> {
    bytes: &'b [u8],
    read: RefCell<Vec<bool>>,
}

impl Source for Memory<'_> {
    fn length(&self) -> io::Result<u64> {
        Ok(self.bytes.len() as u64)
    }

    fn read(&self, bytes: &mut [u8], at: u64) -> io::Result<()> {
        copy(self.bytes, bytes, at, &mut self.read.borrow_mut())
    }
}

/// What redb reads, and may write.
#[derive(Debug)]
struct Copy {
    bytes: Mutex<Vec<u8>>,
    read: Arc<Mutex<Vec<bool>>>,
}

impl Copy {
    fn new(bytes: &[u8], follow: bool) -> Self {
        Self {
            bytes: Mutex::new(bytes.to_vec()),
            read: Arc::new(Mutex::new(vec![
                false;
                if follow { bytes.len() } else { 0 }
            ])),
        }
    }
}

/// Opens a file with redb, and counts the names of secrets that it leads to.
fn count(file: Copy) -> Result<usize, redb::Error> {
    const RECORDS: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("records");
    let database = redb::Database::builder()
        .set_cache_size(1 << 20)
        .create_with_backend(file)?;
    let table = database.begin_read()?.open_table(RECORDS)?;
    let mut names = 0;
    for entry in table.iter()? {
        let (name, _) = entry?;
        names += usize::from(name.value().starts_with("name-"));
    }
    Ok(names)
}

fn copy(from: &[u8], bytes: &mut [u8], at: u64, read: &mut [bool]) -> io::Result<()> {
    let at = usize::try_from(at).unwrap();
    let there = from.get(at..).and_then(|rest| rest.get(..bytes.len()));
    bytes.copy_from_slice(there.ok_or(io::ErrorKind::UnexpectedEof)?);
    read.iter_mut()
        .skip(at)
        .take(bytes.len())
        .for_each(|read| *read = true);
    Ok(())
}

impl StorageBackend for Copy {
    fn len(&self) -> io::Result<u64> {
        Ok(self.bytes.lock().len() as u64)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        copy(&self.bytes.lock(), out, offset, &mut self.read.lock())
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        if len > 64 << 20 {
            return Err(io::ErrorKind::StorageFull.into());
        }
        self.bytes.lock().resize(usize::try_from(len).unwrap(), 0);
        Ok(())
    }

    fn sync_data(&self) -> io::Result<()> {
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        let at = usize::try_from(offset).unwrap();
        let mut bytes = self.bytes.lock();
        let there = bytes
            .get_mut(at..)
            .and_then(|rest| rest.get_mut(..data.len()));
        there
            .ok_or(io::ErrorKind::UnexpectedEof)?
            .copy_from_slice(data);
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
