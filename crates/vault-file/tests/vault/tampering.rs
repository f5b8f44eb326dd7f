//! What write access to the file permits, and that no value comes out of it.

use std::fs;
use std::path::Path;

use redb::{Database, ReadableTable, TableDefinition};
use sealpost_vault::{
    Deadline, Health, Lifecycle, NewSecret, OperationId, Vault, VaultKind, VaultSecretName,
    error::FetchError,
};
use sealpost_vault_file::FileVault;
use sealpost_vault_file::record::Record;

const OPERATION: OperationId = OperationId::from_bytes([7; 32]);
const RECORDS: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("records");

#[tokio::test]
async fn every_changed_byte_of_a_record_is_noticed() {
    let dir = tempfile::tempdir().unwrap();
    let names = |index| name(&format!("n{index}"));
    let len = 65 + 5 + 16;
    {
        let vault = FileVault::open(dir.path()).unwrap();
        for index in 0..=len {
            let created = vault
                .create(
                    &NewSecret::new(&names(index), b"value", &OPERATION),
                    Deadline::NONE,
                )
                .await;
            created.unwrap();
        }
    }
    // The record of each name is changed in another byte; that of the last is left alone.
    tamper(dir.path(), |table| {
        for index in 0..len {
            let mut record = get(table, names(index).as_str());
            assert_eq!(record.len(), len);
            record[index] ^= 0x01;
            table.insert(names(index).as_str(), &record[..]).unwrap();
        }
    });
    let vault = FileVault::open(dir.path()).unwrap();
    assert_eq!(vault.health(), Health::Ready);
    for index in 0..len {
        let fetched = vault.fetch(&names(index), Deadline::NONE).await;
        assert!(matches!(fetched, Err(FetchError::Damaged)), "{index}");
        // Nor is a damaged record taken for the trace of one's own write.
        let created = vault
            .create(
                &NewSecret::new(&names(index), b"value", &OPERATION),
                Deadline::NONE,
            )
            .await;
        assert!(created.is_err(), "{index}");
    }
    // What is found damaged stays as it is: nothing is written any more, and what is intact is given out.
    assert_ne!(vault.health(), Health::Ready);
    assert_eq!(
        &vault.fetch(&names(len), Deadline::NONE).await.unwrap()[..],
        b"value"
    );
}

#[tokio::test]
async fn records_do_not_open_under_other_names() {
    let dir = tempfile::tempdir().unwrap();
    {
        let vault = FileVault::open(dir.path()).unwrap();
        for text in ["a", "b"] {
            let created = vault
                .create(
                    &NewSecret::new(&name(text), text.as_bytes(), &OPERATION),
                    Deadline::NONE,
                )
                .await;
            created.unwrap();
        }
    }
    tamper(dir.path(), |table| {
        let (a, b) = (get(table, "a"), get(table, "b"));
        table.insert("a", &b[..]).unwrap();
        table.insert("b", &a[..]).unwrap();
        table.insert("c", &a[..]).unwrap();
    });
    let vault = FileVault::open(dir.path()).unwrap();
    for text in ["a", "b", "c"] {
        let fetched = vault.fetch(&name(text), Deadline::NONE).await;
        assert!(matches!(fetched, Err(FetchError::Damaged)), "{text}");
    }
}

#[tokio::test]
async fn records_do_not_open_in_other_vaults_with_the_same_key_file() {
    let (dir, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    drop(FileVault::open(dir.path()).unwrap());
    let key = other.path().join("vault.key");
    fs::copy(dir.path().join("vault.key"), &key).unwrap();
    {
        let vault = FileVault::open(dir.path()).unwrap();
        vault
            .create(
                &NewSecret::new(&name("a"), b"v", &OPERATION),
                Deadline::NONE,
            )
            .await
            .unwrap();
        drop(FileVault::builder().begin(other.path()).unwrap());
    }
    let mut record = Vec::new();
    tamper(dir.path(), |table| record = get(table, "a"));
    tamper(other.path(), |table| {
        table.insert("a", &record[..]).unwrap();
    });
    let vault = FileVault::open(other.path()).unwrap();
    let fetched = vault.fetch(&name("a"), Deadline::NONE).await;
    assert!(matches!(fetched, Err(FetchError::Damaged)));
}

#[tokio::test]
async fn empty_and_short_records_are_damaged() {
    for record in [&[][..], &[1; 80], &[0; 200]] {
        let dir = tempfile::tempdir().unwrap();
        drop(FileVault::open(dir.path()).unwrap());
        tamper(dir.path(), |table| {
            table.insert("short", record).unwrap();
        });
        let vault = FileVault::open(dir.path()).unwrap();
        let fetched = vault.fetch(&name("short"), Deadline::NONE).await;
        assert!(matches!(fetched, Err(FetchError::Damaged)));
        // Nothing is written to a damaged file, so nothing is deleted either.
        let deleted = vault.delete(&name("short"), Deadline::NONE).await;
        assert!(deleted.is_err() && vault.health() != Health::Ready);
    }
}

#[tokio::test]
async fn nothing_of_a_value_is_in_the_files() {
    let dir = tempfile::tempdir().unwrap();
    let canary = "canary-in-a-coal-mine".repeat(20);
    let vault = FileVault::open(dir.path()).unwrap();
    for index in 0..50 {
        let name = name(&format!("n{index}"));
        let created = vault
            .create(
                &NewSecret::new(&name, canary.as_bytes(), &OPERATION),
                Deadline::NONE,
            )
            .await;
        created.unwrap();
    }
    drop(vault);
    let file = fs::read(dir.path().join("vault.redb")).unwrap();
    assert!(find(&file, b"n49"), "the search finds what is there");
    assert!(!find(&file, b"canary"));
    assert!(!find(&file, b"coal-mine"));
}

#[tokio::test]
async fn a_deleted_record_is_out_of_the_table() {
    let dir = tempfile::tempdir().unwrap();
    let vault = FileVault::open(dir.path()).unwrap();
    vault
        .create(
            &NewSecret::new(&name("a"), b"v", &OPERATION),
            Deadline::NONE,
        )
        .await
        .unwrap();
    vault.delete(&name("a"), Deadline::NONE).await.unwrap();
    drop(vault);
    tamper(dir.path(), |table| {
        assert_eq!(table.iter().unwrap().count(), 0);
    });
}

#[tokio::test]
async fn the_stored_record_has_the_documented_form() {
    let dir = tempfile::tempdir().unwrap();
    let vault = FileVault::open(dir.path()).unwrap();
    vault
        .create(
            &NewSecret::new(&name("a"), b"value", &OPERATION),
            Deadline::NONE,
        )
        .await
        .unwrap();
    drop(vault);
    tamper(dir.path(), |table| {
        let bytes = get(table, "a");
        let record = Record::parse(&bytes).unwrap();
        assert_eq!(bytes[0], 1);
        assert_eq!(record.operation, OPERATION);
        assert_eq!(record.ciphertext.len(), 5);
    });
}

fn tamper(dir: &Path, change: impl FnOnce(&mut redb::Table<'_, &str, &[u8]>)) {
    let database = Database::open(dir.join("vault.redb")).unwrap();
    let transaction = database.begin_write().unwrap();
    change(&mut transaction.open_table(RECORDS).unwrap());
    transaction.commit().unwrap();
}

fn get(table: &redb::Table<'_, &str, &[u8]>, name: &str) -> Vec<u8> {
    table.get(name).unwrap().unwrap().value().to_vec()
}

fn find(haystack: &[u8], needle: &[u8]) -> bool {
    haystack
        .windows(needle.len())
        .any(|window| window == needle)
}

fn name(name: &str) -> VaultSecretName {
    VaultSecretName::derive(VaultKind::EMBEDDED, None, name)
}
