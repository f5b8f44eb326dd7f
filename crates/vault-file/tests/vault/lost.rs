//! Lost vault: with neither key nor database a start creates a vault; in every other incomplete state it refuses, says what to
//! restore, and changes nothing. The check finds the same and creates nothing.

use std::collections::BTreeMap;
use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use sealpost_vault::configuration::Opening::{self, CreateIfNew, ExistingOnly};
use sealpost_vault::{
    Deadline, NewSecret, OperationId, Vault, VaultKind, VaultSecretName, error::FetchError,
};
use sealpost_vault_file::{FileVault, KIND, OpenVaultError};

/// The content of a file, if it is there.
type Content<'c> = Option<&'c [u8]>;

const OPERATION: OperationId = OperationId::from_bytes([7; 32]);

#[tokio::test]
async fn every_incomplete_vault_is_refused_and_says_what_to_restore() {
    let whole = filled().await;
    let other = filled().await;
    let database = fs::read(whole.path().join("vault.redb")).unwrap();
    let key = fs::read(whole.path().join("vault.key")).unwrap();
    let other_database = fs::read(other.path().join("vault.redb")).unwrap();
    let other_key = fs::read(other.path().join("vault.key")).unwrap();
    let mut zeroed = database.clone();
    zeroed[..4096].fill(0);
    let empty: &[u8] = b"";

    let cases: Vec<(&str, Content<'_>, Content<'_>, &str)> = vec![
        (
            "an empty database",
            Some(empty),
            Some(&key),
            "vault.redb is empty",
        ),
        ("no database", None, Some(&key), "vault.redb is missing"),
        ("zeros", Some(&[0; 4096]), Some(&key), "vault.redb is empty"),
        (
            "a cut database",
            Some(&database[..4096]),
            Some(&key),
            "back from a backup",
        ),
        (
            "a cut header",
            Some(&database[..100]),
            Some(&key),
            "not a vault",
        ),
        ("a start of zeros", Some(&zeroed), Some(&key), "not a vault"),
        (
            "a start of zeros without key",
            Some(&zeroed),
            None,
            "not a vault",
        ),
        ("no key", Some(&database), None, "vault.key is missing"),
        ("an empty key", Some(&database), Some(empty), "32 bytes"),
        (
            "another's key",
            Some(&database),
            Some(&other_key),
            "another vault",
        ),
        (
            "another's database",
            Some(&other_database),
            Some(&key),
            "another vault",
        ),
        ("a text", Some(b"hello"), Some(&key), "not a vault"),
    ];
    for (what, database, key, says) in cases {
        for leftover in [false, true] {
            let dir = tempfile::tempdir().unwrap();
            put(dir.path(), "vault.redb", database);
            put(dir.path(), "vault.key", key);
            if leftover {
                put(dir.path(), "vault.key.new", Some(&[1; 7]));
            }
            let before = content(dir.path());
            for opening in [CreateIfNew, ExistingOnly] {
                let error = FileVault::check(dir.path(), opening)
                    .unwrap_err()
                    .to_string();
                assert!(error.contains(says), "{what}: {error}");
                assert!(
                    content(dir.path()) == before,
                    "{what}: check changed something"
                );
                let error = open(dir.path(), opening).unwrap_err().to_string();
                assert!(error.contains(says), "{what}: {error}");
                assert!(error.contains("back"), "{what}: {error}");
                assert!(
                    content(dir.path()) == before,
                    "{what}: opening changed something"
                );
            }
        }
    }
}

#[tokio::test]
async fn where_something_remembers_a_vault_none_is_created() {
    let dir = tempfile::tempdir().unwrap();
    let nowhere = dir.path().join("vault");
    for path in [dir.path(), &nowhere] {
        let checked = FileVault::check(path, ExistingOnly).unwrap_err();
        assert!(
            matches!(checked, OpenVaultError::Missing { .. }),
            "{checked}"
        );
        let opened = open(path, ExistingOnly).unwrap_err();
        assert!(
            opened.to_string().contains("sealpost vault init"),
            "{opened}"
        );
        assert_eq!(FileVault::check(path, CreateIfNew).unwrap(), None);
    }
    assert_eq!(
        fs::read_dir(dir.path()).unwrap().count(),
        0,
        "something was created"
    );
}

/// What a crash in the middle of the first creation leaves heals by itself, and the check passes it.
#[tokio::test]
async fn a_crash_while_the_vault_was_created_is_healed_and_not_where_a_ledger_is() {
    let laid_out = tempfile::tempdir().unwrap();
    drop(redb::Database::create(laid_out.path().join("d")).unwrap());
    let laid_out = fs::read(laid_out.path().join("d")).unwrap();
    let cases: Vec<(Content<'_>, Content<'_>)> = vec![
        (None, None),
        (Some(b""), None),
        (Some(&[0; 4096]), None),
        (Some(&laid_out), None),
        (Some(&laid_out), Some(&[5; 32])),
    ];
    for (database, key) in cases {
        for leftover in [None, Some(&[1; 7][..])] {
            let dir = tempfile::tempdir().unwrap();
            put(dir.path(), "vault.redb", database);
            put(dir.path(), "vault.key", key);
            put(dir.path(), "vault.key.new", leftover);
            assert!(open(dir.path(), ExistingOnly).is_err());
            assert_eq!(FileVault::check(dir.path(), CreateIfNew).unwrap(), None);
            let vault = open(dir.path(), CreateIfNew).unwrap();
            store(&vault).await;
            let id = vault.id();
            drop(vault);
            assert_eq!(FileVault::check(dir.path(), ExistingOnly).unwrap(), id);
        }
    }
}

/// A vault in which something was stored never looks like one that is being created, whatever a crash or rot leaves of it: the
/// first record is in the second commit that has tables.
#[tokio::test]
async fn a_vault_with_a_secret_is_not_taken_for_one_that_is_being_created() {
    let whole = filled().await;
    let database = fs::read(whole.path().join("vault.redb")).unwrap();
    let key = fs::read(whole.path().join("vault.key")).unwrap();
    for page in 0..database.len() / 4096 {
        let dir = tempfile::tempdir().unwrap();
        let mut damaged = database.clone();
        damaged[page * 4096..][..4096].fill(0);
        put(dir.path(), "vault.redb", Some(&damaged));
        put(dir.path(), "vault.key", Some(&key));
        if let Ok(vault) = open(dir.path(), CreateIfNew) {
            let fetched = vault.fetch(&name(), Deadline::NONE).await;
            assert!(!matches!(fetched, Err(FetchError::NotFound)), "page {page}");
        }
    }
}

#[tokio::test]
async fn a_vault_that_is_open_passes_the_check() {
    let dir = filled().await;
    let vault = open(dir.path(), ExistingOnly).unwrap();
    assert_eq!(FileVault::check(dir.path(), ExistingOnly).unwrap(), None);
    drop(vault);
}

#[tokio::test]
async fn begin_again_keeps_the_old_files_under_other_names() {
    let dir = filled().await;
    let configuration = KIND.in_folder.unwrap()(dir.path().to_owned());
    let maintenance = configuration.maintenance().unwrap();
    let old_id = FileVault::check(dir.path(), ExistingOnly).unwrap();

    let open_vault = open(dir.path(), ExistingOnly).unwrap();
    assert!(
        maintenance.begin_again(false).await.is_err(),
        "it is in use"
    );
    drop(open_vault);

    let before = content(dir.path());
    let moved = maintenance.begin_again(false).await.unwrap();
    assert_eq!(moved.len(), 2);
    for (old, new) in &moved {
        assert!(before[old] == fs::read(new).unwrap());
        assert!(before[old] != fs::read(old).unwrap());
    }
    let vault = open(dir.path(), ExistingOnly).unwrap();
    assert!(matches!(
        vault.fetch(&name(), Deadline::NONE).await,
        Err(FetchError::NotFound)
    ));
    assert_ne!(vault.id(), old_id);
    drop(vault);

    let key = fs::read(dir.path().join("vault.key")).unwrap();
    let moved = maintenance.begin_again(true).await.unwrap();
    assert_eq!(moved.len(), 1);
    assert_eq!(fs::read(dir.path().join("vault.key")).unwrap(), key);
    assert_eq!(content(dir.path()).len(), 5, "nothing is deleted");
    fs::remove_file(dir.path().join("vault.key")).unwrap();
    assert!(
        maintenance.begin_again(true).await.is_err(),
        "there is no key to keep"
    );
    assert_eq!(content(dir.path()).len(), 4);
}

fn open(dir: &Path, opening: Opening) -> Result<FileVault, OpenVaultError> {
    FileVault::builder().opening(opening).open(dir)
}

async fn filled() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let vault = open(dir.path(), CreateIfNew).unwrap();
    store(&vault).await;
    vault.close().await;
    dir
}

async fn store(vault: &FileVault) {
    let name = name();
    let secret = NewSecret::new(&name, b"value", &OPERATION);
    vault.create(&secret, Deadline::NONE).await.unwrap();
}

fn put(dir: &Path, file: &str, content: Option<&[u8]>) {
    if let Some(content) = content {
        let mut options = OpenOptions::new();
        options.write(true).create_new(true).mode(0o600);
        let mut file = options.open(dir.join(file)).unwrap();
        file.write_all(content).unwrap();
    }
}

fn content(dir: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let files = fs::read_dir(dir).unwrap().map(|file| file.unwrap().path());
    files
        .map(|path| (path.clone(), fs::read(path).unwrap()))
        .collect()
}

fn name() -> VaultSecretName {
    VaultSecretName::derive(VaultKind::EMBEDDED, None, "name")
}

/// More zeros than what a crash leaves of a file that is being created.
#[tokio::test]
async fn zeros_longer_than_a_database_that_is_begun_are_refused_also_without_a_key() {
    let dir = tempfile::tempdir().unwrap();
    let begun = dir.path().join("begun");
    let database = redb::Database::create(&begun).unwrap();
    let laid_out = usize::try_from(fs::metadata(&begun).unwrap().len()).unwrap();
    drop(database);
    for (zeros, is_refused) in [
        (4096, false),
        (laid_out, false),
        (laid_out + 1, true),
        (laid_out + 4096, true),
        (10 << 20, true),
    ] {
        let dir = tempfile::tempdir().unwrap();
        put(dir.path(), "vault.redb", Some(&vec![0; zeros]));
        let checked = FileVault::check(dir.path(), CreateIfNew);
        let opened = FileVault::open(dir.path());
        assert_eq!(checked.is_err(), is_refused, "{zeros}: {checked:?}");
        assert_eq!(opened.is_err(), is_refused, "{zeros}: {opened:?}");
        if let Err(error) = opened {
            assert!(error.to_string().contains("not a vault"), "{error}");
            let left = fs::read(dir.path().join("vault.redb")).unwrap();
            assert!(left == vec![0; zeros], "{zeros}: it was changed");
            assert!(!dir.path().join("vault.key").exists());
        }
    }
}

/// A key on a medium that is not mounted.
#[tokio::test]
async fn a_key_that_is_a_dangling_link_is_not_replaced_by_a_new_key() {
    let whole = filled().await;
    let database = fs::read(whole.path().join("vault.redb")).unwrap();
    for content in [None, Some(&b""[..]), Some(&[0; 4096]), Some(&database)] {
        let dir = tempfile::tempdir().unwrap();
        put(dir.path(), "vault.redb", content);
        let key = dir.path().join("vault.key");
        let target = dir.path().join("not mounted");
        std::os::unix::fs::symlink(&target, &key).unwrap();
        for opening in [CreateIfNew, ExistingOnly] {
            let checked = FileVault::check(dir.path(), opening);
            let opened = FileVault::builder().opening(opening).open(dir.path());
            let says = match content {
                Some(_) => "link that leads nowhere",
                None => "vault.redb is missing",
            };
            for error in [checked.unwrap_err(), opened.unwrap_err()] {
                assert!(error.to_string().contains(says), "{error}");
            }
        }
        assert!(FileVault::builder().begin(dir.path()).is_err());
        assert_eq!(fs::read_link(&key).unwrap(), target);
        let left = fs::read(dir.path().join("vault.redb")).ok();
        assert!(left.as_deref() == content, "the database was changed");
    }
}

/// The disk is full, and an operator empties the file to make room.
#[tokio::test]
async fn a_vault_that_becomes_empty_while_it_is_open_is_damaged_and_not_begun_again() {
    for length in [0, 4096] {
        let dir = filled().await;
        let vault = FileVault::builder().cache(0).open(dir.path()).unwrap();
        let path = dir.path().join("vault.redb");
        let file = OpenOptions::new().write(true).open(&path).unwrap();
        file.set_len(length).unwrap();
        for name in ["a", "b"] {
            let name = VaultSecretName::derive(VaultKind::EMBEDDED, None, name);
            let secret = NewSecret::new(&name, b"value", &OPERATION);
            let created = vault.create(&secret, Deadline::NONE).await;
            assert!(created.is_err(), "{length}: {created:?}");
            let health = vault.health();
            assert!(!health.is_ready(), "{length}: {health:?}");
        }
        vault.close().await;
        drop(vault);
        assert_eq!(fs::metadata(&path).unwrap().len(), length);
        let refused = FileVault::open(dir.path()).unwrap_err();
        assert!(
            refused.to_string().contains("back from a backup"),
            "{refused}"
        );
    }
}
