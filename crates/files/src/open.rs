//! Opening files that a configuration names: never a pipe, which would make a program wait.

use std::fs::{self, File, FileType, OpenOptions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{FileTypeExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;

use rustix::fs::{Access, AtFlags, CWD, OFlags, accessat, statvfs};
use rustix::io::Errno;

use crate::error::FileError;

/// Opens a regular file for reading, and does not wait: whatever else is there is refused.
///
/// # Errors
///
/// [`FileError::NotAFile`], or [`FileError::Failed`] if it can't be opened.
pub fn open(path: &Path) -> Result<File, FileError> {
    opened(OpenOptions::new().read(true), path).map_err(|error| match error {
        NotOpened::NotAFile(kind) => FileError::NotAFile {
            path: path.to_owned(),
            kind,
        },
        NotOpened::Failed(source) => FileError::new("read", path, source),
    })
}

/// What to do where there is no file.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Missing {
    /// Create it, for its owner alone. A link that leads nowhere is not followed: what it names may be lost, or not mounted.
    Create,
    /// Fail.
    Refuse,
}

/// Opens a regular file to which this program alone writes, for reading and writing.
///
/// # Errors
///
/// Fails if it can't be opened or created, is no regular file, or if other users may write to it. The error has the kind
/// [`NotFound`](ErrorKind::NotFound) only if there is nothing, not even a link.
pub fn open_own(path: &Path, missing: Missing) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).mode(0o600);
    let mut file = opened(&mut options, path);
    if is_failed_by(&file, ErrorKind::NotFound) {
        let found = path.symlink_metadata();
        // A file may be there by now: another process that starts has created it.
        if found.is_ok_and(|found| found.is_symlink()) {
            return Err(io::Error::other(LEADS_NOWHERE));
        }
        if missing == Missing::Create {
            file = opened(options.create_new(true), path);
            if is_failed_by(&file, ErrorKind::AlreadyExists) {
                file = opened(options.create_new(false), path);
            }
        }
    }
    let file = file.map_err(|error| match error {
        NotOpened::NotAFile(kind) => {
            io::Error::other(format!("it is {kind}, and must be a file: name another"))
        }
        NotOpened::Failed(error) => error,
    })?;
    let mode = file.metadata()?.permissions().mode() & 0o777;
    if mode & 0o022 != 0 {
        return Err(io::Error::other(format!(
            "others may write to it (mode {mode:03o}): chmod go-w it, and find out whether someone did"
        )));
    }
    Ok(file)
}

/// Finds whether this process may create files in a folder, as far as the system tells without an attempt. On a disk that is
/// mounted read-only it may not.
///
/// # Errors
///
/// The error that an attempt would have.
pub fn check_can_create_in(folder: &Path) -> io::Result<()> {
    let access = Access::READ_OK | Access::WRITE_OK | Access::EXEC_OK;
    Ok(accessat(CWD, folder, access, AtFlags::EACCESS)?)
}

/// Finds whether the disk of a folder has room for a file of `bytes` bytes, and for its name. What is reserved for root does not count: a
/// service should not need it.
///
/// # Errors
///
/// The error that writing the file would have.
pub fn check_room(folder: &Path, bytes: u64) -> io::Result<()> {
    let disk = statvfs(folder)?;
    // Some file systems have no fixed number of files, and say that it is 0.
    let is_out_of_files = disk.f_files > 0 && disk.f_ffree == 0;
    let is_out_of_space = disk.f_bavail.saturating_mul(disk.f_frsize) < bytes;
    match is_out_of_files || is_out_of_space {
        true => Err(Errno::NOSPC.into()),
        false => Ok(()),
    }
}

enum NotOpened {
    NotAFile(&'static str),
    Failed(io::Error),
}

fn opened(options: &mut OpenOptions, path: &Path) -> Result<File, NotOpened> {
    let flags = i32::try_from((OFlags::NONBLOCK | OFlags::NOCTTY).bits()).unwrap_or_default();
    match options.custom_flags(flags).open(path) {
        Ok(file) => match file.metadata().map_err(NotOpened::Failed)?.file_type() {
            kind if kind.is_file() => Ok(file),
            kind => Err(NotOpened::NotAFile(name_of(kind))),
        },
        // The system says of a socket that there is no such device.
        Err(error) => Err(match fs::metadata(path) {
            Ok(found) if !found.is_file() => NotOpened::NotAFile(name_of(found.file_type())),
            _ => NotOpened::Failed(error),
        }),
    }
}

fn is_failed_by(file: &Result<File, NotOpened>, kind: ErrorKind) -> bool {
    matches!(file, Err(NotOpened::Failed(error)) if error.kind() == kind)
}

fn name_of(kind: FileType) -> &'static str {
    if kind.is_dir() {
        "a folder"
    } else if kind.is_fifo() {
        "a named pipe"
    } else if kind.is_socket() {
        "a socket"
    } else {
        "a device"
    }
}

/// What is said of a link whose target does not exist.
const LEADS_NOWHERE: &str =
    "it is a link that leads nowhere: put back or mount what it names, or remove it";

#[cfg(test)]
mod tests {
    use std::fs::Permissions;
    use std::os::unix::fs::symlink;
    use std::os::unix::net::UnixListener;
    use std::path::PathBuf;

    use super::*;

    /// A folder with one of each kind that is no regular file.
    fn others() -> (tempfile::TempDir, Vec<PathBuf>) {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        let made = std::process::Command::new("mkfifo")
            .args(["-m", "600"])
            .arg(at("pipe"))
            .status();
        assert!(made.unwrap().success());
        drop(UnixListener::bind(at("socket")).unwrap());
        fs::create_dir(at("folder")).unwrap();
        symlink("pipe", at("link")).unwrap();
        let paths = ["pipe", "socket", "folder", "link"].map(at).into_iter();
        let paths = paths.chain([PathBuf::from("/dev/null")]).collect();
        (folder, paths)
    }

    #[test]
    fn what_is_no_regular_file_is_refused_without_waiting() {
        let (_folder, paths) = others();
        for path in paths {
            let error = open(&path).unwrap_err();
            assert!(matches!(error, FileError::NotAFile { .. }), "{error}");
            for missing in [Missing::Create, Missing::Refuse] {
                let error = open_own(&path, missing).unwrap_err().to_string();
                assert!(error.contains("must be a file"), "{path:?}: {error}");
            }
        }
    }

    #[test]
    fn what_is_missing_is_created_but_not_through_a_link() {
        let folder = tempfile::tempdir().unwrap();
        let (file, link) = (folder.path().join("file"), folder.path().join("link"));
        symlink("file", &link).unwrap();
        for missing in [Missing::Create, Missing::Refuse] {
            let error = open_own(&link, missing).unwrap_err();
            assert_eq!(error.to_string(), LEADS_NOWHERE);
        }
        let error = open_own(&file, Missing::Refuse).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound);
        open_own(&file, Missing::Create).unwrap();
        let mode = file.metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        open_own(&link, Missing::Refuse).unwrap();
        open(&link).unwrap();
    }

    #[test]
    fn a_file_that_others_may_write_is_not_ones_own() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        fs::write(&path, "").unwrap();
        for (mode, is_own) in [
            (0o600, true),
            (0o644, true),
            (0o620, false),
            (0o602, false),
            (0o666, false),
        ] {
            fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
            assert_eq!(open_own(&path, Missing::Refuse).is_ok(), is_own, "{mode:o}");
        }
    }
}
