//! A ledger in memory.

use std::collections::{BTreeSet, HashMap};

use parking_lot::{Mutex, MutexGuard};
use sealpost_envelope::UnixTime;

use super::{Change, record::Record};
use crate::digests::Digest;

#[derive(Debug, Default)]
pub(super) struct Memory(Mutex<Entries>);

#[derive(Debug, Default)]
struct Entries {
    records: HashMap<Digest, Record>,
    /// The same by their expiry.
    expiry: BTreeSet<(UnixTime, Digest)>,
}

impl Memory {
    pub(super) fn len(&self) -> usize {
        self.lock().records.len()
    }

    pub(super) fn get(&self, digest: &Digest) -> Option<Record> {
        self.lock().records.get(digest).cloned()
    }

    /// Makes changes, and removes what has expired.
    pub(super) fn write(&self, changes: Vec<Change>, now: UnixTime) {
        let mut entries = self.lock();
        while let Some((expires_at, digest)) = entries.expiry.first().copied() {
            if expires_at > now {
                break;
            }
            entries.expiry.pop_first();
            entries.records.remove(&digest);
        }
        for change in changes {
            let digest = *change.digest();
            let old = match change {
                Change::Put(_, record) => {
                    entries.expiry.insert((record.expires_at, digest));
                    let expires_at = record.expires_at;
                    let old = entries.records.insert(digest, record);
                    old.filter(|old| old.expires_at != expires_at)
                }
                Change::Remove(_) => entries.records.remove(&digest),
            };
            if let Some(old) = old {
                entries.expiry.remove(&(old.expires_at, digest));
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Entries> {
        self.0.lock()
    }
}
