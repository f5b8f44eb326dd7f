//! Writes that happen whole or not at all.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::Path;

use crate::error::FileError;

/// Who may read a file that [`create`] creates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Only its owner: 0600 on Unix.
    Owner,
    /// Everyone whom the umask permits: 0644 on Unix.
    Everyone,
}

/// Creates a file whole or not at all, and never overwrites one.
///
/// # Errors
///
/// [`FileError::Exists`], or [`FileError::Failed`] if it can't be written.
pub fn create(path: &Path, access: Access, bytes: &[u8]) -> Result<(), FileError> {
    let temporary =
        filled_beside(path, access, bytes).map_err(|e| FileError::new("write", path, e))?;
    match temporary.persist_noclobber(path) {
        Ok(_) => Ok(()),
        Err(e) if e.error.kind() == io::ErrorKind::AlreadyExists => Err(FileError::Exists {
            path: path.to_owned(),
        }),
        Err(e) => Err(FileError::new("write", path, e.error)),
    }
}

/// Creates a folder that only its owner can enter, unless it exists.
///
/// # Errors
///
/// [`FileError::Failed`].
pub fn create_folder(path: &Path) -> Result<(), FileError> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder
        .create(path)
        .map_err(|e| FileError::new("create the folder", path, e))
}

/// Puts `bytes` in place of what `path` names, readable by its owner only. A regular file is replaced at once and keeps
/// its old contents if anything fails; a pipe or a device is written to.
///
/// # Errors
///
/// [`FileError::Failed`].
pub fn replace(path: &Path, bytes: &[u8]) -> Result<(), FileError> {
    let done = match fs::metadata(path) {
        Ok(found) if !found.is_file() => File::options()
            .write(true)
            .open(path)
            .and_then(|mut file| file.write_all(bytes)),
        // Through a symbolic link the file is replaced, not the link.
        Ok(_) => fs::canonicalize(path).and_then(|path| persist(&path, bytes)),
        Err(_) => persist(path, bytes),
    };
    done.map_err(|e| FileError::new("write", path, e))
}

fn persist(path: &Path, bytes: &[u8]) -> io::Result<()> {
    filled_beside(path, Access::Owner, bytes)?.persist(path)?;
    Ok(())
}

/// A temporary file beside `path`, written and synchronised; removed if dropped.
fn filled_beside(path: &Path, access: Access, bytes: &[u8]) -> io::Result<tempfile::NamedTempFile> {
    let folder = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let mut builder = tempfile::Builder::new();
    #[cfg(unix)]
    if access == Access::Everyone {
        use std::os::unix::fs::PermissionsExt;
        builder.permissions(fs::Permissions::from_mode(0o644));
    }
    let mut file = builder.tempfile_in(folder)?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn create_never_overwrites_and_leaves_nothing_behind() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key.pem");
        create(&path, Access::Owner, b"first").unwrap();
        create(&path, Access::Owner, b"second").unwrap_err();
        assert_eq!(fs::read(&path).unwrap(), b"first");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[cfg(unix)]
    #[test]
    fn output_is_private_and_follows_links() {
        use std::os::unix::fs::{PermissionsExt, symlink};
        let folder = tempfile::tempdir().unwrap();
        let (file, link) = (folder.path().join("file"), folder.path().join("link"));
        replace(&file, b"one").unwrap();
        assert_eq!(
            fs::metadata(&file).unwrap().permissions().mode() & 0o777,
            0o600
        );
        symlink(&file, &link).unwrap();
        replace(&link, b"two").unwrap();
        assert_eq!(fs::read(&file).unwrap(), b"two");
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        replace(Path::new("/dev/null"), b"three").unwrap();
        assert!(!fs::metadata("/dev/null").unwrap().is_file());
    }
}
