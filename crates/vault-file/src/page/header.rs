//! The first page of a file.

use std::ops::Range;

use super::{PAGE, checksum, u32_at, u64_at, u128_at};

/// What the first page says.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Header {
    /// Whether the last writer did not close the file.
    pub unclean: bool,
    /// Whether the commit in use was flushed before it was named as the one in use.
    pub two_phase: bool,
    /// Whether what is the same in every file differs here. No checksum covers it.
    pub damaged: bool,
    geometry: Geometry,
    /// How long the file was when it was closed, in bytes.
    length: u64,
    /// The commit that the flags name first.
    slots: [Slot; 2],
}

/// One of the two commits that a file holds.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Slot {
    /// Whether its checksum is right.
    pub intact: bool,
    /// Its number.
    pub transaction: u64,
    /// The tree of the tables.
    pub data: Option<Root>,
    /// The tree of redb's own tables.
    pub system: Option<Root>,
}

/// The root of a tree, or a child in a branch.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Root {
    /// The number of its page.
    pub page: u64,
    /// The checksum of that page.
    pub checksum: u128,
}

/// How pages are found by their numbers.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Geometry {
    region_header_pages: u64,
    region_pages: u64,
}

impl Header {
    /// Reads the first bytes of a file. Returns `None` if they are not a header of this format, or not yet: redb writes its
    /// signature last.
    ///
    /// Signature and geometry are the same in every file of a vault. Where they are damaged, a commit whose checksum is right tells that
    /// this is a header all the same.
    #[must_use]
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let (signature, _) = bytes.split_first_chunk::<9>()?;
        let flags = *bytes.get(MAGIC.len())?;
        let geometry = Geometry {
            region_header_pages: u32_at(bytes, 16)?.into(),
            region_pages: u32_at(bytes, 20)?.into(),
        };
        let is_usual = *signature == MAGIC
            && u64::from(u32_at(bytes, 12)?) == PAGE
            && geometry == Geometry::USUAL;
        let geometry = Geometry::USUAL;
        let region = geometry.region_header_pages + geometry.region_pages;
        let last = match u64::from(u32_at(bytes, 28)?) {
            0 => 0,
            pages => geometry.region_header_pages + pages,
        };
        // More than any file has is longer than every file.
        let pages = u64::from(u32_at(bytes, 24)?).saturating_mul(region);
        let length = PAGE.saturating_mul(pages.saturating_add(1 + last));
        let places = [bytes.get(64..192)?, bytes.get(192..SIZE)?];
        let [first, second] = places;
        let mut slots = [Slot::parse(first)?, Slot::parse(second)?];
        // redb refuses a file for the version of the commit that is not in use, too.
        let are_known = places.iter().all(|slot| slot.first() == Some(&VERSION));
        let is_known = is_usual || slots.iter().any(|slot| slot.intact);
        if *signature == [0; 9] || !is_known {
            return None;
        }
        if flags & SECOND != 0 {
            slots.reverse();
        }
        Some(Self {
            unclean: flags & UNCLEAN != 0,
            two_phase: flags & TWO_PHASE != 0,
            damaged: !(is_usual && are_known),
            geometry,
            length,
            slots,
        })
    }

    /// Returns both commits, the one that the flags name first.
    #[must_use]
    pub const fn slots(&self) -> [Slot; 2] {
        self.slots
    }

    /// Returns the commit that redb opens, and the one before it: redb falls back to that if a crash cut the newest one off, and
    /// where redb does not, what is intact can be read from it.
    #[must_use]
    pub fn commits(&self) -> (Slot, Option<Slot>) {
        let [named, other] = self.slots;
        if self.two_phase {
            let is_of_use = !named.intact && other.intact;
            return (named, is_of_use.then_some(other));
        }
        let newer = other.transaction > named.transaction && other.intact;
        match (named.intact && !newer) || !other.intact {
            true => (named, other.intact.then_some(other)),
            false => (other, named.intact.then_some(named)),
        }
    }

    /// Returns whether redb takes a file of this length, in bytes.
    #[must_use]
    pub fn fits(&self, length: u64) -> bool {
        !self.damaged
            && length.is_multiple_of(PAGE)
            && length >= 2 * PAGE
            && (self.unclean || length >= self.length)
    }

    /// Returns how pages are found.
    #[must_use]
    pub const fn geometry(&self) -> Geometry {
        self.geometry
    }
}

impl Slot {
    fn parse(bytes: &[u8]) -> Option<Self> {
        let intact =
            bytes.first() == Some(&VERSION) && checksum(bytes.get(..112)?) == u128_at(bytes, 112)?;
        let root = |has: usize, at| {
            let root = Root {
                page: u64_at(bytes, at)?,
                checksum: u128_at(bytes, at + 8)?,
            };
            // Of a damaged commit, what says whether there is a root may be what is damaged.
            let is_there = *bytes.get(has)? != 0 || (!intact && root.checksum != 0);
            Some(is_there.then_some(root))
        };
        Some(Self {
            intact,
            transaction: u64_at(bytes, 104)?,
            data: root(1, 8)?,
            system: root(2, 40)?,
        })
    }
}

impl Geometry {
    /// What redb lays out: regions of 4 GiB without a header.
    const USUAL: Self = Self {
        region_header_pages: 0,
        region_pages: 1 << 20,
    };

    /// Returns where a page is in a file, in bytes. `None` if that can't be a page of a vault.
    ///
    /// ```text
    /// number = index, 20 bits ‖ region, 20 bits ‖ … ‖ order, 5 bits, from the lowest to the highest
    /// ```
    #[must_use]
    pub fn place(&self, number: u64) -> Option<Range<u64>> {
        let order = number >> 59;
        if order > MAX_ORDER {
            return None;
        }
        let index = number & (0xF_FFFF >> order);
        let region = number >> 20 & 0xF_FFFF;
        let length = PAGE << order;
        let regions = region * (self.region_header_pages + self.region_pages) * PAGE;
        let start = PAGE + regions + self.region_header_pages * PAGE + index * length;
        Some(start..start + length)
    }

    /// Returns the number of the page of order 0 that begins at a place in a file.
    #[must_use]
    pub fn number(&self, at: u64) -> Option<u64> {
        let page = (at / PAGE).checked_sub(1)?;
        let size = self.region_header_pages + self.region_pages;
        let index = (page % size).checked_sub(self.region_header_pages)?;
        Some(((page / size) << 20) | index)
    }
}

/// How long the header is. The rest of its page is not redb's.
pub const SIZE: usize = 320;

const MAGIC: [u8; 9] = *b"redb\x1a\x0a\xa9\x0d\x0a";
const VERSION: u8 = 3;
const SECOND: u8 = 1;
const UNCLEAN: u8 = 2;
const TWO_PHASE: u8 = 4;

/// 64 MiB: more than the longest value.
const MAX_ORDER: u64 = 14;
