//! A vault's file as it is on the disk, read without redb.

use std::collections::{BTreeMap, HashSet};
use std::io;
use std::ops::Range;

use sealpost_database::holds_nothing;

use crate::page::PAGE;
use crate::page::header::{self, Header, Root, Slot};
use crate::page::node::{Node, Table, Widths};
use crate::source::Source;

/// What is in a file.
#[derive(Debug)]
pub(crate) enum Content<'f> {
    /// No byte.
    Empty,
    /// What a crash leaves of a file that is being created: nothing was ever stored in it.
    Unfinished,
    /// A database, in which nothing was ever stored.
    Fresh,
    /// Something else.
    Foreign,
    /// A database.
    Database(Box<Image<'f>>),
}

/// The pages of a file.
#[derive(Debug)]
pub(crate) struct Image<'f> {
    file: &'f dyn Source,
    length: u64,
    pub(crate) header: Header,
}

/// A key and a value, as they are in a page.
pub(crate) struct Entry<'p> {
    pub(crate) key: &'p [u8],
    pub(crate) value: &'p [u8],
    /// Where the value is in the file, in bytes.
    pub(crate) place: Range<u64>,
    /// Whether the checksums down to this page are right.
    pub(crate) intact: bool,
}

impl<'f> Content<'f> {
    pub(crate) fn read(file: &'f dyn Source) -> io::Result<Self> {
        let length = file.length()?;
        if length == 0 {
            return Ok(Self::Empty);
        }
        let mut first = vec![0; usize::try_from(length.min(PAGE)).unwrap_or_default()];
        file.read(&mut first, 0)?;
        let Some(header) = Header::parse(&first) else {
            let unfinished = holds_nothing(length, |bytes, at| file.read(bytes, at))?;
            return Ok(if unfinished {
                Self::Unfinished
            } else {
                Self::Foreign
            });
        };
        // The rest of the page has the mark of a commit, if there ever was one.
        let is_marked = first.iter().skip(header::SIZE).any(|byte| *byte != 0);
        let image = Image {
            file,
            length,
            header,
        };
        if !is_marked && !image.header.damaged && image.holds_nothing() {
            return Ok(Self::Fresh);
        }
        Ok(Self::Database(Box::new(image)))
    }
}

impl Image<'_> {
    /// Returns whether there never was a commit with a record: one of the two has no tables, and the other, which would be the
    /// first with tables, none either, or a crash cut it.
    fn holds_nothing(&self) -> bool {
        let (newest, older) = self.header.commits();
        let is_empty = |commit: &Slot| commit.intact && commit.data.is_none();
        is_empty(&newest) || older.is_some_and(|older| is_empty(&older) && !self.is_intact(&newest))
    }

    /// Returns whether the file is as long as it was when it was closed.
    pub(crate) fn is_complete(&self) -> bool {
        self.header.fits(self.length)
    }

    /// Returns the root with this page as the page is now. `None` if it can't be a page of tables, which has one page.
    pub(crate) fn root_at(&self, page: u64) -> Option<Root> {
        let bytes = self.bytes(self.header.geometry().place(page)?)?;
        let checksum = Node::parse(&bytes, Widths::default())?.checksum()?;
        Some(Root { page, checksum })
    }

    /// Looks through the file for a page of tables that has this checksum; another one would be the same.
    pub(crate) fn root_with(&self, checksum: u128) -> Option<Root> {
        (1..self.pages())
            .filter_map(|page| self.root_at(self.header.geometry().number(page * PAGE)?))
            .find(|root| root.checksum == checksum)
    }

    /// Returns how many whole pages the file has.
    pub(crate) const fn pages(&self) -> u64 {
        self.length / PAGE
    }

    /// Returns bytes of the file; `None` if they can't be read.
    pub(crate) fn bytes(&self, place: Range<u64>) -> Option<Vec<u8>> {
        if place.end > self.length {
            return None;
        }
        let mut bytes = vec![0; usize::try_from(place.end.checked_sub(place.start)?).ok()?];
        self.file.read(&mut bytes, place.start).ok()?;
        Some(bytes)
    }

    /// Returns the tables of a tree of tables by their names, and whether the tree is intact. `reliable`: whether what names the root
    /// is.
    pub(crate) fn tables(
        &self,
        root: Option<Root>,
        reliable: bool,
    ) -> (BTreeMap<String, Table>, bool) {
        self.tables_from(root, reliable, &mut Seen::default())
    }

    fn tables_from(
        &self,
        root: Option<Root>,
        reliable: bool,
        seen: &mut Seen,
    ) -> (BTreeMap<String, Table>, bool) {
        let mut tables = BTreeMap::new();
        let mut understood = true;
        let intact = self.walk_from(root, reliable, Widths::default(), seen, &mut |entry| {
            match (std::str::from_utf8(entry.key), Table::parse(entry.value)) {
                // What a damaged page says of a table may lead anywhere.
                (Ok(name), Some(table)) if entry.intact => {
                    understood &= tables.insert(name.to_owned(), table).is_none();
                }
                _ => understood = false,
            }
        });
        (tables, intact && understood)
    }

    /// Returns whether every page of a commit is as it was written.
    pub(crate) fn is_intact(&self, commit: &Slot) -> bool {
        // No two trees share a page.
        let seen = &mut Seen::default();
        commit.intact
            && [commit.data, commit.system].into_iter().all(|root| {
                let (tables, intact) = self.tables_from(root, true, seen);
                let mut tables = tables.values();
                intact
                    && tables.all(|table| {
                        self.walk_from(table.root, true, table.widths, seen, &mut |_| {})
                    })
            })
    }

    /// Visits every entry of a tree, in their order, and returns whether every page is intact.
    ///
    /// Of a damaged page the entries are visited if the page above names it reliably; they are then what is left of those that
    /// belong there. Pages that only a damaged page names are visited if they are what that page says.
    pub(crate) fn walk(
        &self,
        root: Option<Root>,
        widths: Widths,
        visit: &mut dyn FnMut(Entry<'_>),
    ) -> bool {
        self.walk_from(root, true, widths, &mut Seen::default(), visit)
    }

    fn walk_from(
        &self,
        root: Option<Root>,
        reliable: bool,
        widths: Widths,
        seen: &mut Seen,
        visit: &mut dyn FnMut(Entry<'_>),
    ) -> bool {
        let mut walk = Walk {
            image: self,
            widths,
            visit,
            seen,
        };
        root.is_none_or(|root| walk.page(&root, reliable, MAX_DEPTH))
    }

    /// Visits the entries of everything in the file that may be a leaf, also one that nothing leads to.
    pub(crate) fn scan(&self, widths: Widths, visit: &mut dyn FnMut(Entry<'_>)) {
        // True leaves don't overlap. What only looks like one may claim any length.
        let mut budget = self.length.saturating_mul(OVERLAP);
        let mut at = PAGE;
        while at + PAGE <= self.length {
            // As much as its last value needs, not more: the order of the page is not known.
            if let Some(first) = self.bytes(at..at + PAGE)
                && let Some(Node::Leaf(leaf)) = Node::parse(&first, widths)
                && let Some(length) = leaf.length()
                && let Some(rest) = budget.checked_sub(length as u64)
                && let Some(page) = self.bytes(at..at + (length as u64).max(PAGE))
                && let Some(Node::Leaf(leaf)) = Node::parse(&page, widths)
            {
                budget = rest;
                for (key, value) in leaf.entries().flatten() {
                    visit(Entry {
                        key,
                        value,
                        place: place(at, &page, value),
                        intact: false,
                    });
                }
            }
            at += PAGE;
        }
    }
}

struct Walk<'i, 'v> {
    image: &'i Image<'i>,
    widths: Widths,
    visit: &'v mut dyn FnMut(Entry<'_>),
    seen: &'v mut Seen,
}

/// Which parts of a file were read, so that a damaged one can't lead in a circle: no part is read twice.
#[derive(Debug, Default)]
struct Seen(HashSet<u64>);

impl Seen {
    /// Returns whether nothing of the place was seen before.
    fn is_new(&mut self, place: &Range<u64>) -> bool {
        let mut parts = place.start / PAGE..place.end.div_ceil(PAGE);
        parts.all(|part| self.0.insert(part))
    }
}

impl Walk<'_, '_> {
    fn page(&mut self, root: &Root, reliable: bool, depth: usize) -> bool {
        let Some(place_of_page) = self.image.header.geometry().place(root.page) else {
            return false;
        };
        let at = place_of_page.start;
        let is_there = place_of_page.end <= self.image.length;
        if depth == 0 || !is_there || !self.seen.is_new(&place_of_page) {
            return false;
        }
        let Some(page) = self.image.bytes(place_of_page) else {
            return false;
        };
        let Some(node) = Node::parse(&page, self.widths) else {
            return false;
        };
        let mut intact = node.is_intact(root);
        if !intact && !reliable {
            return false;
        }
        match node {
            Node::Leaf(leaf) => {
                let page_intact = intact;
                for entry in leaf.entries() {
                    let Some((key, value)) = entry else {
                        intact = false;
                        continue;
                    };
                    (self.visit)(Entry {
                        key,
                        value,
                        place: place(at, &page, value),
                        intact: page_intact,
                    });
                }
            }
            Node::Branch(branch) => {
                let reliable = intact;
                for child in branch.children() {
                    intact &= child.is_some_and(|child| self.page(&child, reliable, depth - 1));
                }
            }
        }
        intact
    }
}

/// Returns where a part of a page is in the file.
fn place(at: u64, page: &[u8], part: &[u8]) -> Range<u64> {
    let start = at + (part.as_ptr().addr() - page.as_ptr().addr()) as u64;
    start..start + part.len() as u64
}

/// How often a scan reads a file, at most.
const OVERLAP: u64 = 16;

/// A tree of this depth does not fit on a disk.
const MAX_DEPTH: usize = 32;
