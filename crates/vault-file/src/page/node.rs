//! Pages of trees.

use super::header::Root;
use super::{checksum, number, u32_at, u64_at, u128_at};

/// A page of a tree.
#[derive(Clone, Copy, Debug)]
pub enum Node<'p> {
    /// Keys and values.
    Leaf(Leaf<'p>),
    /// Pages below.
    Branch(Branch<'p>),
}

/// How long keys and values of a table are, in bytes; `None` where that differs.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Widths {
    /// Of every key.
    pub key: Option<usize>,
    /// Of every value.
    pub value: Option<usize>,
}

/// A page of keys and values.
#[derive(Clone, Copy, Debug)]
pub struct Leaf<'p> {
    page: &'p [u8],
    entries: usize,
    widths: Widths,
}

/// A page of pages.
#[derive(Clone, Copy, Debug)]
pub struct Branch<'p> {
    page: &'p [u8],
    keys: usize,
    key_width: Option<usize>,
}

impl<'p> Node<'p> {
    /// Reads a page. Returns `None` if it is neither a leaf nor a branch.
    #[must_use]
    pub fn parse(page: &'p [u8], widths: Widths) -> Option<Self> {
        let count = usize::from(number(page, 2).map(u16::from_le_bytes)?);
        match page.first()? {
            _ if count == 0 => None,
            1 => Some(Self::Leaf(Leaf {
                page,
                entries: count,
                widths,
            })),
            2 => Some(Self::Branch(Branch {
                page,
                keys: count,
                key_width: widths.key,
            })),
            _ => None,
        }
    }

    /// Returns whether this is the page that `above` names.
    #[must_use]
    pub fn is_intact(&self, above: &Root) -> bool {
        self.checksum() == Some(above.checksum)
    }

    /// Returns the checksum of the page as it is. `None` if its entries end outside it.
    #[must_use]
    pub fn checksum(&self) -> Option<u128> {
        let (page, end) = match self {
            Self::Leaf(leaf) => (leaf.page, leaf.value_end(leaf.entries - 1)),
            Self::Branch(branch) => (branch.page, branch.end()),
        };
        end.and_then(|end| page.get(..end)).map(checksum)
    }
}

impl<'p> Leaf<'p> {
    /// Returns keys and values, in their order; `None` for one whose place is not in the page.
    pub fn entries(self) -> impl Iterator<Item = Option<(&'p [u8], &'p [u8])>> {
        // True entries don't overlap. Those of a damaged page may a little, and are read all the same.
        let mut budget = OVERLAP * self.page.len();
        (0..self.entries).map(move |index| {
            let key = self
                .page
                .get(self.key_start(index)?..self.key_end(index)?)?;
            let value = self.value_start(index)?..self.value_end(index)?;
            let value = self.page.get(value)?;
            budget = budget.checked_sub(key.len() + value.len())?;
            Some((key, value))
        })
    }

    /// Returns how much of the page is used, in bytes; `None` if it is longer than any page.
    pub(crate) fn length(&self) -> Option<usize> {
        self.value_end(self.entries - 1)
            .filter(|length| *length <= MAX_LENGTH)
    }

    fn key_start(&self, index: usize) -> Option<usize> {
        match index.checked_sub(1) {
            Some(before) => self.key_end(before),
            None => Some(self.keys()),
        }
    }

    fn key_end(&self, index: usize) -> Option<usize> {
        match self.widths.key {
            Some(width) => Some(self.keys() + width.checked_mul(index + 1)?),
            None => Some(u32_at(self.page, 4 + 4 * index)? as usize),
        }
    }

    fn value_start(&self, index: usize) -> Option<usize> {
        match index.checked_sub(1) {
            Some(before) => self.value_end(before),
            None => self.key_end(self.entries - 1),
        }
    }

    fn value_end(&self, index: usize) -> Option<usize> {
        let keys = if self.widths.key.is_none() {
            self.entries
        } else {
            0
        };
        match self.widths.value {
            Some(width) => self
                .key_end(self.entries - 1)?
                .checked_add(width.checked_mul(index + 1)?),
            None => Some(u32_at(self.page, 4 + 4 * (keys + index))? as usize),
        }
    }

    /// Where the keys begin.
    fn keys(&self) -> usize {
        let ends =
            usize::from(self.widths.key.is_none()) + usize::from(self.widths.value.is_none());
        4 + 4 * self.entries * ends
    }
}

impl Branch<'_> {
    /// Returns the pages below; `None` for one whose place is not in the page.
    pub fn children(&self) -> impl Iterator<Item = Option<Root>> {
        let count = self.keys + 1;
        (0..count).map(move |index| {
            Some(Root {
                checksum: u128_at(self.page, 8 + 16 * index)?,
                page: u64_at(self.page, 8 + 16 * count + 8 * index)?,
            })
        })
    }

    /// Where the last key ends.
    fn end(&self) -> Option<usize> {
        let ends = 8 + 24 * (self.keys + 1);
        match self.key_width {
            Some(width) => ends.checked_add(width.checked_mul(self.keys)?),
            None => Some(u32_at(self.page, ends + 4 * (self.keys - 1))? as usize),
        }
    }
}

/// A table, as the tree of tables describes it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Table {
    /// Its tree; `None` while it is empty.
    pub root: Option<Root>,
    /// Of its keys and values.
    pub widths: Widths,
}

impl Table {
    /// Reads a description. Returns `None` if it is not of a table with one value for each key.
    ///
    /// ```text
    /// table = 3 ‖ length u64 ‖ has root u8 ‖ root ‖ has key width u8 ‖ u32 ‖ has value width u8 ‖ u32 ‖ …
    /// ```
    #[must_use]
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let width = |at: usize| {
            let width = u32_at(bytes, at + 1)? as usize;
            Some((*bytes.get(at)? != 0).then_some(width))
        };
        let root = Root {
            page: u64_at(bytes, 10)?,
            checksum: u128_at(bytes, 18)?,
        };
        (bytes.first()? == &3).then_some(Self {
            root: (*bytes.get(9)? != 0).then_some(root),
            widths: Widths {
                key: width(42)?,
                value: width(47)?,
            },
        })
    }
}

/// How many times the length of a page its entries may have together.
const OVERLAP: usize = 4;

/// As the longest page.
const MAX_LENGTH: usize = 64 << 20;
