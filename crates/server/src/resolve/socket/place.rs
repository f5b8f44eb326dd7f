//! The file of a socket: nobody else can connect at any time, and it is noticed when it is gone.

use std::fs::{self, DirBuilder, Permissions};
use std::io;
use std::os::unix::fs::{
    DirBuilderExt as _, FileTypeExt as _, MetadataExt as _, PermissionsExt as _,
};
use std::os::unix::net::SocketAddr;
use std::path::{Path, PathBuf};

use tokio::net::UnixListener;

/// A socket's path, and the file that was put there.
#[derive(Debug)]
pub(super) struct Place {
    path: PathBuf,
    identity: (u64, u64),
}

/// What a path names.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum There {
    Nothing,
    Ours,
    Another,
}

impl Place {
    /// Binds a socket of mode 0600. It is bound in a private folder, since a socket is open for as long as it has the mode that
    /// the process gives to new files, and gets its name when it is closed to others.
    pub(super) fn bind(path: &Path) -> io::Result<(UnixListener, Self)> {
        let (folder, private) = private(path);
        // Of a killed process with this number.
        let _ = fs::remove_file(&private);
        let _ = fs::remove_dir(&folder);
        DirBuilder::new().mode(0o700).create(&folder)?;
        let bound = UnixListener::bind(&private).and_then(|listener| {
            fs::set_permissions(&private, Permissions::from_mode(0o600))?;
            let found = private.symlink_metadata()?;
            // Looked at as late as possible: what is there may be no socket of ours.
            if is_left_behind(path)? {
                fs::remove_file(path)?;
            }
            fs::rename(&private, path)?;
            let identity = (found.dev(), found.ino());
            let path = path.to_owned();
            Ok((listener, Self { path, identity }))
        });
        let _ = fs::remove_file(&private);
        let _ = fs::remove_dir(&folder);
        bound
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Looks what the path names now.
    pub(super) fn look(&self) -> io::Result<There> {
        match self.path.symlink_metadata() {
            Ok(found) if (found.dev(), found.ino()) == self.identity => Ok(There::Ours),
            Ok(_) => Ok(There::Another),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(There::Nothing),
            Err(error) => Err(error),
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        // Another process may listen there by now. Left behind it does no harm: nothing answers there, and the next start removes it.
        if matches!(self.look(), Ok(There::Ours)) {
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Returns whether there is a socket at `path`, which a process left. Fails if there is something else, or none can be.
pub(super) fn is_left_behind(path: &Path) -> io::Result<bool> {
    // A path that is too long, or has a zero byte.
    SocketAddr::from_pathname(path)?;
    SocketAddr::from_pathname(private(path).1)?;
    match fs::symlink_metadata(path) {
        Ok(found) if found.file_type().is_socket() => Ok(true),
        Ok(_) => Err(io::Error::other("it exists and is not a socket")),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

/// Returns a folder of this process beside the path, and a path in it.
fn private(path: &Path) -> (PathBuf, PathBuf) {
    let folder = path.with_file_name(format!(".{}", std::process::id()));
    let socket = folder.join("s");
    (folder, socket)
}
