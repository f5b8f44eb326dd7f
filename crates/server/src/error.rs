//! Why a process does not start.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

use sealpost_agent::LedgerError;
use sealpost_carrier::AlreadyRegistered;
use sealpost_channel::KeyRefused;
use sealpost_envelope::key::DuplicateKey;
use sealpost_files::{FileError, quoted};
use sealpost_vault::configuration::OpenError;
use thiserror::Error;

use crate::descriptors::TooFewDescriptors;

/// Why a configuration can't be read, or what it describes does not start. [`hint`](Self::hint) says what to do where
/// the text does not.
#[derive(Debug, Error)]
pub enum Error {
    /// A file can't be read or written.
    #[error(transparent)]
    File(#[from] FileError),
    /// The configuration is not text.
    #[error("{} is not UTF-8", quoted(path))]
    NotUtf8 {
        /// The configuration.
        path: PathBuf,
    },
    /// The configuration is not TOML.
    #[error("{}, line {line}: {message}", quoted(path))]
    NotToml {
        /// The configuration.
        path: PathBuf,
        /// From 1 on.
        line: usize,
        /// What is wrong; nothing of what stands there.
        message: String,
    },
    /// What the configuration describes would not start, for these reasons, each with the key's place. Nothing was created.
    #[error("nothing was started:{}", lines(.0))]
    Refused(Vec<String>),
    /// No key for signatures can be created.
    #[error(transparent)]
    Key(#[from] KeyRefused),
    /// Two of an agent's keys are the same.
    #[error(transparent)]
    Identities(#[from] DuplicateKey),
    /// Two agents have the same id.
    #[error(transparent)]
    Agent(#[from] AlreadyRegistered),
    /// An agent's vault does not open.
    #[error(transparent)]
    Vault(OpenError),
    /// A vault in a folder is asked for, and the program was built without any.
    #[error("this program was built without a vault that needs nothing but a folder")]
    NoFolderVault,
    /// An agent's ledger does not open.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// The process may not open as many files and sockets as its limits promise.
    #[error(transparent)]
    Descriptors(#[from] TooFewDescriptors),
    /// An address is in use or not this host's.
    #[error("{key}: cannot listen on {address}: {source}")]
    Listen {
        /// The key that names it.
        key: &'static str,
        /// The address.
        address: SocketAddr,
        /// The operating system's error.
        source: io::Error,
    },
    /// The resolve socket can't be opened.
    #[error("cannot listen on {}: {source}", quoted(path))]
    ResolveSocket {
        /// Where it should be.
        path: PathBuf,
        /// The operating system's error.
        source: io::Error,
    },
}

impl Error {
    /// What to do about it, if the text does not say so.
    #[must_use]
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::File(error) => Some(error.hint()),
            Self::NotUtf8 { .. } => Some("save it as UTF-8"),
            Self::NotToml { .. } => Some("fix the TOML; docs/OPERATIONS.md has an example"),
            Self::Listen { .. } => {
                Some("change the address in the configuration, or stop what listens there")
            }
            Self::ResolveSocket { source, .. } => Some(match source.kind() {
                io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                    "free space, or inodes (df -i), in its folder, or name another"
                }
                io::ErrorKind::InvalidInput => {
                    "give a shorter path: a socket's path has at most 107 bytes, and room is needed for a folder beside it"
                }
                _ => {
                    "its folder must be writable for the user who runs this, and nothing but a socket be at its path"
                }
            }),
            Self::NoFolderVault => Some("use the program with its default features"),
            Self::Refused(_)
            | Self::Key(_)
            | Self::Identities(_)
            | Self::Agent(_)
            | Self::Vault(_)
            | Self::Ledger(_)
            | Self::Descriptors(_) => None,
        }
    }
}

/// Each in a line of its own.
fn lines(findings: &[String]) -> String {
    let lines = findings.iter().map(|finding| format!("\n  {finding}"));
    lines.collect()
}
