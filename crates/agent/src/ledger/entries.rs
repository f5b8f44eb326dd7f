//! The tables of a ledger's file, and what its writer does with the changes of many callers.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use redb::{
    ReadableDatabase as _, ReadableTable as _, ReadableTableMetadata as _, StorageBackend,
    TableDefinition, TableError, TableHandle as _, backends::FileBackend,
};
use sealpost_database::{Database, Error};
use sealpost_envelope::UnixTime;
use sealpost_group_commit::{Commit, Failure};
use sealpost_vault::VaultId;

use super::{Change, LedgerError, record::Record, seen::Seen};
use crate::digests::Digest;

/// Changes that are made together, and the time, by which entries have expired.
#[derive(Debug)]
pub(super) struct Changes {
    pub(super) changes: Vec<Change>,
    pub(super) now: UnixTime,
}

/// The entries, as the writer's thread and those who look for one see them.
#[derive(Clone, Debug)]
pub(super) struct Entries {
    database: Arc<Database>,
    count: Arc<AtomicUsize>,
    seen: Arc<Seen>,
}

/// What is known of a request.
#[derive(Debug)]
pub(super) enum Found {
    Nothing,
    Record(Record),
    /// There is an entry, and it is not what was written.
    Damaged,
}

impl Entries {
    /// Takes a file that was read to its end: every entry must be what was written.
    pub(super) fn new(database: Arc<Database>) -> Result<Self, Error> {
        let (opening, seen) = (database.openings(), Seen::default());
        let digests = database.with(|database| digests(database, true))?;
        seen.begin(opening, &digests);
        Ok(Self {
            database,
            count: Arc::new(AtomicUsize::new(digests.len())),
            seen: Arc::new(seen),
        })
    }

    pub(super) fn len(&self) -> usize {
        self.count.load(Ordering::Acquire)
    }

    pub(super) const fn database(&self) -> &Arc<Database> {
        &self.database
    }

    /// Looks for an entry. One that is damaged ends all changes: what is written beside it could spread the damage.
    pub(super) fn find(&self, digest: &Digest) -> Result<Found, Error> {
        let found = self.look(digest)?;
        let found = match found {
            Found::Nothing if self.is_listed(digest) => {
                // It may have expired, and be removed at this moment.
                let _held = self.seen.hold();
                match self.look(digest)? {
                    Found::Nothing if self.is_listed(digest) => Found::Damaged,
                    found => found,
                }
            }
            found => found,
        };
        if matches!(found, Found::Damaged) {
            self.database.freeze();
        }
        Ok(found)
    }

    fn is_listed(&self, digest: &Digest) -> bool {
        self.seen.contains(digest, self.database.openings())
    }

    fn look(&self, digest: &Digest) -> Result<Found, Error> {
        self.database.read(|database| {
            let table = database.begin_read()?.open_table(ENTRIES)?;
            Ok(match table.get(digest)? {
                None => Found::Nothing,
                Some(record) => match Record::parse(digest, record.value()) {
                    Some(record) => Found::Record(record),
                    None => Found::Damaged,
                },
            })
        })
    }
}

impl Commit for Entries {
    type Change = Changes;
    type Answer = ();
    type Error = LedgerError;

    fn commit(
        &mut self,
        changes: &[Changes],
        answers: &mut Vec<()>,
    ) -> Result<(), Failure<LedgerError>> {
        let _held = self.seen.hold();
        let applied = self.database.with(|database| {
            let opening = self.database.openings();
            if !self.seen.is_of(opening) {
                self.seen.begin(opening, &digests(database, false)?);
            }
            apply(database, changes)
        });
        let applied = applied.map_err(|error| failure(judged(&self.database, error)));
        let (count, changed) = applied?;
        self.seen.change(&changed);
        self.count.store(count, Ordering::Release);
        answers.resize(changes.len(), ());
        Ok(())
    }

    fn recover(&mut self) -> Result<(), Failure<LedgerError>> {
        self.database.probe(LEAST_SPACE).map_err(failure)
    }
}

/// What was found not to be what was written, is damaged: nothing is written beside it.
fn judged(database: &Database, error: Error) -> Error {
    match error {
        Error::Failed(redb::Error::Corrupted(_)) => {
            database.freeze();
            Error::Damaged
        }
        error => error,
    }
}

fn failure(error: Error) -> Failure<LedgerError> {
    match error {
        // A damaged or lost ledger ends nothing else: what needs it is refused until an operator has looked, and what is stored is given out.
        Error::Damaged | Error::Replaced => Failure::Passing(failed(error)),
        error if error.is_final() => Failure::Final(failed(error)),
        error => Failure::Passing(failed(error)),
    }
}

/// Opens the database in a file that is locked, and looks whether it is that of a ledger. `wrap` goes around the file.
pub(super) fn database<B: StorageBackend>(
    file: std::fs::File,
    wrap: impl Fn(FileBackend) -> B + Send + Sync + 'static,
) -> Result<Database, Error> {
    let database = Database::open("ledger", file, CACHE, wrap)?;
    database.with(|database| {
        // A reader changes nothing: what another program or a vault keeps stays as it is.
        for table in database.begin_read()?.list_tables()? {
            if !TABLES.contains(&table.name()) {
                return Err(redb::Error::Corrupted(NOT_A_LEDGER.to_owned()));
            }
        }
        let transaction = database.begin_write()?;
        transaction.open_table(EXPIRY)?;
        transaction.open_table(ENTRIES)?;
        Ok(transaction.commit()?)
    })?;
    Ok(database)
}

/// Fails if a table of entries is not there.
pub(super) fn has_tables(database: &redb::Database) -> Result<(), redb::Error> {
    let transaction = database.begin_read()?;
    transaction.open_table(ENTRIES)?;
    transaction.open_table(EXPIRY)?;
    Ok(())
}

/// Returns the vault that the ledger belongs to, if it knows.
pub(super) fn vault_of(database: &redb::Database) -> Result<Option<VaultId>, redb::Error> {
    let known = match database.begin_read()?.open_table(VAULT) {
        Ok(table) => table.get(())?.map(|id| id.value()),
        Err(TableError::TableDoesNotExist(_)) => None,
        Err(error) => return Err(error.into()),
    };
    Ok(known.map(VaultId::from_bytes))
}

/// Writes which vault it belongs to, unless that is known. Returns the one that was known.
pub(super) fn belong_to(
    database: &redb::Database,
    vault: VaultId,
) -> Result<Option<VaultId>, redb::Error> {
    let transaction = database.begin_write()?;
    let known = {
        let mut table = transaction.open_table(VAULT)?;
        let known = table.get(())?.map(|id| id.value());
        if known.is_none() {
            table.insert((), vault.as_bytes())?;
        }
        known
    };
    transaction.commit()?;
    Ok(known.map(VaultId::from_bytes))
}

/// Returns the digests of all entries. Fails if one of them is not what was written, if that is asked for.
pub(super) fn digests(database: &redb::Database, verify: bool) -> Result<Vec<Digest>, redb::Error> {
    let table = database.begin_read()?.open_table(ENTRIES)?;
    let mut digests = Vec::new();
    for entry in table.iter()? {
        let (digest, record) = entry?;
        let digest = *digest.value();
        if verify && Record::parse(&digest, record.value()).is_none() {
            return Err(redb::Error::Corrupted(DAMAGED.to_owned()));
        }
        digests.push(digest);
    }
    Ok(digests)
}

/// Which digests have an entry now, or have none any more, in the order of the changes.
type Changed = Vec<(Digest, bool)>;

/// Writes a batch. Returns how many entries there are then, and which of them have changed.
fn apply(database: &redb::Database, batch: &[Changes]) -> Result<(usize, Changed), redb::Error> {
    let transaction = database.begin_write()?;
    let mut changed = Changed::new();
    let count = {
        let mut table = transaction.open_table(ENTRIES)?;
        let mut expiry = transaction.open_table(EXPIRY)?;
        let now = batch.iter().map(|changes| changes.now.as_secs()).max();
        // More than is added, so that the file shrinks back, and not so much that others wait for long.
        let mut left = PURGE + 2 * batch.len();
        while left > 0 {
            left -= 1;
            let first = expiry.first()?.map(|(key, _)| key.value());
            let Some((expires, digest)) = first else {
                break;
            };
            if now.is_none_or(|now| expires > now) {
                break;
            }
            expiry.remove((expires, digest))?;
            let record = table.get(&digest)?;
            let record = record.map(|record| Record::parse(&digest, record.value()));
            // What is to expire later was not forgotten by its entry.
            match record {
                Some(Some(record)) if record.expires_at.as_secs() != expires => {
                    return Err(redb::Error::Corrupted(DAMAGED.to_owned()));
                }
                Some(None) | None => return Err(redb::Error::Corrupted(DAMAGED.to_owned())),
                Some(Some(_)) => {}
            }
            table.remove(&digest)?;
            changed.push((digest, false));
        }
        for change in batch.iter().flat_map(|changes| &changes.changes) {
            let digest = *change.digest();
            let old = match change {
                Change::Put(_, record) => {
                    table.insert(&digest, record.to_bytes(&digest).as_slice())?
                }
                Change::Remove(_) => table.remove(&digest)?,
            };
            if let Some(old) = old.and_then(|old| Record::parse(&digest, old.value())) {
                expiry.remove((old.expires_at.as_secs(), digest))?;
            }
            if let Change::Put(_, record) = change {
                expiry.insert((record.expires_at.as_secs(), digest), ())?;
            }
            changed.push((digest, matches!(change, Change::Put(..))));
        }
        table.len()?
    };
    transaction.commit()?;
    Ok((usize::try_from(count).unwrap_or(usize::MAX), changed))
}

pub(super) fn failed(cause: impl ToString) -> LedgerError {
    LedgerError::Failed(cause.to_string())
}

/// Every table of a ledger, with that of the database's probe.
const TABLES: [&str; 4] = ["entries", "expiry", "vault", "probe"];
const DAMAGED: &str = "an entry is not what was written";
const NOT_A_LEDGER: &str = "it has tables that no ledger has: it is the database of something else";

/// Digests to records.
const ENTRIES: TableDefinition<'_, &Digest, &[u8]> = TableDefinition::new("entries");
/// The same by their expiry in seconds.
const EXPIRY: TableDefinition<'_, (u64, Digest), ()> = TableDefinition::new("expiry");

/// Bytes that must fit before a ledger that was out of space is used again: a full batch.
const LEAST_SPACE: usize = 128 << 10;
/// Which vault it belongs to.
const VAULT: TableDefinition<'_, (), [u8; 16]> = TableDefinition::new("vault");

/// Entries are read once or never.
pub(super) const CACHE: usize = 4 << 20;
/// Expired entries that a write removes beyond twice those that it adds.
const PURGE: usize = 64;

#[cfg(test)]
mod tests {
    use std::fs::OpenOptions;

    use super::*;

    type Table<'t> = redb::Table<'t, &'static Digest, &'static [u8]>;
    type Expiry<'t> = redb::Table<'t, (u64, Digest), ()>;

    const ONE: Digest = [1; 32];
    const OTHER: Digest = [2; 32];
    const EXPIRES: u64 = 100;

    fn entries(folder: &tempfile::TempDir) -> Entries {
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        let file = options.open(folder.path().join("ledger.redb")).unwrap();
        let database = database(file, |file| file).unwrap();
        Entries::new(Arc::new(database)).unwrap()
    }

    fn write(entries: &mut Entries, changes: Vec<Change>, now: u64) -> Result<(), LedgerError> {
        let now = UnixTime::from_secs(now);
        let committed = entries.commit(&[Changes { changes, now }], &mut Vec::new());
        committed.map_err(|failure| match failure {
            Failure::Passing(error) | Failure::Final(error) => error,
        })
    }

    fn put(entries: &mut Entries, digest: Digest) {
        let record = Record::begun([7; 32], UnixTime::from_secs(EXPIRES));
        write(entries, vec![Change::Put(digest, record)], 0).unwrap();
    }

    /// Does to the tables what a disk may do to their pages.
    fn rot(entries: &Entries, change: impl FnOnce(&mut Table<'_>, &mut Expiry<'_>)) {
        let rotten = entries.database.with(|database| {
            let transaction = database.begin_write()?;
            change(
                &mut transaction.open_table(ENTRIES)?,
                &mut transaction.open_table(EXPIRY)?,
            );
            Ok(transaction.commit()?)
        });
        rotten.unwrap();
    }

    #[test]
    fn an_entry_that_rots_under_the_process_is_neither_told_nor_taken_for_none() {
        let rots: [fn(&mut Table<'_>); 3] = [
            |table| {
                let mut record = table.get(&ONE).unwrap().unwrap().value().to_vec();
                record[5] ^= 1;
                table.insert(&ONE, &*record).unwrap();
            },
            // Its digest is another one now.
            |table| {
                let record = table.remove(&ONE).unwrap().unwrap().value().to_vec();
                table.insert(&[9; 32], &*record).unwrap();
            },
            |table| drop(table.remove(&ONE).unwrap()),
        ];
        for change in rots {
            let folder = tempfile::tempdir().unwrap();
            let mut entries = entries(&folder);
            put(&mut entries, ONE);
            assert!(matches!(entries.find(&ONE), Ok(Found::Record(_))));
            assert!(matches!(entries.find(&OTHER), Ok(Found::Nothing)));
            rot(&entries, |table, _| change(table));
            assert!(matches!(entries.find(&ONE), Ok(Found::Damaged)));
            // Nothing is written beside it.
            let record = Record::begun([7; 32], UnixTime::from_secs(EXPIRES));
            assert!(write(&mut entries, vec![Change::Put(OTHER, record)], 0).is_err());
        }
    }

    #[test]
    fn an_entry_whose_digest_rotted_is_found_when_the_ledger_is_opened() {
        let folder = tempfile::tempdir().unwrap();
        let mut first = entries(&folder);
        put(&mut first, ONE);
        rot(&first, |table, _| {
            let record = table.remove(&ONE).unwrap().unwrap().value().to_vec();
            table.insert(&OTHER, &*record).unwrap();
        });
        first.database.close().unwrap();
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .open(folder.path().join("ledger.redb"));
        let database = database(file.unwrap(), |file| file).unwrap();
        let opened = Entries::new(Arc::new(database));
        assert!(matches!(
            opened,
            Err(Error::Failed(redb::Error::Corrupted(_)))
        ));
    }

    #[test]
    fn an_entry_is_not_forgotten_before_it_expires_by_what_the_list_of_times_says() {
        let folder = tempfile::tempdir().unwrap();
        let mut entries = entries(&folder);
        put(&mut entries, ONE);
        rot(&entries, |_, expiry| {
            expiry.remove((EXPIRES, ONE)).unwrap();
            expiry.insert((EXPIRES - 64, ONE), ()).unwrap();
        });
        assert!(write(&mut entries, Vec::new(), EXPIRES - 1).is_err());
        assert!(entries.database.is_frozen());
    }

    #[test]
    fn what_expires_or_is_removed_is_not_missed() {
        let folder = tempfile::tempdir().unwrap();
        let mut entries = entries(&folder);
        put(&mut entries, ONE);
        put(&mut entries, OTHER);
        write(&mut entries, vec![Change::Remove(OTHER)], 0).unwrap();
        assert!(matches!(entries.find(&OTHER), Ok(Found::Nothing)));
        write(&mut entries, Vec::new(), EXPIRES).unwrap();
        assert!(matches!(entries.find(&ONE), Ok(Found::Nothing)));
        assert_eq!(entries.len(), 0);
    }
}
