//! Whether the key file is still the one that was read: without it, what is stored can't be opened after the next start.

use aws_lc_rs::constant_time::verify_slices_are_equal;
use parking_lot::Mutex;
use tracing::{error, info, warn};

use crate::error::OpenVaultError;
use crate::files::Files;
use crate::keys::FileKey;

/// The key file of a vault that is open.
#[derive(Debug)]
pub(crate) struct KeyFile {
    files: Files,
    seen: Mutex<Seen>,
}

/// What the last look found.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
enum Seen {
    #[default]
    Fine,
    /// Others may read it.
    Exposed,
    /// The next start would not open the vault.
    Lost(String),
}

impl KeyFile {
    pub(crate) fn new(files: Files) -> Self {
        Self {
            files,
            seen: Mutex::default(),
        }
    }

    /// Returns what is wrong with it, and what to do; `None` if the next start finds the key.
    pub(crate) fn fault(&self) -> Option<String> {
        match &*self.seen.lock() {
            Seen::Fine | Seen::Exposed => None,
            Seen::Lost(what) => Some(format!(
                "the key file {} {what}. This process still has the key, and stores nothing until the file is back: put it back from a backup",
                self.files.key.display()
            )),
        }
    }

    /// Compares the file with the key that was read from it. Blocks while it reads the disk. It is never written.
    pub(crate) fn look(&self, key: &FileKey) {
        let seen = match self.files.read_key() {
            Ok(Some(found)) if verify_slices_are_equal(&found[..], &key[..]).is_ok() => Seen::Fine,
            Ok(Some(_)) => Seen::Lost("has another key".to_owned()),
            Ok(None) => Seen::Lost("was removed".to_owned()),
            Err(OpenVaultError::KeyExposed { .. }) => Seen::Exposed,
            Err(OpenVaultError::KeyLength { len, .. }) => {
                Seen::Lost(format!("has {len} bytes where a key has 32"))
            }
            Err(OpenVaultError::Io { source, .. }) => {
                Seen::Lost(format!("can't be read: {source}"))
            }
            Err(other) => Seen::Lost(format!("can't be read: {other}")),
        };
        let before = std::mem::replace(&mut *self.seen.lock(), seen.clone());
        if before == seen {
            return;
        }
        let file = self.files.key.display();
        match seen {
            Seen::Fine => info!(%file, "the key file of the vault is again as it was"),
            Seen::Exposed => warn!(
                %file,
                "others may read the key file of the vault, and the next start refuses it: chmod 600 it; whoever has read it can open \
                 copies of the vault"
            ),
            Seen::Lost(what) => error!(
                %file,
                "the key file of the vault {what}; this process still has the key, and stores nothing until the file is back: put it \
                 back from a backup before the program ends, since the next start can't open the vault without it"
            ),
        }
    }
}
