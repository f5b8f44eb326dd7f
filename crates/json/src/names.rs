//! Which member names an object has had, in linear time whatever the names are.
//!
//! A hash table takes them as long as it is a good one. Nothing about its hash is secret, so anyone
//! can make names that collide; with the first bucket that is too full, the names move to a crit-bit
//! tree, which no choice of names makes slow, and stay there. Table and tree live in the same slots:
//! slot *i* holds the *i*-th name.
//!
//! Names are compared decoded, and a duplicate is found at its place in the document. In bits, each
//! name is followed by [`END`](bits::END), a byte that UTF-8 does not have, so that a name may be
//! the beginning of another and may contain U+0000.

mod bits;
mod hash;
mod path;
mod slot;
mod table;
mod tree;

use core::fmt;

use self::bits::{Bits, Pieces, Plain, SHORT};
use self::slot::Link;
pub use self::slot::Slot;
use self::table::Crowded;
use crate::scan::{Token, end_of_plain};
use crate::string::JsonStr;

/// What an insertion found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Inserted {
    /// The name is new, and is kept.
    New,
    /// The name is there already: the first one begins at this byte, behind its opening quote.
    Duplicate(usize),
    /// The name is not there, and no slot is left for it.
    Full,
}

/// The member names that one object has had, told apart in linear time whatever they are.
///
/// Names are compared decoded. Half of a surrogate pair is distinct from every character.
///
/// ```
/// use sealpost_json::{Inserted, Key, MemberNames, Scanner, Slot};
///
/// let text = br#"{"a": 1, "b": 2, "\u0061": 3}"#;
/// let mut scan = Scanner::new(text);
/// scan.kind().unwrap();
/// scan.open_object();
/// let mut slots = [Slot::EMPTY; 8];
/// let mut names = MemberNames::new(scan.text(), &mut slots);
/// let (mut first, mut found) = (true, Vec::new());
/// while let Some(token) = scan.member(&mut first).unwrap() {
///     found.push(names.insert(token));
///     scan.skip_value(4).unwrap();
/// }
/// assert_eq!(found, [Inserted::New, Inserted::New, Inserted::Duplicate(2)]);
/// assert!(names.contains(Key::Decoded("b")));
/// ```
pub struct MemberNames<'s, 'a> {
    text: &'a [u8],
    slots: &'s mut [Slot],
    used: usize,
    /// Of the tree; `None` as long as the table will do.
    root: Option<Link>,
}

impl<'s, 'a> MemberNames<'s, 'a> {
    /// No names yet, of an object in `text`, with room for as many as there are slots, but at most [`MAX_MEMBERS`].
    ///
    /// A text of more than [`MAX_TEXT`] bytes leaves no room at all: every name is [`Full`](Inserted::Full). What the
    /// slots hold does not matter.
    pub fn new(text: &'a str, slots: &'s mut [Slot]) -> Self {
        let limit = if text.len() > MAX_TEXT {
            0
        } else {
            slots.len().min(MAX_MEMBERS)
        };
        Self {
            text: text.as_bytes(),
            slots: slots.get_mut(..limit).unwrap_or_default(),
            used: 0,
            root: None,
        }
    }

    /// How many names there is room for.
    #[inline]
    #[must_use]
    pub fn limit(&self) -> usize {
        self.slots.len()
    }

    /// Adds the name of a member of the same text.
    // As in `Scanner`: one copy on small machines.
    #[cfg_attr(not(target_pointer_width = "32"), inline)]
    pub fn insert(&mut self, name: Token) -> Inserted {
        if name.escapes == 0 {
            let raw = self.text.get(name.start..name.end).unwrap_or_default();
            return self.insert_bits(name.start, Plain(raw));
        }
        let rest = self.text.get(name.start..).unwrap_or_default();
        match Plain::decode(rest, &mut [0; SHORT]) {
            Some(plain) => self.insert_bits(name.start, plain),
            None => self.insert_bits(name.start, Pieces::json(rest)),
        }
    }

    /// Whether one of the names reads like `key`.
    #[must_use]
    pub fn contains(&self, key: Key<'_>) -> bool {
        let key = match key {
            Key::Sent(name) => Pieces::json(name.raw().as_bytes()),
            Key::Decoded(text) => Pieces::text(text.as_bytes()),
        };
        match self.root {
            None => self.is_in_table(key),
            Some(root) => self.is_in_tree(root, key),
        }
    }

    #[inline]
    fn insert_bits(&mut self, start: usize, name: impl Bits) -> Inserted {
        let root = match self.root {
            Some(root) => root,
            None => match self.insert_in_table(start, name.clone()) {
                Ok(inserted) => return inserted,
                Err(Crowded) => self.move_to_tree(),
            },
        };
        self.insert_in_tree(root, start, name)
    }

    /// Moves the names in the table, all of which are distinct, to a tree. Returns its root.
    #[cold]
    fn move_to_tree(&mut self) -> Link {
        let mut root = Link::new(0, true);
        for _ in 0..core::mem::take(&mut self.used) {
            // The slot of a name is not written to before the name is inserted.
            let start = self.slot(self.used).name();
            let rest = self.text.get(start..).unwrap_or_default();
            match rest.split_at_checked(end_of_plain(rest, 0)) {
                Some((name, [b'"', ..])) => self.insert_in_tree(root, start, Plain(name)),
                _ => self.insert_in_tree(root, start, Pieces::json(rest)),
            };
            root = self.root.unwrap_or(root);
        }
        self.root = Some(root);
        root
    }

    /// Puts a name into the next slot.
    #[inline]
    fn put(&mut self, slot: Slot) -> Inserted {
        let Some(free) = self.slots.get_mut(self.used) else {
            return Inserted::Full;
        };
        *free = slot;
        self.used += 1;
        Inserted::New
    }

    #[inline]
    fn slot(&self, index: usize) -> Slot {
        self.slots.get(index).copied().unwrap_or(Slot::EMPTY)
    }

    /// The text from the contents of the slot's name on.
    #[inline]
    fn name(&self, index: usize) -> &'a [u8] {
        self.text.get(self.slot(index).name()..).unwrap_or_default()
    }
}

/// Shows no name: names may be secret.
impl fmt::Debug for MemberNames<'_, '_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemberNames")
            .field("used", &self.used)
            .finish_non_exhaustive()
    }
}

/// A name to look for.
#[derive(Clone, Copy, Debug)]
pub enum Key<'k> {
    /// As it was sent.
    Sent(JsonStr<'k>),
    /// Decoded.
    Decoded(&'k str),
}

/// The longest text of which [`MemberNames`] keeps names, in bytes.
pub const MAX_TEXT: usize = 128 * 1024;

/// The most names that [`MemberNames`] keeps.
pub const MAX_MEMBERS: usize = 1024;

#[cfg(test)]
mod tests;
