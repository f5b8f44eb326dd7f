//! The paths that a configuration names, and what the process does with each: what it writes must meet nothing else.
//!
//! A section can give out no path that is not in this list, so the rule holds for every key.

use std::cell::RefCell;
use std::fs::{self, File, Metadata};
use std::io;
use std::os::fd::AsFd;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use sealpost_files::Route;

use super::findings::Findings;

mod reopened;
mod streams;

pub(crate) use reopened::Reopened;
pub use streams::Streams;

/// What a process does with a path.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Role {
    /// It reads a file.
    Read,
    /// It writes to a file, or puts a socket there.
    Written,
    /// It keeps files of its own in this folder; of those with these names it is known.
    Folder(&'static [&'static str]),
}

/// Every path that a configuration names.
#[derive(Debug, Default)]
pub(crate) struct Paths(RefCell<Vec<Named>>);

/// A path with the place that names it.
#[derive(Clone, Debug)]
struct Named {
    place: String,
    role: Role,
    /// Where the path leads; `None` for a stream that is open, and for a key that is not given.
    end: Option<PathBuf>,
    identity: Option<Identity>,
}

/// A file's device and inode, the same under all of its names.
type Identity = (u64, u64);

impl Paths {
    /// Notes the path that a key names, or that the key is not given. What it meets is noted in `findings`.
    pub(crate) fn add(&self, findings: &Findings, place: String, role: Role, path: Option<&Path>) {
        let named = Named {
            place,
            role,
            end: path.map(end),
            identity: path.and_then(identity),
        };
        self.compare_and_add(findings, named);
    }

    /// Notes a stream that the process writes to, if it is a file.
    pub(crate) fn add_stream(&self, findings: &Findings, place: &str, stream: impl AsFd) {
        if let Some(stream) = Named::stream(place, stream) {
            self.compare_and_add(findings, stream);
        }
    }

    fn compare_and_add(&self, findings: &Findings, named: Named) {
        let mut all = self.0.borrow_mut();
        for earlier in all.iter() {
            named.compare(earlier, findings);
        }
        all.push(named);
    }

    /// Returns the place and the role of every key, in the order in which they were read.
    #[cfg(test)]
    pub(crate) fn keys(&self) -> Vec<(String, Role)> {
        let all = self.0.borrow();
        all.iter()
            .map(|named| (named.place.clone(), named.role))
            .collect()
    }
}

impl Named {
    /// Returns a stream that is written to; `None` if it is no file.
    fn stream(place: &str, stream: impl AsFd) -> Option<Self> {
        // One that is closed is written to in vain.
        let found = stream.as_fd().try_clone_to_owned();
        let found = found.and_then(|stream| File::from(stream).metadata());
        let found = found.ok().filter(Metadata::is_file)?;
        Some(Self {
            place: place.to_owned(),
            role: Role::Written,
            end: None,
            identity: Some(device_and_inode(&found)),
        })
    }

    /// Notes it if one of the two would be written to through the other.
    fn compare(&self, other: &Self, findings: &Findings) {
        let are_read = self.role == Role::Read && other.role == Role::Read;
        // Both streams may well be one: a program's output.
        let are_streams = self.end.is_none() && other.end.is_none();
        if are_read || are_streams {
            return;
        }
        if self.is_same_as(other) {
            // Where it can be changed: not at the log.
            let (one, other) = if self.end.is_some() {
                (self, other)
            } else {
                (other, self)
            };
            let what = format_args!("is that of {}, too; give each its own", other.place);
            return findings.wrong(&one.place, what);
        }
        for (inner, outer) in [(self, other), (other, self)] {
            if inner.is_taken_from(outer) {
                let outer = &outer.place;
                let what = format_args!(
                    "lies in the folder of {outer}, which nothing else may write to or use; name a place outside"
                );
                findings.wrong(&inner.place, what);
            }
        }
    }

    fn is_same_as(&self, other: &Self) -> bool {
        let same = self.end.is_some() && self.end == other.end;
        same || (self.identity.is_some() && self.identity == other.identity)
    }

    /// Returns whether this path belongs to the other one's folder: it is one of its files, or it is written to and lies there.
    fn is_taken_from(&self, other: &Self) -> bool {
        let (Role::Folder(files), Some(folder)) = (other.role, &other.end) else {
            return false;
        };
        let is_it = |path: &Path| {
            self.end.as_deref() == Some(path)
                || (self.identity.is_some() && self.identity == identity(path))
        };
        if files.iter().any(|file| is_it(&folder.join(file))) {
            return true;
        }
        if self.role == Role::Read {
            return false;
        }
        let lies_there = self.end.as_deref().is_some_and(|end| {
            // By identity, too: a folder may be mounted at two places.
            let mut above = end.ancestors();
            above.any(|path| {
                path == folder || (other.identity.is_some() && identity(path) == other.identity)
            })
        });
        // A folder that can't be read is noted by the vault.
        lies_there || entries(folder).is_ok_and(|mut entries| entries.any(|path| is_it(&path)))
    }
}

/// Returns where a path leads. What can't be looked at is noted by its reader.
fn end(path: &Path) -> PathBuf {
    Route::of(path).map_or_else(|_| path.to_owned(), |route| route.end)
}

fn entries(folder: &Path) -> io::Result<impl Iterator<Item = PathBuf>> {
    Ok(fs::read_dir(folder)?.flatten().map(|entry| entry.path()))
}

fn identity(path: &Path) -> Option<Identity> {
    path.metadata().ok().as_ref().map(device_and_inode)
}

fn device_and_inode(found: &Metadata) -> Identity {
    (found.dev(), found.ino())
}

#[cfg(test)]
mod tests;
