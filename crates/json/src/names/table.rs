//! The names in a hash table with chains.
//!
//! Slot *i* holds the hash of the *i*-th name, a link to the next name of the same bucket, and,
//! which has nothing to do with that name, a link to the first name of bucket *i*. That one counts
//! only if the name is there and of that bucket, so nothing need be cleared at first.

use super::bits::Bits;
use super::slot::{HASH_BITS, Link, Slot};
use super::{Inserted, MemberNames};
use crate::steps;

/// A bucket holds more names than is good for a table.
pub(super) struct Crowded;

impl MemberNames<'_, '_> {
    #[inline]
    pub(super) fn insert_in_table(
        &mut self,
        start: usize,
        name: impl Bits,
    ) -> Result<Inserted, Crowded> {
        let hash = name.hash();
        if let Some(first) = self.find_in_table(hash, name)? {
            return Ok(Inserted::Duplicate(first));
        }
        let bucket = self.bucket(hash);
        let links = [self.first_of(bucket), self.slot(self.used).link(FIRST)];
        let own = Link::new(self.used, true);
        let inserted = self.put(Slot::new(start, hash, links));
        if inserted == Inserted::New
            && let Some(slot) = self.slots.get_mut(bucket)
        {
            slot.set_link(FIRST, own);
        }
        Ok(inserted)
    }

    pub(super) fn is_in_table(&self, name: impl Bits) -> bool {
        matches!(self.find_in_table(name.hash(), name), Ok(Some(_)))
    }

    /// Where the name begins that equals this one.
    #[inline]
    fn find_in_table(&self, hash: usize, name: impl Bits) -> Result<Option<usize>, Crowded> {
        let mut link = self.first_of(self.bucket(hash));
        for _ in 0..LONGEST_CHAIN {
            if !link.is_name() {
                return Ok(None);
            }
            steps::count(1);
            let slot = self.slot(link.slot());
            if slot.number() == hash && name.clone().parting(self.name(link.slot())).is_none() {
                return Ok(Some(slot.name()));
            }
            link = slot.link(NEXT);
        }
        Err(Crowded)
    }

    #[inline]
    fn bucket(&self, hash: usize) -> usize {
        (hash * self.slots.len()) >> HASH_BITS
    }

    /// The link to the first name in a bucket.
    #[inline]
    fn first_of(&self, bucket: usize) -> Link {
        let link = self.slot(bucket).link(FIRST);
        let first = link.slot();
        if first < self.used && self.bucket(self.slot(first).number()) == bucket {
            link
        } else {
            Link::NONE
        }
    }
}

/// Of 1,024 random names in as many buckets, one in ten million sets has a longer chain.
const LONGEST_CHAIN: usize = 12;

/// Which link of a slot leads on in the chain, and which to the first of a bucket.
const NEXT: bool = false;
const FIRST: bool = true;
