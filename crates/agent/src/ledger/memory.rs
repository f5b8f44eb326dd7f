//! A ledger in memory.

use std::collections::{BTreeSet, HashMap};

use parking_lot::{Mutex, MutexGuard};
use sealpost_envelope::UnixTime;

use super::record::Record;
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

    /// Adds entries, and removes what has expired.
    pub(super) fn write(&self, records: Vec<(Digest, Record)>, now: UnixTime) {
        let mut entries = self.lock();
        while let Some((expires_at, digest)) = entries.expiry.first().copied() {
            if expires_at > now {
                break;
            }
            entries.expiry.pop_first();
            entries.records.remove(&digest);
        }
        for (digest, record) in records {
            let expires_at = record.expires_at;
            if let Some(old) = entries.records.insert(digest, record) {
                entries.expiry.remove(&(old.expires_at, digest));
            }
            entries.expiry.insert((expires_at, digest));
        }
    }

    fn lock(&self) -> MutexGuard<'_, Entries> {
        self.0.lock()
    }
}
