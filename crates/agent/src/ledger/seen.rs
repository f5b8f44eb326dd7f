//! Which entries there are, in memory.
//!
//! A lookup that finds nothing proves nothing: a flipped bit in a stored digest, or in a page above it, leads past the entry, and its
//! request would be carried out again, or another one in its place.

use std::{
    collections::HashSet,
    hash::{BuildHasher as _, RandomState},
};

use parking_lot::{Mutex, MutexGuard};

use crate::digests::Digest;

/// The digests of all entries. It takes about 16 bytes an entry.
#[derive(Debug, Default)]
pub(super) struct Seen {
    /// Held by a change from its beginning until this list is of the same moment.
    changing: Mutex<()>,
    list: Mutex<List>,
    /// Of the process alone, so that no caller can look for two digests that are one here.
    key: RandomState,
}

#[derive(Debug, Default)]
struct List {
    /// Of which opening of the file. It may be in another state after a failure.
    opening: u64,
    digests: HashSet<u64>,
}

impl Seen {
    /// No change is made while the result is held.
    pub(super) fn hold(&self) -> MutexGuard<'_, ()> {
        self.changing.lock()
    }

    /// Returns whether the list is of this opening of the file.
    pub(super) fn is_of(&self, opening: u64) -> bool {
        self.list.lock().opening == opening
    }

    /// Returns whether there is an entry, as far as the list is of this opening.
    pub(super) fn contains(&self, digest: &Digest, opening: u64) -> bool {
        let list = self.list.lock();
        list.opening == opening && list.digests.contains(&self.key.hash_one(digest))
    }

    /// Begins the list again.
    pub(super) fn begin(&self, opening: u64, digests: &[Digest]) {
        let digests = digests.iter().map(|digest| self.key.hash_one(digest));
        let digests = digests.collect();
        *self.list.lock() = List { opening, digests };
    }

    /// Takes over what was changed: whether each of these has an entry now.
    pub(super) fn change(&self, changed: &[(Digest, bool)]) {
        let mut list = self.list.lock();
        for (digest, is_there) in changed {
            let digest = self.key.hash_one(digest);
            match is_there {
                true => list.digests.insert(digest),
                false => list.digests.remove(&digest),
            };
        }
    }
}
