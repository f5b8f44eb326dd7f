//! Where a file is: the path under which the next start looks for it.

use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

/// The path of a file that is open, and which file it was.
#[derive(Debug)]
pub(crate) struct Place {
    pub(crate) path: PathBuf,
    /// Device and inode.
    identity: (u64, u64),
}

impl Place {
    pub(crate) fn of(path: &Path, file: &File) -> io::Result<Self> {
        Ok(Self {
            path: path.to_owned(),
            identity: identity(&file.metadata()?),
        })
    }

    /// Returns whether the path still names this file.
    pub(crate) fn is_there(&self) -> io::Result<bool> {
        match fs::metadata(&self.path) {
            Ok(found) => Ok(identity(&found) == self.identity),
            Err(error) => match error.kind() {
                ErrorKind::NotFound | ErrorKind::NotADirectory => Ok(false),
                // Whether it is there is not known.
                _ => Err(error),
            },
        }
    }
}

fn identity(found: &fs::Metadata) -> (u64, u64) {
    (found.dev(), found.ino())
}
