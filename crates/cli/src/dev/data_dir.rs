//! The folder in which `sealpost dev` keeps what lasts between runs.

use std::fs::{self, File, TryLockError};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use aws_lc_rs::rsa::KeySize;
use sealpost_files::{Access, FileError, create, create_folder, quoted};
use zeroize::Zeroizing;

use crate::error::Failure;
use crate::issuer::Issuer;
use crate::keygen::{AgentKey, CERTIFICATE_FILE, IDENTITY_FILE};

/// The folder, locked: one `sealpost dev` at a time.
#[derive(Debug)]
pub(crate) struct DataDir {
    path: PathBuf,
    /// Locked as long as it is open; the kernel releases it however the process ends.
    _lock: File,
}

impl DataDir {
    /// Opens the folder, creates it if it does not exist, and locks it.
    pub(crate) fn open(path: &Path) -> Result<Self, Failure> {
        create_folder(path)?;
        make_private(path)?;
        let lock_file = path.join(LOCK_FILE);
        let lock = File::options().create(true).append(true).open(&lock_file);
        let lock = lock.map_err(|e| FileError::new("open", &lock_file, e))?;
        match lock.try_lock() {
            Ok(()) => Ok(Self {
                path: path.to_owned(),
                _lock: lock,
            }),
            Err(TryLockError::WouldBlock) => Err(Failure::usage(format!(
                "another sealpost dev runs on {}",
                quoted(path)
            ))
            .hint("stop it, or give this one another folder with --data")),
            Err(TryLockError::Error(e)) => Err(FileError::new("lock", &lock_file, e).into()),
        }
    }

    /// The agent's identity and certificate, created at the first start.
    pub(crate) fn agent(&self, agent_id: &str) -> Result<AgentFiles, Failure> {
        let (identity, certificate) = (
            self.path.join(IDENTITY_FILE),
            self.path.join(CERTIFICATE_FILE),
        );
        if !identity.exists() && !certificate.exists() {
            let days = 398;
            AgentKey::generate(agent_id, KeySize::Rsa3072, days)?.write(&self.path)?;
        }
        Ok(AgentFiles {
            identity: read_private(&identity)?,
            certificate: sealpost_files::read(&certificate, MAX_PEM)?.to_vec(),
        })
    }

    /// The token issuer, created at the first start.
    pub(crate) fn issuer(&self) -> Result<Issuer, Failure> {
        let path = self.path.join(ISSUER_FILE);
        if !path.exists() {
            create(&path, Access::Owner, &Issuer::generate()?)?;
        }
        Issuer::from_pem(&read_private(&path)?)
    }

    pub(crate) fn vault(&self) -> PathBuf {
        vault(&self.path)
    }

    pub(crate) fn socket(&self) -> PathBuf {
        socket(&self.path)
    }
}

/// The agent's files, as PEM.
pub(crate) struct AgentFiles {
    pub(crate) identity: Zeroizing<Vec<u8>>,
    pub(crate) certificate: Vec<u8>,
}

/// Where the vault is in a data folder.
pub(crate) fn vault(data: &Path) -> PathBuf {
    data.join("vault")
}

/// Where `resolve` reaches a running `dev`.
pub(crate) fn socket(data: &Path) -> PathBuf {
    data.join("resolve.sock")
}

/// Keeps others out. It closes a folder that is ours or empty, and refuses any other.
fn make_private(path: &Path) -> Result<(), Failure> {
    let cannot = |e| FileError::new("use the folder", path, e);
    let mut permissions = fs::metadata(path).map_err(cannot)?.permissions();
    if permissions.mode() & OTHERS == 0 {
        return Ok(());
    }
    let is_empty = fs::read_dir(path).map_err(cannot)?.next().is_none();
    if !is_empty && !path.join(LOCK_FILE).exists() {
        let message = format!(
            "{} holds other files and can be entered by others",
            quoted(path)
        );
        return Err(
            Failure::usage(message).hint("name a folder that is empty or does not exist yet")
        );
    }
    permissions.set_mode(permissions.mode() & !OTHERS);
    fs::set_permissions(path, permissions).map_err(cannot)?;
    Ok(())
}

fn read_private(path: &Path) -> Result<Zeroizing<Vec<u8>>, Failure> {
    let metadata = fs::metadata(path).map_err(|e| FileError::new("read", path, e))?;
    if metadata.permissions().mode() & OTHERS != 0 {
        return Err(
            Failure::usage(format!("{} can be read by others", quoted(path)))
                .hint(format!("if none of them did: chmod 600 {}", path.display())),
        );
    }
    Ok(sealpost_files::read(path, MAX_PEM)?)
}

/// Where the folder is unless `--data` says otherwise.
pub(crate) const DEFAULT: &str = "./sealpost-data";
const LOCK_FILE: &str = "dev.lock";
const ISSUER_FILE: &str = "issuer.pem";
/// The permission bits of all but the owner.
const OTHERS: u32 = 0o077;
/// More than any key or certificate of ours needs.
const MAX_PEM: usize = 64 * 1024;
