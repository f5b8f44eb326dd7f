//! A ledger in memory.

use std::{
    collections::{BTreeSet, HashMap},
    sync::{Mutex, PoisonError},
};

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
        self.lock().records.len()
    }

    pub(super) fn get(&self, mark: &Mark) -> Option<Record> {
        self.lock().records.get(mark).cloned()
    }

    /// Adds entries, and removes what has expired.
    pub(super) fn write(&self, records: Vec<(Mark, Record)>, now: UnixTime) {
        let mut entries = self.lock();
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

    fn lock(&self) -> std::sync::MutexGuard<'_, Entries> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
