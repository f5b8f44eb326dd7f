//! Vaults that version 0.1.0 wrote, before names were sealed: `testdata/vaults/version-1`, one closed, one of a process that was
//! killed. Each holds `old-1` to `old-5`.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use redb::ReadableDatabase as _;
use sealpost_vault::{
    Deadline, Lifecycle, NewSecret, OperationId, Vault, VaultKind, VaultSecretName,
    configuration::Opening,
    error::{CreateError, FetchError},
};
use sealpost_vault_file::FileVault;

const OPERATION: OperationId = OperationId::from_bytes([7; 32]);

#[tokio::test]
async fn a_vault_of_version_1_opens_and_becomes_one_of_version_2_once() {
    for kind in ["closed", "unclean"] {
        let dir = copy(kind);
        assert!(
            FileVault::check(dir.path(), Opening::ExistingOnly)
                .unwrap()
                .is_some()
        );
        assert!(
            fs::read(dir.path().join("vault.redb")).unwrap() == original(kind),
            "check changed it"
        );
        for round in 0..3 {
            let vault = FileVault::open(dir.path()).unwrap();
            assert!(vault.health().is_ready());
            for index in 1..=5 {
                let value = vault
                    .fetch(&name(&format!("old-{index}")), Deadline::NONE)
                    .await
                    .unwrap();
                assert_eq!(&value[..], format!("{{\"n\":\"{index}\"}}").as_bytes());
            }
            let secret = name("old-3");
            let again = vault
                .create(&NewSecret::new(&secret, b"x", &OPERATION), Deadline::NONE)
                .await;
            assert!(matches!(again, Err(CreateError::Exists)));
            let new = name(&format!("new-{round}"));
            assert!(matches!(
                vault.fetch(&new, Deadline::NONE).await,
                Err(FetchError::NotFound)
            ));
            vault
                .create(&NewSecret::new(&new, b"value", &OPERATION), Deadline::NONE)
                .await
                .unwrap();
            vault.close().await;
        }
        let vault = FileVault::open(dir.path()).unwrap();
        vault.delete(&name("old-1"), Deadline::NONE).await.unwrap();
        vault.close().await;
        assert_eq!(versions(dir.path()), [2]);
    }
}

/// The file of version 1 has no seal, so its own checksums and records must be right.
#[tokio::test]
async fn one_flipped_bit_in_a_vault_of_version_1_loses_no_name_silently() {
    for kind in ["closed", "unclean"] {
        let dir = copy(kind);
        let whole = original(kind);
        let mut refused = 0;
        for bit in (4096 * 8..whole.len() * 8).step_by(2003) {
            let mut changed = whole.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            fs::write(dir.path().join("vault.redb"), &changed).unwrap();
            let Ok(vault) = FileVault::open(dir.path()) else {
                continue;
            };
            refused += usize::from(!vault.health().is_ready());
            for index in 1..=5 {
                match vault
                    .fetch(&name(&format!("old-{index}")), Deadline::NONE)
                    .await
                {
                    Ok(value) => {
                        assert_eq!(&value[..], format!("{{\"n\":\"{index}\"}}").as_bytes());
                    }
                    Err(error) => assert!(
                        !matches!(error, FetchError::NotFound),
                        "{kind}, bit {bit}, {:?}",
                        vault.health()
                    ),
                }
            }
            vault.close().await;
        }
        assert!(refused > 0, "no flip was in a page that is used");
    }
}

fn versions(dir: &Path) -> Vec<u32> {
    use redb::ReadableTable as _;
    let database = redb::Database::open(dir.join("vault.redb")).unwrap();
    let table = redb::TableDefinition::<u32, &[u8]>::new("descriptor");
    let table = database.begin_read().unwrap().open_table(table).unwrap();
    table
        .iter()
        .unwrap()
        .map(|row| row.unwrap().0.value())
        .collect()
}

fn copy(kind: &str) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    for file in ["vault.redb", "vault.key"] {
        let to = dir.path().join(file);
        fs::copy(testdata(kind).join(file), &to).unwrap();
        fs::set_permissions(&to, fs::Permissions::from_mode(0o600)).unwrap();
    }
    dir
}

fn original(kind: &str) -> Vec<u8> {
    fs::read(testdata(kind).join("vault.redb")).unwrap()
}

fn testdata(kind: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../testdata/vaults/version-1")
        .join(kind)
}

fn name(name: &str) -> VaultSecretName {
    VaultSecretName::derive(VaultKind::EMBEDDED, None, name)
}
