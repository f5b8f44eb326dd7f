//! Which names are stored, and the proof that the list is whole.
//!
//! A lookup that finds nothing proves nothing: a flipped bit in a stored name, or in a page above it, leads past the record.
//! So the vault keeps a seal beside its records, changed in the same transaction, and a set of the names in memory.
//!
//! ```text
//! tag(name) = HMAC-SHA-256(index key, 0 ‖ name)
//! seal      = generation u64 ‖ count u64 ‖ sum [32] ‖ HMAC-SHA-256(index key, 1 ‖ generation ‖ count ‖ sum)
//! sum       = the tags of all names, combined by XOR
//! ```
//!
//! At the start the names in the file are counted and combined; if that gives the seal, they are all that were ever stored and
//! not deleted, and from then on the set answers what is not there. It costs one row a commit, about 20 bytes of memory a
//! secret, and a look at every name at the start, where the file is read anyway.
//!
//! The generation counts commits. It recognises an older commit that took the place of the newest one ([`Mark`]).

use std::collections::HashSet;
use std::hash::{BuildHasherDefault, Hasher};

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::hmac;

/// The key of tags and seals.
#[derive(Clone)]
pub(crate) struct IndexKey(hmac::Key);

/// The tag of a name.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct NameTag([u8; 32]);

/// What the names of one commit are.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct Seal {
    pub(crate) generation: u64,
    count: u64,
    sum: [u8; 32],
}

/// The names of a vault and their seal.
#[derive(Clone, Debug, Default)]
pub(crate) struct Names {
    /// The first eight bytes of each tag. Two names that share them are expected once in 2^64 pairs; the second could then
    /// not be stored.
    tags: HashSet<u64, BuildHasherDefault<Prefix>>,
    seal: Seal,
}

impl IndexKey {
    pub(crate) fn new(key: &[u8; 32]) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, key))
    }

    pub(crate) fn tag(&self, name: &str) -> NameTag {
        NameTag(self.mac(0, &[name.as_bytes()]))
    }

    fn mac(&self, use_: u8, parts: &[&[u8]]) -> [u8; 32] {
        let mut context = hmac::Context::with_key(&self.0);
        context.update(&[use_]);
        for part in parts {
            context.update(part);
        }
        let mut mac = [0; 32];
        mac.copy_from_slice(context.sign().as_ref());
        mac
    }
}

impl std::fmt::Debug for IndexKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("IndexKey(..)")
    }
}

impl NameTag {
    fn prefix(&self) -> u64 {
        let [prefix, ..] = *self.0.as_chunks::<8>().0 else {
            return 0;
        };
        u64::from_be_bytes(prefix)
    }
}

impl Seal {
    pub(crate) const LENGTH: usize = 8 + 8 + 32 + 32;

    pub(crate) fn to_bytes(self, key: &IndexKey) -> Vec<u8> {
        let (generation, count) = (self.generation.to_be_bytes(), self.count.to_be_bytes());
        let mac = key.mac(1, &[&generation, &count, &self.sum]);
        [&generation[..], &count, &self.sum, &mac].concat()
    }

    /// Returns `None` if it was not written with this key.
    pub(crate) fn parse(bytes: &[u8], key: &IndexKey) -> Option<Self> {
        let (generation, rest) = bytes.split_first_chunk()?;
        let (count, rest) = rest.split_first_chunk()?;
        let (sum, mac) = rest.split_first_chunk()?;
        let seal = Self {
            generation: u64::from_be_bytes(*generation),
            count: u64::from_be_bytes(*count),
            sum: *sum,
        };
        let same = verify_slices_are_equal(&key.mac(1, &[generation, count, sum]), mac).is_ok();
        same.then_some(seal)
    }

    pub(crate) fn add(&mut self, tag: &NameTag) {
        self.count = self.count.wrapping_add(1);
        self.combine(tag);
    }

    pub(crate) fn remove(&mut self, tag: &NameTag) {
        self.count = self.count.wrapping_sub(1);
        self.combine(tag);
    }

    pub(crate) const fn count(&self) -> u64 {
        self.count
    }

    /// Returns whether both are of the same names.
    pub(crate) fn has_the_names_of(&self, other: &Self) -> bool {
        (self.count, self.sum) == (other.count, other.sum)
    }

    fn combine(&mut self, tag: &NameTag) {
        for (sum, tag) in self.sum.iter_mut().zip(tag.0) {
            *sum ^= tag;
        }
    }
}

impl Names {
    pub(crate) fn add(&mut self, tag: &NameTag) {
        // Not twice: a name that is there twice is a fault, which the seal then shows.
        self.tags.insert(tag.prefix());
        self.seal.add(tag);
    }

    pub(crate) fn contains(&self, tag: &NameTag) -> bool {
        self.tags.contains(&tag.prefix())
    }

    pub(crate) const fn seal(&self) -> Seal {
        self.seal
    }

    /// Takes the seal of a commit with these names.
    pub(crate) fn sealed(mut self, seal: Seal) -> Self {
        self.seal = seal;
        self
    }

    /// Begins a commit.
    pub(crate) fn change(&self) -> Change<'_> {
        let mut seal = self.seal;
        seal.generation += 1;
        Change {
            names: self,
            seal,
            changed: Vec::new(),
        }
    }

    /// Takes over what was committed.
    pub(crate) fn finish(&mut self, (seal, changed): (Seal, Vec<(NameTag, bool)>)) {
        self.seal = seal;
        for (tag, there) in changed {
            match there {
                true => self.tags.insert(tag.prefix()),
                false => self.tags.remove(&tag.prefix()),
            };
        }
    }
}

/// A commit that is being made.
#[derive(Debug)]
pub(crate) struct Change<'n> {
    names: &'n Names,
    seal: Seal,
    changed: Vec<(NameTag, bool)>,
}

impl Change<'_> {
    pub(crate) fn contains(&self, tag: &NameTag) -> bool {
        let mut changed = self.changed.iter().rev();
        match changed.find(|(other, _)| other == tag) {
            Some((_, there)) => *there,
            None => self.names.contains(tag),
        }
    }

    pub(crate) fn add(&mut self, tag: NameTag) {
        self.seal.add(&tag);
        self.changed.push((tag, true));
    }

    pub(crate) fn remove(&mut self, tag: NameTag) {
        self.seal.remove(&tag);
        self.changed.push((tag, false));
    }

    pub(crate) fn end(self) -> (Seal, Vec<(NameTag, bool)>) {
        (self.seal, self.changed)
    }
}

/// The generation that was last acknowledged, in the part of the first page that redb does not use.
///
/// ```text
/// mark = generation u64 ‖ HMAC-SHA-256(index key, 2 ‖ generation)[..16]
/// ```
///
/// After a crash redb goes back to the commit before the newest one if that does not verify: it takes it for one that did not
/// reach the disk. A damaged page of an acknowledged commit looks the same. The mark tells them apart: it is written when a commit is
/// on the disk, so a file whose newest readable commit is older than its mark has lost something. It costs one write without an
/// fsync, to a page that each commit writes anyway; after a power failure the mark of the last commit may be missing, and
/// then the two can't be told apart.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Mark;

impl Mark {
    /// Where it is in the file.
    pub(crate) const AT: u64 = 1024;
    pub(crate) const LENGTH: usize = 24;

    pub(crate) fn to_bytes(generation: u64, key: &IndexKey) -> [u8; Self::LENGTH] {
        let generation = generation.to_be_bytes();
        let mut mark = [0; Self::LENGTH];
        let (start, mac) = mark.split_at_mut(8);
        start.copy_from_slice(&generation);
        mac.copy_from_slice(&key.mac(2, &[&generation])[..16]);
        mark
    }

    /// Returns the generation; `None` if there is no mark, or it is damaged.
    pub(crate) fn parse(bytes: &[u8; Self::LENGTH], key: &IndexKey) -> Option<u64> {
        let generation = u64::from_be_bytes(*bytes.first_chunk()?);
        let whole = Self::to_bytes(generation, key);
        verify_slices_are_equal(&whole, bytes)
            .is_ok()
            .then_some(generation)
    }
}

/// Takes what is hashed already.
#[derive(Debug, Default)]
pub(crate) struct Prefix(u64);

impl Hasher for Prefix {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, _: &[u8]) {}

    fn write_u64(&mut self, value: u64) {
        self.0 = value;
    }
}
