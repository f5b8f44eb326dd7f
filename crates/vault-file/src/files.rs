//! The directory of a vault and the files in it.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use aws_lc_rs::rand;
use sealpost_files::{FileError, Missing, check_can_create_in, check_room, open, open_own};
use zeroize::Zeroizing;

use crate::error::OpenVaultError;
use crate::keys::FileKey;

/// The paths of a vault.
#[derive(Clone, Debug)]
pub(crate) struct Files {
    pub(crate) dir: PathBuf,
    pub(crate) database: PathBuf,
    pub(crate) key: PathBuf,
}

impl Files {
    /// What the files are called, the one included that becomes the key.
    pub(crate) const NAMES: &[&str] = &["vault.redb", "vault.key", "vault.key.new"];

    pub(crate) fn new(dir: &Path) -> Self {
        Self {
            dir: dir.to_owned(),
            database: dir.join("vault.redb"),
            key: dir.join("vault.key"),
        }
    }

    /// Returns whether there is any trace of a vault: a key or a database.
    pub(crate) fn have_a_trace(&self) -> bool {
        // Also a link that leads nowhere: to a medium that is not mounted.
        [&self.key, &self.database]
            .iter()
            .any(|path| path.symlink_metadata().is_ok())
    }

    /// Creates the directory if it is not there and `create` permits it, and refuses one where others may replace files.
    pub(crate) fn prepare_directory(&self, create: bool) -> Result<(), OpenVaultError> {
        let failed = |error| OpenVaultError::io(&self.dir, error);
        // A link that leads nowhere is not created through: what it names may not be mounted.
        if create && self.dir.symlink_metadata().is_err() {
            DirBuilder::new()
                .recursive(true)
                .mode(0o700)
                .create(&self.dir)
                .map_err(failed)?;
            sync_directory(parent(&self.dir)).map_err(failed)?;
        }
        let mode = match fs::metadata(&self.dir) {
            Ok(metadata) if !metadata.is_dir() => {
                return Err(failed(io::ErrorKind::NotADirectory.into()));
            }
            Ok(metadata) => metadata.mode() & 0o777,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(match self.dir.symlink_metadata() {
                    Ok(_) => failed(leads_nowhere()),
                    Err(_) => OpenVaultError::Missing {
                        dir: self.dir.clone(),
                    },
                });
            }
            Err(error) => return Err(failed(error)),
        };
        if mode & 0o022 != 0 {
            return Err(OpenVaultError::DirectoryExposed {
                dir: self.dir.clone(),
                mode,
            });
        }
        Ok(())
    }

    /// Finds what creating the vault would fail with where there is none, as far as the system tells.
    pub(crate) fn check_creatable(&self) -> Result<(), OpenVaultError> {
        let folder = match self.dir.symlink_metadata() {
            Ok(_) => &self.dir,
            Err(_) => parent(&self.dir),
        };
        check_can_create_in(folder)
            .and_then(|()| check_room(folder, FIRST_WRITES))
            .map_err(|error| OpenVaultError::io(folder, error))?;
        let unfinished = self.unfinished_key();
        match unfinished.symlink_metadata() {
            Ok(found) if found.is_dir() => {
                let error = io::ErrorKind::IsADirectory.into();
                Err(OpenVaultError::io(&unfinished, error))
            }
            _ => Ok(()),
        }
    }

    /// Opens the database file, and locks it for as long as the file is open. Creates it if `create` permits it and there is
    /// no key.
    pub(crate) fn lock_database(&self, create: bool) -> Result<File, OpenVaultError> {
        // First the key: a start in another process creates it when the database is there.
        let has_key = self.key.symlink_metadata().is_ok();
        let create = create && !has_key;
        let missing = match create {
            true => Missing::Create,
            false => Missing::Refuse,
        };
        let file =
            open_own(&self.database, missing).map_err(|error| self.not_opened(error, has_key))?;
        self.lock(&file)?;
        if create {
            sync_directory(&self.dir).map_err(|error| OpenVaultError::io(&self.dir, error))?;
        }
        Ok(file)
    }

    /// Opens the database file as [`lock_database`](Self::lock_database) does, and neither locks nor creates it.
    pub(crate) fn open_database(&self) -> Result<File, OpenVaultError> {
        let has_key = self.key.symlink_metadata().is_ok();
        open_own(&self.database, Missing::Refuse).map_err(|error| self.not_opened(error, has_key))
    }

    /// Creates the database file, and locks it. Fails if there is one.
    pub(crate) fn create_database(&self) -> Result<File, OpenVaultError> {
        let failed = |error| OpenVaultError::io(&self.database, error);
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&self.database)
            .map_err(failed)?;
        self.lock(&file)?;
        sync_directory(&self.dir).map_err(failed)?;
        Ok(file)
    }

    /// Opens the database file for reading only, and locks it.
    pub(crate) fn lock_database_to_read(&self) -> Result<File, OpenVaultError> {
        let has_key = self.key.symlink_metadata().is_ok();
        let file = open(&self.database);
        let file = file.map_err(|error| self.not_opened(into_io(error), has_key))?;
        self.lock(&file)?;
        Ok(file)
    }

    fn not_opened(&self, error: io::Error, has_key: bool) -> OpenVaultError {
        match error.kind() {
            io::ErrorKind::NotFound if has_key => OpenVaultError::DatabaseMissing {
                path: self.database.clone(),
            },
            io::ErrorKind::NotFound => OpenVaultError::Missing {
                dir: self.dir.clone(),
            },
            _ => OpenVaultError::io(&self.database, error),
        }
    }

    /// Returns the vault's error for that of its lock.
    pub(crate) fn not_locked(&self, error: TryLockError) -> OpenVaultError {
        match error {
            TryLockError::WouldBlock => OpenVaultError::InUse {
                dir: self.dir.clone(),
            },
            TryLockError::Error(error) => OpenVaultError::io(&self.database, error),
        }
    }

    fn lock(&self, file: &File) -> Result<(), OpenVaultError> {
        sealpost_files::lock(file).map_err(|error| self.not_locked(error))
    }

    /// Reads the key file. Returns `None` if there is none.
    pub(crate) fn read_key(&self) -> Result<Option<FileKey>, OpenVaultError> {
        let failed = |error| OpenVaultError::io(&self.key, error);
        let mut file = match open(&self.key) {
            Ok(file) => file,
            Err(FileError::NotAFile { .. }) => {
                let found = fs::metadata(&self.key).map_err(failed)?;
                return Err(OpenVaultError::KeyLength {
                    path: self.key.clone(),
                    len: found.len(),
                });
            }
            Err(error) => {
                let error = into_io(error);
                let is_missing = error.kind() == io::ErrorKind::NotFound;
                return match (is_missing, self.key.symlink_metadata()) {
                    (true, Err(_)) => Ok(None),
                    (true, Ok(_)) => Err(failed(leads_nowhere())),
                    (false, _) => Err(failed(error)),
                };
            }
        };
        // Of the file that is open, so that it cannot be exchanged in between.
        let metadata = file.metadata().map_err(failed)?;
        let mode = metadata.mode() & 0o777;
        if mode & 0o077 != 0 {
            return Err(OpenVaultError::KeyExposed {
                path: self.key.clone(),
                mode,
            });
        }
        let mut key = FileKey::default();
        let len = key.len() as u64;
        if !metadata.is_file() || metadata.len() != len {
            return Err(OpenVaultError::KeyLength {
                path: self.key.clone(),
                len: metadata.len(),
            });
        }
        file.read_exact(&mut key[..]).map_err(failed)?;
        Ok(Some(key))
    }

    fn unfinished_key(&self) -> PathBuf {
        self.key.with_extension("key.new")
    }

    /// Creates a key file. Call it only with the lock held and no key file there.
    ///
    /// It gets its name when it is complete and on the disk, so a crash leaves all of it or nothing.
    pub(crate) fn create_key(&self) -> Result<FileKey, OpenVaultError> {
        let failed = |error| OpenVaultError::io(&self.key, error);
        let mut key: FileKey = Zeroizing::new([0; 32]);
        rand::fill(&mut key[..]).map_err(|_| OpenVaultError::Crypto)?;

        let unfinished = self.unfinished_key();
        match fs::remove_file(&unfinished) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed(error)),
            _ => {}
        }
        let mut file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&unfinished)
            .map_err(failed)?;
        file.write_all(&key[..]).map_err(failed)?;
        file.sync_all().map_err(failed)?;
        fs::rename(&unfinished, &self.key).map_err(failed)?;
        sync_directory(&self.dir).map_err(failed)?;
        Ok(key)
    }
}

fn leads_nowhere() -> io::Error {
    io::Error::other(
        "it is a link that leads nowhere: put back or mount what it names, or remove it",
    )
}

/// The vault's errors name the path themselves.
fn into_io(error: FileError) -> io::Error {
    match error {
        FileError::Failed { source, .. } => source,
        FileError::NotAFile { kind, .. } => {
            io::Error::other(format!("it is {kind}, and must be a file"))
        }
        error => io::Error::other(error),
    }
}

/// Makes the names in a directory durable.
pub(crate) fn sync_directory(dir: &Path) -> io::Result<()> {
    File::open(dir)?.sync_all()
}

/// What creating a vault writes, in bytes, with a part to spare.
const FIRST_WRITES: u64 = 128 << 10;

fn parent(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        // Of a path with one component, the current directory; of the root, itself.
        Some(_) => Path::new("."),
        None => path,
    }
}
