//! What can go wrong with a ledger.

use std::{io, path::PathBuf, sync::Arc};

use sealpost_vault::VaultId;
use thiserror::Error;

/// Why a ledger can't be used.
#[derive(Clone, Debug, Error)]
#[non_exhaustive]
pub enum LedgerError {
    /// Others may replace the file.
    #[error(
        "others may write to {}, where the ledger lies (mode {mode:03o}): chmod go-w it, or put the ledger elsewhere",
        dir.display()
    )]
    DirectoryExposed {
        /// The directory.
        dir: PathBuf,
        /// Its permissions.
        mode: u32,
    },
    /// Another process has it open.
    #[error(
        "the ledger {} is in use: every agent needs one of its own; stop the other process, or give another path",
        path.display()
    )]
    InUse {
        /// The file.
        path: PathBuf,
    },
    /// The file can't be opened or created.
    #[error(
        "the ledger {} can't be used: {source}; check that the path is right and its owner runs this",
        path.display()
    )]
    Io {
        /// The file or its directory.
        path: PathBuf,
        /// Why.
        source: Arc<io::Error>,
    },
    /// It is not a ledger, or it is damaged.
    #[error(
        "{} is not a ledger that can be read ({reason}): if it can't be restored, move it away; until its entries would have \
         expired, 24 hours, retries of older requests may then be carried out again",
        path.display()
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What the database says.
        reason: String,
    },
    /// It remembers secrets of another vault.
    #[error(
        "the ledger {} belongs to vault {ledger}, and this one is {vault}: put back the vault or the ledger that belongs to the other, or, if \
         that vault was given up, move the ledger away",
        path.display()
    )]
    OtherVault {
        /// The file.
        path: PathBuf,
        /// The vault to which it belongs.
        ledger: VaultId,
        /// The vault that is there.
        vault: VaultId,
    },
    /// It failed after it was opened.
    #[error("the ledger can't be used: {0}")]
    Failed(String),
}
