//! When a vault opens, when it does not, and what it says then.

use std::fs::{self, OpenOptions, Permissions};
use std::io::Write as _;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::Path;

use sealpost_vault::{Deadline, NewSecret, OperationId, Vault, VaultKind, VaultSecretName};
use sealpost_vault_file::{FileVault, OpenVaultError};

const OPERATION: OperationId = OperationId::from_bytes([7; 32]);

#[tokio::test]
async fn files_are_for_their_owner_alone() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path().join("a/b");
    filled(&dir).await;
    assert_eq!(mode(&dir), 0o700);
    assert_eq!(mode(&dir.join("vault.redb")), 0o600);
    assert_eq!(mode(&dir.join("vault.key")), 0o600);
    assert_eq!(fs::read_dir(&dir).unwrap().count(), 2);
    assert_eq!(fs::metadata(dir.join("vault.key")).unwrap().len(), 32);
}

#[tokio::test]
async fn two_vaults_have_different_keys() {
    let dirs = [(); 2].map(|()| tempfile::tempdir().unwrap());
    for dir in &dirs {
        filled(dir.path()).await;
    }
    let [a, b] = dirs.map(|dir| fs::read(dir.path().join("vault.key")).unwrap());
    assert_ne!(a, b);
    assert!(a.iter().any(|byte| *byte != 0));
}

#[tokio::test]
async fn without_its_key_file_it_stays_shut() {
    let dir = tempfile::tempdir().unwrap();
    filled(dir.path()).await;
    let key = dir.path().join("vault.key");
    let kept = fs::read(&key).unwrap();
    fs::remove_file(&key).unwrap();
    for _ in 0..2 {
        let error = refused(dir.path());
        assert!(matches!(error, OpenVaultError::KeyMissing { .. }));
        assert!(error.to_string().contains("vault.key is missing"));
        assert!(error.to_string().contains("backup"));
        assert!(!key.exists(), "no new key may take the place of the old");
    }
    // Put back, it opens.
    write_key(&key, &kept);
    assert_filled(dir.path()).await;
}

#[tokio::test]
async fn a_key_file_that_others_may_read_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    filled(dir.path()).await;
    let key = dir.path().join("vault.key");
    for exposed in [0o640, 0o604, 0o620, 0o610, 0o644, 0o666] {
        fs::set_permissions(&key, Permissions::from_mode(exposed)).unwrap();
        let error = refused(dir.path());
        assert!(matches!(&error, OpenVaultError::KeyExposed { mode, .. } if *mode == exposed));
        assert!(error.to_string().contains("run: chmod 600"));
        assert!(error.to_string().contains(&format!("{exposed:o}")));
    }
    for private in [0o600, 0o400] {
        fs::set_permissions(&key, Permissions::from_mode(private)).unwrap();
        assert_filled(dir.path()).await;
    }
}

#[tokio::test]
async fn a_key_file_of_another_length_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    filled(dir.path()).await;
    let key = dir.path().join("vault.key");
    let kept = fs::read(&key).unwrap();
    for len in [0, 31, 33, 64] {
        write_key(&key, &[&kept[..], &kept].concat()[..len]);
        let error = refused(dir.path());
        assert!(
            matches!(&error, OpenVaultError::KeyLength { len: told, .. } if *told == len as u64)
        );
        assert!(error.to_string().contains("32 bytes"));
    }
    fs::remove_file(&key).unwrap();
    fs::create_dir(&key).unwrap();
    fs::set_permissions(&key, Permissions::from_mode(0o700)).unwrap();
    let error = refused(dir.path());
    assert!(matches!(error, OpenVaultError::KeyLength { .. }), "{error}");
}

#[tokio::test]
async fn the_key_file_of_another_vault_is_refused() {
    let (dir, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    filled(dir.path()).await;
    filled(other.path()).await;
    let key = dir.path().join("vault.key");
    let kept = fs::read(&key).unwrap();
    write_key(&key, &fs::read(other.path().join("vault.key")).unwrap());
    let error = refused(dir.path());
    assert!(matches!(error, OpenVaultError::KeyMismatch { .. }));
    assert!(error.to_string().contains("another vault"));
    let mut changed = kept.clone();
    changed[31] ^= 1;
    write_key(&key, &changed);
    assert!(matches!(
        refused(dir.path()),
        OpenVaultError::KeyMismatch { .. }
    ));
    write_key(&key, &kept);
    assert_filled(dir.path()).await;
}

#[tokio::test]
async fn a_key_file_may_be_a_link_and_may_be_given_beforehand() {
    let (dir, mounted) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let target = mounted.path().join("key");
    write_key(&target, &[5; 32]);
    symlink(&target, dir.path().join("vault.key")).unwrap();
    drop(FileVault::builder().begin(dir.path()).unwrap());
    filled(dir.path()).await;
    assert_filled(dir.path()).await;
    assert_eq!(fs::read(&target).unwrap(), [5; 32]);
}

#[tokio::test]
async fn a_directory_in_which_others_may_write_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    for exposed in [0o770, 0o702, 0o777] {
        fs::set_permissions(dir.path(), Permissions::from_mode(exposed)).unwrap();
        let error = refused(dir.path());
        assert!(
            matches!(&error, OpenVaultError::DirectoryExposed { mode, .. } if *mode == exposed)
        );
        assert!(error.to_string().contains("run: chmod 700"));
    }
    fs::set_permissions(dir.path(), Permissions::from_mode(0o755)).unwrap();
    filled(dir.path()).await;
}

#[tokio::test]
async fn one_process_has_it_at_a_time() {
    let dir = tempfile::tempdir().unwrap();
    filled(dir.path()).await;
    let vault = FileVault::open(dir.path()).unwrap();
    let error = refused(dir.path());
    assert!(matches!(error, OpenVaultError::InUse { .. }));
    assert!(error.to_string().contains("stop that process"));
    assert_eq!(
        &vault.fetch(&name(), Deadline::NONE).await.unwrap()[..],
        b"value"
    );
    drop(vault);
    assert_filled(dir.path()).await;
}

#[tokio::test]
async fn of_many_that_open_a_new_vault_at_once_one_gets_it() {
    // The others wait for the lock for two seconds.
    for _ in 0..4 {
        let dir = tempfile::tempdir().unwrap();
        let vaults: Vec<_> = std::thread::scope(|scope| {
            let threads = [(); 8].map(|()| scope.spawn(|| FileVault::open(dir.path())));
            threads.map(|thread| thread.join().unwrap()).into()
        });
        let mut open = 0;
        for vault in vaults {
            match vault {
                Ok(vault) => {
                    open += 1;
                    drop(vault);
                }
                Err(error) => assert!(matches!(error, OpenVaultError::InUse { .. }), "{error}"),
            }
        }
        assert!(open >= 1);
        filled(dir.path()).await;
        assert_filled(dir.path()).await;
    }
}

#[test]
fn other_files_are_no_vault() {
    for content in [&b"hello, I am a text file"[..], &[0x7f; 5000], b"hi"] {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("vault.redb"), content).unwrap();
        let error = refused(dir.path());
        assert!(matches!(error, OpenVaultError::NotAVault { .. }), "{error}");
        assert_eq!(fs::read(dir.path().join("vault.redb")).unwrap(), content);
        assert!(!dir.path().join("vault.key").exists());
    }
}

#[test]
fn a_database_of_something_else_is_no_vault() {
    let dir = tempfile::tempdir().unwrap();
    let database = redb::Database::create(dir.path().join("vault.redb")).unwrap();
    let transaction = database.begin_write().unwrap();
    let table = redb::TableDefinition::<u64, u64>::new("something else");
    transaction.open_table(table).unwrap();
    transaction.commit().unwrap();
    drop(database);
    let error = refused(dir.path());
    assert!(matches!(error, OpenVaultError::NotAVault { .. }), "{error}");
}

#[tokio::test]
async fn a_vault_of_a_later_version_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    filled(dir.path()).await;
    let database = redb::Database::open(dir.path().join("vault.redb")).unwrap();
    let transaction = database.begin_write().unwrap();
    {
        let table = redb::TableDefinition::<u32, &[u8]>::new("descriptor");
        let mut table = transaction.open_table(table).unwrap();
        let row = table.remove(2).unwrap().unwrap().value().to_vec();
        table.insert(3, &row[..]).unwrap();
    }
    transaction.commit().unwrap();
    drop(database);
    let error = refused(dir.path());
    assert!(matches!(error, OpenVaultError::NotAVault { .. }), "{error}");
}

/// What a crash can leave while a vault is made: each is taken up again.
#[tokio::test]
async fn an_unfinished_vault_is_finished() {
    for leave in [
        |_: &Path| {},
        // The directory and an empty file.
        |dir: &Path| fs::write(dir.join("vault.redb"), b"").unwrap(),
        // A file that the database began to lay out.
        |dir: &Path| fs::write(dir.join("vault.redb"), [0; 4096]).unwrap(),
        |dir: &Path| fs::write(dir.join("vault.redb"), [0; 2]).unwrap(),
        // A part of a key file that never got its name.
        |dir: &Path| write_key(&dir.join("vault.key.new"), &[1; 7]),
        // The key file, and a database without the vault's tables.
        |dir: &Path| {
            redb::Database::create(dir.join("vault.redb")).unwrap();
            write_key(&dir.join("vault.key"), &[5; 32]);
        },
    ] {
        let dir = tempfile::tempdir().unwrap();
        leave(dir.path());
        filled(dir.path()).await;
        assert_filled(dir.path()).await;
        assert!(!dir.path().join("vault.key.new").exists());
    }
}

/// A file whose start was lost is not taken for an unfinished one when there is a key to it.
#[tokio::test]
async fn a_vault_whose_start_was_overwritten_is_not_emptied() {
    let dir = tempfile::tempdir().unwrap();
    filled(dir.path()).await;
    let path = dir.path().join("vault.redb");
    let mut content = fs::read(&path).unwrap();
    content[..512].fill(0);
    fs::write(&path, &content).unwrap();
    let error = refused(dir.path());
    assert!(matches!(error, OpenVaultError::NotAVault { .. }), "{error}");
    assert!(fs::read(&path).unwrap() == content);
}

#[test]
fn paths_that_cannot_be_are_named() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("file");
    fs::write(&file, b"").unwrap();
    for path in [file.join("vault"), file] {
        let error = refused(&path);
        assert!(matches!(error, OpenVaultError::Io { .. }), "{error}");
        assert!(error.to_string().contains("file"), "{error}");
    }
}

async fn filled(dir: &Path) {
    let vault = FileVault::open(dir).unwrap();
    vault
        .create(
            &NewSecret::new(&name(), b"value", &OPERATION),
            Deadline::NONE,
        )
        .await
        .unwrap();
}

async fn assert_filled(dir: &Path) {
    let vault = FileVault::open(dir).unwrap();
    assert_eq!(
        &vault.fetch(&name(), Deadline::NONE).await.unwrap()[..],
        b"value"
    );
}

fn refused(dir: &Path) -> OpenVaultError {
    FileVault::open(dir).unwrap_err()
}

fn name() -> VaultSecretName {
    VaultSecretName::derive(VaultKind::EMBEDDED, None, "name")
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().mode() & 0o777
}

fn write_key(path: &Path, content: &[u8]) {
    let mut file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .open(path)
        .unwrap();
    file.set_permissions(Permissions::from_mode(0o600)).unwrap();
    file.write_all(content).unwrap();
}
