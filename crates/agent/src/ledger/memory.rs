//! A ledger in memory.

use std::collections::{BTreeSet, HashMap};

use parking_lot::Mutex;
use sealpost_envelope::UnixTime;

use super::record::Record;
use crate::marks::Mark;

#[derive(Debug, Default)]
pub(super) struct Memory(Mutex<Entries>);

#[derive(Debug, Default)]
struct Entries {
    records: HashMap<Mark, Record>,
    /// The same by their expiry.
    expiry: BTreeSet<(UnixTime, Mark)>,
}

impl Memory {
    pub(super) fn len(&self) -> usize {
        self.0.lock().records.len()
    }

    pub(super) fn get(&self, mark: &Mark) -> Option<Record> {
        self.0.lock().records.get(mark).cloned()
    }

    /// Adds entries, and removes what has expired.
    pub(super) fn write(&self, records: Vec<(Mark, Record)>, now: UnixTime) {
        let mut entries = self.0.lock();
        while let Some((expires_at, mark)) = entries.expiry.first().copied() {
            if expires_at > now {
                break;
            }
            entries.expiry.pop_first();
            entries.records.remove(&mark);
        }
        for (mark, record) in records {
            let expires_at = record.expires_at;
            if let Some(old) = entries.records.insert(mark, record) {
                entries.expiry.remove(&(old.expires_at, mark));
            }
            entries.expiry.insert((expires_at, mark));
        }
    }
}
