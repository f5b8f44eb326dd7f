//! `vault check` and `vault salvage`: what they find in a damaged file, and that they change nothing of it.

use std::fs;
use std::path::Path;

use sealpost_vault::maintenance::Report;
use sealpost_vault::{
    Deadline, Lifecycle, NewSecret, OperationId, Vault, VaultKind, VaultSecretName,
    error::CreateError,
};
use sealpost_vault_file::{FileVault, KIND};

const OPERATION: OperationId = OperationId::from_bytes([7; 32]);
const COUNT: usize = 40;

#[tokio::test]
async fn a_sound_vault_is_reported_as_sound_and_copied_whole() {
    for closed in [true, false] {
        let dir = vault(closed).await;
        let report = check(dir.path()).await;
        assert!(report.is_sound(), "{report:?}");
        assert_eq!((report.intact, report.stray.len()), (COUNT, 0));
        let to = dir.path().join("saved");
        assert_eq!(salvage(dir.path(), &to).await, report);
        let saved = FileVault::open(&to).unwrap();
        for index in 0..COUNT {
            assert_eq!(fetch(&saved, index).await.unwrap(), value(index));
        }
        assert!(saved.fetch(&name("deleted"), Deadline::NONE).await.is_err());
        // A retry of the operation that stored it is still recognised.
        let (name, value) = (name(&text(3)), value(3));
        let again = saved
            .create(&NewSecret::new(&name, &value, &OPERATION), Deadline::NONE)
            .await;
        again.unwrap();
        let other = OperationId::from_bytes([9; 32]);
        let other = saved
            .create(&NewSecret::new(&name, &value, &other), Deadline::NONE)
            .await;
        assert!(matches!(other, Err(CreateError::Exists)));
    }
}

#[tokio::test]
async fn one_damaged_value_is_named_and_the_others_are_saved() {
    for closed in [true, false] {
        let dir = vault(closed).await;
        let path = dir.path().join("vault.redb");
        let mut database = fs::read(&path).unwrap();
        // In every copy of the page: in the last byte of the record that follows another in it.
        let record = record_of(&database, &text(7));
        for at in positions(&database, &record) {
            database[at + record.len() - 1] ^= 4;
        }
        fs::write(&path, &database).unwrap();
        let report = check(dir.path()).await;
        assert_eq!(report.damaged, [text(7)]);
        assert_eq!((report.intact, report.nameless), (COUNT - 1, Some(0)));
        assert!(!report.is_sound());
        let to = dir.path().join("saved");
        assert_eq!(salvage(dir.path(), &to).await, report);
        assert!(
            fs::read(&path).unwrap() == database,
            "the original was changed"
        );
        assert_saved(&to, &[7]).await;
    }
}

/// A page above the records: redb refuses or panics, and the records are all there.
#[tokio::test]
async fn any_one_damaged_page_costs_no_more_than_what_is_in_it() {
    for closed in [true, false] {
        let dir = vault(closed).await;
        let path = dir.path().join("vault.redb");
        let whole = fs::read(&path).unwrap();
        let (mut saved_all, mut strays) = (0, 0);
        for page in 1..whole.len() / 4096 {
            let mut database = whole.clone();
            database[page * 4096..][..64].fill(0xa5);
            fs::write(&path, &database).unwrap();
            let report = check(dir.path()).await;
            strays += usize::from(!report.stray.is_empty());
            let plain = tempfile::tempdir().unwrap();
            assert_eq!(salvage(dir.path(), plain.path()).await, report);
            let known = check(plain.path()).await.intact;
            assert_eq!(known, report.intact, "page {page}: strays were written");
            let known = report.intact + report.stray.len() + report.damaged.len();
            assert!(
                known + report.nameless.unwrap_or(COUNT) >= COUNT,
                "page {page}: {report:?}"
            );
            let to = tempfile::tempdir().unwrap();
            let report = salvage_with(dir.path(), to.path(), true).await;
            let saved = FileVault::open(to.path()).unwrap();
            let mut read = 0;
            for index in 0..COUNT {
                if let Some(fetched) = fetch(&saved, index).await {
                    assert_eq!(fetched, value(index));
                    read += 1;
                }
            }
            assert!(read + 16 >= COUNT, "page {page}: {read}, {report:?}");
            saved_all += usize::from(read == COUNT);
            assert!(
                fs::read(&path).unwrap() == database,
                "the original was changed"
            );
        }
        assert!(saved_all > 2, "{saved_all}");
        assert!(strays > 0, "no page had strays");
    }
}

#[tokio::test]
async fn a_damaged_header_page_costs_nothing_that_a_slot_leads_to() {
    let dir = vault(true).await;
    let path = dir.path().join("vault.redb");
    let whole = fs::read(&path).unwrap();
    for slot in [64, 192] {
        let mut database = whole.clone();
        database[slot + 20] ^= 1;
        fs::write(&path, &database).unwrap();
        let to = tempfile::tempdir().unwrap();
        salvage(dir.path(), to.path()).await;
        assert_saved(to.path(), &[]).await;
    }
}

#[tokio::test]
async fn nothing_is_salvaged_into_a_folder_that_holds_something() {
    let dir = vault(true).await;
    let configuration = KIND.in_folder.unwrap()(dir.path().to_owned());
    let maintenance = configuration.maintenance().unwrap();
    let error = maintenance.salvage(dir.path(), false).await.unwrap_err();
    assert!(error.to_string().contains("is not empty"), "{error}");
    let open = FileVault::open(dir.path()).unwrap();
    let error = maintenance.check().await.unwrap_err();
    assert!(error.to_string().contains("in use"), "{error}");
    drop(open);
}

async fn check(dir: &Path) -> Report {
    let configuration = KIND.in_folder.unwrap()(dir.to_owned());
    configuration.maintenance().unwrap().check().await.unwrap()
}

async fn salvage(dir: &Path, to: &Path) -> Report {
    salvage_with(dir, to, false).await
}

async fn salvage_with(dir: &Path, to: &Path, strays: bool) -> Report {
    let configuration = KIND.in_folder.unwrap()(dir.to_owned());
    let maintenance = configuration.maintenance().unwrap();
    maintenance.salvage(to, strays).await.unwrap()
}

async fn assert_saved(dir: &Path, lost: &[usize]) {
    let saved = FileVault::open(dir).unwrap();
    for index in 0..COUNT {
        let fetched = fetch(&saved, index).await;
        assert_eq!(fetched.is_none(), lost.contains(&index), "{index}");
        assert!(fetched.is_none_or(|fetched| fetched == value(index)));
    }
}

async fn fetch(vault: &FileVault, index: usize) -> Option<Vec<u8>> {
    let fetched = vault.fetch(&name(&text(index)), Deadline::NONE).await;
    fetched.ok().map(|value| value.to_vec())
}

async fn vault(closed: bool) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let vault = FileVault::open(dir.path()).unwrap();
    for index in 0..COUNT {
        let (name, value) = (name(&text(index)), value(index));
        let secret = NewSecret::new(&name, &value, &OPERATION);
        vault.create(&secret, Deadline::NONE).await.unwrap();
    }
    let deleted = name("deleted");
    let secret = NewSecret::new(&deleted, b"value", &OPERATION);
    vault.create(&secret, Deadline::NONE).await.unwrap();
    vault.delete(&deleted, Deadline::NONE).await.unwrap();
    if closed {
        vault.close().await;
        return dir;
    }
    // As a kill leaves it.
    let copy = tempfile::tempdir().unwrap();
    for file in ["vault.redb", "vault.key"] {
        fs::copy(dir.path().join(file), copy.path().join(file)).unwrap();
    }
    copy
}

/// The bytes of the newest copy of a record, found by redb.
fn record_of(database: &[u8], name: &str) -> Vec<u8> {
    use redb::ReadableDatabase as _;
    let copy = tempfile::tempdir().unwrap();
    let path = copy.path().join("vault.redb");
    fs::write(&path, database).unwrap();
    let database = redb::Database::open(path).unwrap();
    let table = redb::TableDefinition::<&str, &[u8]>::new("records");
    let table = database.begin_read().unwrap().open_table(table).unwrap();
    table.get(name).unwrap().unwrap().value().to_vec()
}

fn positions(haystack: &[u8], needle: &[u8]) -> Vec<usize> {
    (0..haystack.len() - needle.len())
        .filter(|at| haystack[*at..].starts_with(needle))
        .collect()
}

fn text(index: usize) -> String {
    format!("name-{index:02}")
}

fn value(index: usize) -> Vec<u8> {
    text(index).repeat(30).into_bytes()
}

fn name(name: &str) -> VaultSecretName {
    VaultSecretName::derive(VaultKind::EMBEDDED, None, name)
}
