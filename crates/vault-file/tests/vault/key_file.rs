//! The key file while the vault is open: without it nothing can be read after the next start.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use sealpost_vault::{
    Deadline, NewSecret, OperationId, Vault, VaultKind, VaultSecretName, error::CreateError,
};
use sealpost_vault_file::FileVault;

async fn create(vault: &FileVault, text: &str) -> Result<(), CreateError> {
    let name = VaultSecretName::parse(VaultKind::EMBEDDED, text).unwrap();
    let operation = OperationId::from_bytes([7; 32]);
    let secret = NewSecret::new(&name, b"value", &operation);
    vault.create(&secret, Deadline::NONE).await.map(drop)
}

#[tokio::test]
async fn a_key_that_is_removed_replaced_or_emptied_while_the_vault_is_open_is_noticed_and_nothing_is_stored()
 {
    let folder = tempfile::tempdir().unwrap();
    let vault = FileVault::open(folder.path()).unwrap();
    create(&vault, "before").await.unwrap();
    let path = folder.path().join("vault.key");
    let key = fs::read(&path).unwrap();
    let write = |content: &[u8]| {
        fs::write(&path, content).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
    };
    type Fault<'f> = &'f dyn Fn(&Path);
    let faults: [(&str, Fault<'_>); 5] = [
        ("was removed", &|path| fs::remove_file(path).unwrap()),
        ("has another key", &|_| write(&[9; 32])),
        ("has 0 bytes", &|_| write(b"")),
        ("has 33 bytes", &|_| write(&[9; 33])),
        ("can't be read", &|path| {
            fs::remove_file(path).unwrap();
            fs::create_dir(path).unwrap();
        }),
    ];
    for (index, (what, fault)) in faults.into_iter().enumerate() {
        fault(&path);
        vault.look().await;
        let health = format!("{:?}", vault.health());
        let is_folder = what == "can't be read";
        assert!(!vault.health().is_ready(), "{what}");
        assert!(health.contains(what) || is_folder, "{what}: {health}");
        assert!(health.contains("put it back from a backup"), "{health}");
        let error = create(&vault, "meanwhile").await.unwrap_err();
        assert!(matches!(error, CreateError::Failed(_)), "{error}");
        // What is stored is given out.
        let name = VaultSecretName::parse(VaultKind::EMBEDDED, "before").unwrap();
        let value = vault.fetch(&name, Deadline::NONE).await.unwrap();
        assert_eq!(&value[..], b"value");

        if is_folder {
            fs::remove_dir(&path).unwrap();
        }
        write(&key);
        vault.look().await;
        assert!(vault.health().is_ready(), "{what}");
        create(&vault, &format!("after-{index}")).await.unwrap();
    }
    // The next start refuses it, and it loses nothing: it is in the log alone.
    fs::set_permissions(&path, Permissions::from_mode(0o644)).unwrap();
    vault.look().await;
    assert!(vault.health().is_ready());
    fs::remove_file(&path).unwrap();
    vault.look().await;
    vault.close().await;
    assert!(!path.exists(), "no key is written but by creating a vault");
}
