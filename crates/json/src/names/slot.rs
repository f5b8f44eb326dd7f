//! What is kept of a name, packed so that 1,024 of them take 8 KiB.

use super::{MAX_MEMBERS, MAX_TEXT};

/// Scratch for one member name. Eight bytes; what it holds between calls means nothing.
///
/// # Security
///
/// Nothing of a value gets into it. Of a name it keeps where it begins and a hash of 21 bits, which
/// does not hide the name from a reader of the memory.
#[derive(Clone, Copy, Debug)]
pub struct Slot {
    /// Where the name begins in the text, and in the lowest bits the link for 0.
    name_and_left: u32,
    /// A number and the link for 1. In the tree the number is the inner node's bit, counted from
    /// the first of the name, in the table the name's hash.
    number_and_right: u32,
}

impl Slot {
    /// A slot to fill an array with.
    pub const EMPTY: Self = Self {
        name_and_left: 0,
        number_and_right: 0,
    };

    #[expect(
        clippy::cast_possible_truncation,
        reason = "both are below 2^PLACE_BITS"
    )]
    pub(super) fn new(name: usize, number: usize, [left, right]: [Link; 2]) -> Self {
        Self {
            name_and_left: (name as u32) << Link::BITS | left.0,
            number_and_right: (number as u32) << Link::BITS | right.0,
        }
    }

    pub(super) fn name(self) -> usize {
        (self.name_and_left >> Link::BITS) as usize
    }

    #[inline]
    pub(super) fn number(self) -> usize {
        (self.number_and_right >> Link::BITS) as usize
    }

    #[inline]
    pub(super) fn link(self, bit: bool) -> Link {
        let word = if bit {
            self.number_and_right
        } else {
            self.name_and_left
        };
        Link(word & Link::MASK)
    }

    pub(super) fn set_link(&mut self, bit: bool, link: Link) {
        let word = if bit {
            &mut self.number_and_right
        } else {
            &mut self.name_and_left
        };
        *word = *word & !Link::MASK | link.0;
    }
}

/// A slot's number, and whether its name or its inner node is meant.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Link(pub(super) u32);

impl Link {
    /// Leads nowhere, in the table.
    pub(super) const NONE: Self = Self(0);

    const BITS: u32 = 11;
    const MASK: u32 = (1 << Self::BITS) - 1;

    #[expect(
        clippy::cast_possible_truncation,
        reason = "at most MAX_MEMBERS, see below"
    )]
    pub(super) fn new(slot: usize, is_name: bool) -> Self {
        Self((slot as u32) << 1 | u32::from(is_name))
    }

    pub(super) fn slot(self) -> usize {
        (self.0 >> 1) as usize
    }

    pub(super) fn is_name(self) -> bool {
        self.0 & 1 == 1
    }
}

/// How long a hash is.
pub(super) const HASH_BITS: u32 = PLACE_BITS;

/// Bits for a place in the text, or for a bit of a name in it.
const PLACE_BITS: u32 = 32 - Link::BITS;

const _: () = assert!(MAX_MEMBERS << 1 <= 1 << Link::BITS);
// The product of a hash and a number of slots.
const _: () = assert!(MAX_MEMBERS <= 1 << (32 - HASH_BITS));
// A name in quotes is shorter than the text, so its last bit is below this too.
const _: () = assert!(MAX_TEXT * 8 <= 1 << PLACE_BITS);
