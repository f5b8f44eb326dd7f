//! Sound files, made by the vault itself.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;
use std::{env, fs};

use sealpost_vault::{
    Deadline, Lifecycle, NewSecret, OperationId, Vault, VaultKind, VaultSecretName,
};
use sealpost_vault_file::FileVault;

use super::layout;

/// A vault's file and what is in it.
#[derive(Debug)]
pub(super) struct Base {
    pub(super) bytes: Vec<u8>,
    pub(super) key: [u8; 32],
    pub(super) stored: BTreeMap<String, Vec<u8>>,
    /// Names of secrets that are not there any more.
    pub(super) deleted: Vec<String>,
    /// What was stored earlier.
    former: Vec<(String, Vec<u8>)>,
    /// What the checksums of the newest commit cover, page by page.
    pub(super) covered: Vec<Range<usize>>,
}

impl Base {
    pub(super) fn ever_stored(&self, name: &str, value: &[u8]) -> bool {
        let former = self.former.iter();
        self.stored.get(name).is_some_and(|there| there == value)
            || former
                .into_iter()
                .any(|(there, former)| there == name && former == value)
    }
}

/// A small one, one with branches and a long value, and one that was not closed. Their keys are random, and their pages lie where
/// they always do.
pub(super) static BASES: LazyLock<[Base; 3]> = LazyLock::new(|| {
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    let runtime = runtime.expect("a runtime");
    let names = |count| {
        (0..count)
            .map(|n| format!("name-{n:03}"))
            .collect::<Vec<_>>()
    };
    [
        runtime.block_on(make(&names(6), 40, true)),
        runtime.block_on(make(&names(90), 20_000, true)),
        runtime.block_on(make(&names(40), 300, false)),
    ]
});

async fn make(names: &[String], longest: usize, closed: bool) -> Base {
    let dir = tempfile::tempdir_in(memory()).expect("a folder");
    let vault = FileVault::open(dir.path()).expect("a new vault");
    let mut stored = BTreeMap::new();
    for (n, name) in names.iter().enumerate() {
        let length = if n == 1 { longest } else { 30 + n };
        let value = name.bytes().cycle().take(length).collect::<Vec<_>>();
        create(&vault, name, &value).await;
        stored.insert(name.clone(), value);
    }
    let (gone, again) = (names[2].clone(), names[3].clone());
    let mut former = Vec::new();
    for name in [&gone, &again] {
        let deleted = vault.delete(&name_of(name), Deadline::NONE).await;
        deleted.expect("it was stored");
        former.push((name.clone(), stored.remove(name).expect("it was stored")));
    }
    create(&vault, &again, b"again").await;
    stored.insert(again, b"again".to_vec());
    if closed {
        vault.close().await;
    }
    let read = |name| fs::read(dir.path().join(name)).expect("it is there");
    let bytes = read("vault.redb");
    Base {
        covered: layout::covered(&bytes),
        bytes,
        key: read("vault.key").try_into().expect("32 bytes"),
        stored,
        deleted: vec![gone],
        former,
    }
}

async fn create(vault: &FileVault, name: &str, value: &[u8]) {
    let name = name_of(name);
    let operation = OperationId::from_bytes([1; 32]);
    let secret = NewSecret::new(&name, value, &operation);
    let created = vault.create(&secret, Deadline::NONE).await;
    created.expect("the name is free");
}

fn name_of(name: &str) -> VaultSecretName {
    VaultSecretName::derive(VaultKind::EMBEDDED, None, name)
}

/// Where an fsync costs nothing.
fn memory() -> PathBuf {
    let memory = Path::new("/dev/shm");
    match memory.is_dir() {
        true => memory.to_owned(),
        false => env::temp_dir(),
    }
}
