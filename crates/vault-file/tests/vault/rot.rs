//! Bit rot: one flipped bit anywhere in the file never makes a stored secret "not found" or its name free.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use sealpost_vault::{
    Deadline, Lifecycle, NewSecret, OperationId, Vault, VaultKind, VaultSecretName,
    error::{CreateError, FetchError},
};
use sealpost_vault_file::{FileVault, OpenVaultError};

const FIRST: OperationId = OperationId::from_bytes([1; 32]);
const OTHER: OperationId = OperationId::from_bytes([2; 32]);

/// A vault in bytes, and what is in it.
pub(crate) struct Subject {
    pub(crate) database: Vec<u8>,
    pub(crate) key: Vec<u8>,
    pub(crate) stored: BTreeMap<String, Vec<u8>>,
}

/// What became of the secrets of a damaged file.
#[derive(Debug, Default)]
struct Outcome {
    /// The vault did not open.
    refused: usize,
    /// It opened, and not every secret could be read.
    partial: usize,
    /// Every secret could be read.
    complete: usize,
}

#[tokio::test]
async fn one_flipped_bit_in_a_closed_vault_never_loses_a_name_silently() {
    let outcome = flip(&Subject::make(true).await, 3001).await;
    // The sample reaches pages with secrets, pages above them, and pages that nothing leads to.
    assert!(
        outcome.partial > 10 && outcome.complete > 100,
        "{outcome:?}"
    );
}

#[tokio::test]
async fn one_flipped_bit_in_an_unclean_vault_never_loses_a_name_silently() {
    let outcome = flip(&Subject::make(false).await, 3001).await;
    assert!(
        outcome.partial > 10 && outcome.complete > 100,
        "{outcome:?}"
    );
}

/// What is the same in every file has no checksum: the signature, the length of pages, and where pages are.
#[tokio::test]
async fn a_flipped_bit_in_the_header_leaves_every_secret_readable() {
    for closed in [true, false] {
        let subject = Subject::make(closed).await;
        let dir = tempfile::tempdir_in(memory()).unwrap();
        for bit in (0..9 * 8).chain(10 * 8..64 * 8) {
            let read = subject.examine(dir.path(), bit).await;
            assert_eq!(read, Some(subject.stored.len()), "bit {bit}");
        }
        // The vault is looked at as it is, and saved.
        let mut database = subject.database.clone();
        (database[0], database[22]) = (database[0] ^ 1, 0xff);
        subject.write(dir.path());
        fs::write(dir.path().join("vault.redb"), &database).unwrap();
        let vault = FileVault::open(dir.path()).unwrap();
        assert!(!vault.health().is_ready());
        let read = subject.assert_nothing_is_lost(&vault, 0).await;
        assert_eq!(read, subject.stored.len());
    }
}

/// The header with its two commits, and the mark.
#[tokio::test]
async fn a_flipped_bit_in_the_commit_slots_or_the_mark_loses_nothing_silently() {
    for closed in [true, false] {
        let subject = Subject::make(closed).await;
        let dir = tempfile::tempdir_in(memory()).unwrap();
        let (commits, mark) = (64 * 8..320 * 8, 1024 * 8..1048 * 8);
        for bit in commits.step_by(7).chain(mark.step_by(3)) {
            subject.examine(dir.path(), bit).await;
        }
    }
}

/// redb looks at more than checksums: flags that lead it to an older commit, whose free pages are others.
#[tokio::test]
async fn a_file_that_only_the_database_refuses_is_still_read_and_not_written() {
    let mut refused_by_redb = 0;
    for closed in [true, false] {
        let subject = Subject::of(6, closed).await;
        let dir = tempfile::tempdir_in(memory()).unwrap();
        for flags in 0..=255 {
            let mut database = subject.database.clone();
            database[9] = flags;
            let Some(read) = subject
                .examine_file(dir.path(), &database, flags.into())
                .await
            else {
                panic!("flags {flags:#x}: the vault does not open");
            };
            let opening = sealpost_vault::configuration::Opening::ExistingOnly;
            subject.write(dir.path());
            fs::write(dir.path().join("vault.redb"), &database).unwrap();
            let checked = FileVault::check(dir.path(), opening);
            if let Err(error) = &checked
                && error.to_string().contains("list of free pages")
            {
                refused_by_redb += 1;
                assert_eq!(read, subject.stored.len(), "{flags:#x}");
            }
        }
    }
    assert!(refused_by_redb > 0, "the database refused no file");
}

/// What the issue saw: the name of a record, changed by one bit.
#[tokio::test]
async fn a_flipped_bit_in_a_stored_name_does_not_free_the_name() {
    for closed in [true, false] {
        let mut subject = Subject::make(closed).await;
        // Every copy of it: in the page that is in use and in those that were.
        let name = b"name-05";
        let found: Vec<_> = (0..subject.database.len() - name.len())
            .filter(|at| subject.database[*at..].starts_with(name))
            .collect();
        assert!(!found.is_empty());
        for at in found {
            subject.database[at + 6] ^= 1;
        }
        let dir = tempfile::tempdir_in(memory()).unwrap();
        subject.write(dir.path());
        let vault = FileVault::open(dir.path()).unwrap();
        let fetched = vault.fetch(&name_of("name-05"), Deadline::NONE).await;
        assert!(matches!(fetched, Err(FetchError::Damaged)), "{fetched:?}");
        let created = create(&vault, "name-05", b"mine", &OTHER).await;
        assert!(
            matches!(created, Err(CreateError::Failed(_))),
            "{created:?}"
        );
        assert!(!vault.health().is_ready());
        assert!(
            FileVault::check(
                dir.path(),
                sealpost_vault::configuration::Opening::ExistingOnly
            )
            .is_ok(),
            "in use"
        );
        // The others are still given out.
        for (name, value) in subject.stored.iter().filter(|(name, _)| *name != "name-05") {
            let fetched = vault.fetch(&name_of(name), Deadline::NONE).await.unwrap();
            assert_eq!(&fetched[..], &value[..], "{name}");
        }
    }
}

/// Damage while the vault is open: the database may return nothing or panic.
#[tokio::test]
async fn a_page_damaged_while_the_vault_is_open_ends_no_call_in_a_panic() {
    let subject = Subject::make(true).await;
    let length = subject.database.len();
    let mut not_ready = 0;
    for start in (4096..length).step_by(512) {
        let dir = tempfile::tempdir_in(memory()).unwrap();
        subject.write(dir.path());
        let vault = FileVault::builder().cache(0).open(dir.path()).unwrap();
        let path = dir.path().join("vault.redb");
        let mut database = fs::read(&path).unwrap();
        for byte in database.iter_mut().skip(start).take(512) {
            *byte ^= 0x55;
        }
        fs::write(&path, database).unwrap();
        subject.assert_nothing_is_lost(&vault, start).await;
        let _ = create(&vault, "new", b"value", &OTHER).await;
        subject.assert_nothing_is_lost(&vault, start).await;
        not_ready += usize::from(!vault.health().is_ready());
        vault.close().await;
        drop(vault);
        if let Ok(vault) = FileVault::open(dir.path()) {
            subject.assert_nothing_is_lost(&vault, start).await;
        }
    }
    assert!(not_ready > 0, "no damage was found");
}

/// A file that is cut at any page.
#[tokio::test]
async fn a_cut_file_is_not_a_new_vault() {
    for closed in [true, false] {
        let subject = Subject::make(closed).await;
        for length in (0..subject.database.len()).step_by(2048) {
            let dir = tempfile::tempdir_in(memory()).unwrap();
            subject.write(dir.path());
            fs::write(dir.path().join("vault.redb"), &subject.database[..length]).unwrap();
            match FileVault::open(dir.path()) {
                Ok(vault) => drop(subject.assert_nothing_is_lost(&vault, length).await),
                Err(error) => assert!(error.to_string().contains("back from a backup"), "{error}"),
            }
        }
    }
}

/// Flips one bit of every `step`.
async fn flip(subject: &Subject, step: usize) -> Outcome {
    let dir = tempfile::tempdir_in(memory()).unwrap();
    let mut outcome = Outcome::default();
    for bit in (0..subject.database.len() * 8).step_by(step) {
        match subject.examine(dir.path(), bit).await {
            None => outcome.refused += 1,
            Some(read) if read == subject.stored.len() => outcome.complete += 1,
            Some(_) => outcome.partial += 1,
        }
    }
    outcome
}

impl Subject {
    pub(crate) async fn make(closed: bool) -> Self {
        Self::of(40, closed).await
    }

    pub(crate) async fn of(secrets: usize, closed: bool) -> Self {
        let dir = tempfile::tempdir_in(memory()).unwrap();
        let vault = FileVault::open(dir.path()).unwrap();
        let mut stored = BTreeMap::new();
        for index in 0..secrets {
            let name = format!("name-{index:02}");
            let value = name.repeat(index + 1).into_bytes();
            create(&vault, &name, &value, &FIRST).await.unwrap();
            stored.insert(name, value);
        }
        // Records that are not any more, and one of an earlier value.
        let again = if secrets > 30 { "name-30" } else { "name-04" };
        for name in ["name-03", again] {
            vault.delete(&name_of(name), Deadline::NONE).await.unwrap();
            stored.remove(name);
        }
        create(&vault, again, b"again", &FIRST).await.unwrap();
        stored.insert(again.to_owned(), b"again".to_vec());
        if closed {
            vault.close().await;
        }
        Self {
            database: fs::read(dir.path().join("vault.redb")).unwrap(),
            key: fs::read(dir.path().join("vault.key")).unwrap(),
            stored,
        }
    }

    pub(crate) fn write(&self, dir: &Path) {
        use std::os::unix::fs::PermissionsExt as _;
        fs::write(dir.join("vault.redb"), &self.database).unwrap();
        fs::write(dir.join("vault.key"), &self.key).unwrap();
        let key = dir.join("vault.key");
        fs::set_permissions(key, fs::Permissions::from_mode(0o600)).unwrap();
    }

    /// Opens the file with one bit flipped. Returns how many secrets could be read; `None` if it does not open.
    async fn examine(&self, dir: &Path, bit: usize) -> Option<usize> {
        let mut database = self.database.clone();
        database[bit / 8] ^= 1 << (bit % 8);
        self.examine_file(dir, &database, bit).await
    }

    /// Opens a file that was changed. `at` says in a failure where.
    async fn examine_file(&self, dir: &Path, database: &[u8], at: usize) -> Option<usize> {
        self.write(dir);
        let path = dir.join("vault.redb");
        fs::write(&path, database).unwrap();
        let vault = match FileVault::open(dir) {
            Ok(vault) => vault,
            Err(error) => {
                assert!(!matches!(error, OpenVaultError::InUse { .. }), "{error}");
                assert!(
                    fs::read(&path).unwrap() == database,
                    "{at}: a refused file was changed"
                );
                return None;
            }
        };
        if !vault.health().is_ready() {
            assert!(
                fs::read(&path).unwrap() == database,
                "{at}: a damaged file was changed"
            );
        }
        let read = self.assert_nothing_is_lost(&vault, at).await;
        vault.close().await;
        Some(read)
    }

    /// Returns how many secrets could be read.
    pub(crate) async fn assert_nothing_is_lost(&self, vault: &FileVault, at: usize) -> usize {
        let mut read = 0;
        for (name, value) in &self.stored {
            match vault.fetch(&name_of(name), Deadline::NONE).await {
                Ok(fetched) => {
                    assert_eq!(&fetched[..], &value[..], "{at}: {name} is another");
                    read += 1;
                }
                Err(FetchError::NotFound) => panic!("{at}: {name} is lost silently"),
                Err(FetchError::Damaged | FetchError::Failed(_)) => {}
            }
        }
        let names = ["name-00", "name-05", "name-30", "name-39"];
        for name in names
            .into_iter()
            .filter(|name| self.stored.contains_key(*name))
        {
            let created = create(vault, name, b"other", &OTHER).await;
            assert!(created.is_err(), "{at}: the name {name} is free");
        }
        // What was deleted does not come back.
        let deleted = vault.fetch(&name_of("name-03"), Deadline::NONE).await;
        assert!(deleted.is_err(), "{at}: a deleted secret is back");
        read
    }
}

async fn create(
    vault: &FileVault,
    name: &str,
    value: &[u8],
    operation: &OperationId,
) -> Result<(), CreateError> {
    let name = name_of(name);
    let secret = NewSecret::new(&name, value, operation);
    vault.create(&secret, Deadline::NONE).await.map(drop)
}

fn name_of(name: &str) -> VaultSecretName {
    VaultSecretName::derive(VaultKind::EMBEDDED, None, name)
}

/// Where an fsync costs nothing.
pub(crate) fn memory() -> std::path::PathBuf {
    let memory = Path::new("/dev/shm");
    match memory.is_dir() {
        true => memory.to_owned(),
        false => std::env::temp_dir(),
    }
}

/// The row with the vault's identifier, without which no record opens, is in one page; its copy is in another.
#[tokio::test]
async fn a_damaged_descriptor_loses_no_secret_also_in_a_vault_without_its_copy() {
    for (closed, with_copy) in [(true, true), (false, true), (true, false), (false, false)] {
        let mut subject = Subject::make(closed).await;
        if !with_copy {
            subject.database[2048..2048 + 128].fill(0);
        }
        let dir = tempfile::tempdir_in(memory()).unwrap();
        // A leaf with one entry whose key is the version.
        let is_descriptor = |page: &usize| {
            let page = &subject.database[page * 4096..];
            page[0] == 1 && page[2..4] == [1, 0] && page[8..12] == [2, 0, 0, 0]
        };
        let pages = 1..subject.database.len() / 4096;
        let pages: Vec<_> = pages.filter(is_descriptor).collect();
        assert!(!pages.is_empty());
        for page in &pages {
            for at in [0, 2, 4, 8, 12, 27, 28, 59, 60, 67, 75, 107, 139] {
                let read = subject.examine(dir.path(), (page * 4096 + at) * 8).await;
                let is_seal = at >= 60;
                // Without the copy, a damaged seal proves nothing; the records are there to be saved.
                if with_copy || !is_seal {
                    let expected = Some(subject.stored.len());
                    assert_eq!(read, expected, "{closed} {with_copy} page {page} at {at}");
                }
            }
        }
        if with_copy {
            for page in pages {
                let mut database = subject.database.clone();
                database[page * 4096..(page + 1) * 4096].fill(0xff);
                subject.write(dir.path());
                fs::write(dir.path().join("vault.redb"), &database).unwrap();
                let vault = FileVault::open(dir.path()).unwrap();
                let read = subject.assert_nothing_is_lost(&vault, 0).await;
                assert_eq!(read, subject.stored.len(), "{closed} page {page}");
            }
        }
    }
}
