//! The vault into which is saved what can be saved.

use std::fs;
use std::path::{Path, PathBuf};

use crate::error::OpenVaultError;
use crate::keys::VaultKeys;
use crate::record::Record;
use crate::store::Change;
use crate::vault::FileVault;

/// A new vault, with an identifier and a key of its own: a ledger of the old one, which remembers secrets that may be lost, is
/// not taken for one of this vault, and what was deleted from the old one can't be opened with the new key.
#[derive(Debug)]
pub(super) struct Target {
    vault: FileVault,
    path: PathBuf,
    pending: Vec<Change>,
}

impl Target {
    /// Creates a vault in a folder that is empty or does not exist.
    pub(super) fn create(dir: &Path) -> Result<Self, OpenVaultError> {
        let is_taken = fs::read_dir(dir).is_ok_and(|mut entries| entries.next().is_some());
        if is_taken {
            return Err(OpenVaultError::NotEmpty {
                dir: dir.to_owned(),
            });
        }
        Ok(Self {
            vault: FileVault::builder().begin(dir)?,
            path: dir.to_owned(),
            pending: Vec::new(),
        })
    }

    /// Stores a record of a vault with these keys. A retry of the operation that stored it is recognised as before.
    pub(super) fn store(
        &mut self,
        keys: &VaultKeys,
        name: &str,
        record: &[u8],
    ) -> Result<(), OpenVaultError> {
        let (Some(parts), Ok(value)) = (Record::parse(record), keys.open(name, record)) else {
            return Ok(());
        };
        let record = self.vault.keys().seal(name, &parts.operation, &value);
        self.pending.push(Change::Create {
            name: name.to_owned(),
            record: record.map_err(|_| OpenVaultError::Crypto)?,
        });
        match self.pending.len() < BATCH {
            true => Ok(()),
            false => self.finish(),
        }
    }

    /// Makes durable what is pending.
    pub(super) fn finish(&mut self) -> Result<(), OpenVaultError> {
        let written = self.vault.write(&self.pending);
        self.pending.clear();
        written.map_err(|error| OpenVaultError::store(&self.path.join("vault.redb"), error))
    }
}

/// Records that share one fsync.
const BATCH: usize = 256;
