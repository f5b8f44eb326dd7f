//! redb's pages, read a second time: where they are, what their checksums cover, and checksums that are right again after a change.

use std::collections::BTreeSet;
use std::ops::Range;

use sealpost_vault_file::page::PAGE;

/// Returns what the checksums of the newest commit of a sound file cover.
pub(super) fn covered(bytes: &[u8]) -> Vec<Range<usize>> {
    let second = bytes[9] & 1;
    let mut walk = Walk::new(bytes.to_vec());
    walk.slot(64 + 128 * usize::from(second));
    walk.covered
}

/// Makes every checksum right of all that can be understood.
pub(super) fn rewrite(bytes: Vec<u8>) -> Vec<u8> {
    let mut walk = Walk::new(bytes);
    for slot in [64, 192] {
        walk.slot(slot);
    }
    walk.bytes
}

struct Walk {
    bytes: Vec<u8>,
    covered: Vec<Range<usize>>,
    seen: BTreeSet<u64>,
}

/// Widths of keys and values, and whether the values are tables.
#[derive(Clone, Copy)]
struct Kind {
    key: Option<usize>,
    value: Option<usize>,
    tables: bool,
}

impl Walk {
    fn new(bytes: Vec<u8>) -> Self {
        Self {
            bytes,
            covered: Vec::new(),
            seen: BTreeSet::new(),
        }
    }

    fn slot(&mut self, at: usize) {
        let tables = Kind {
            key: None,
            value: None,
            tables: true,
        };
        for (has, root) in [(at + 1, at + 8), (at + 2, at + 40)] {
            if self.byte(has) != Some(0) {
                self.child(root, root + 8, tables, 8);
            }
        }
        if let Some(slot) = self.bytes.get(at..at + 112) {
            let sum = twox_hash::XxHash3_128::oneshot(slot).to_le_bytes();
            self.write(at + 112, &sum);
        }
    }

    /// Follows a page number, and writes the checksum of its page.
    fn child(&mut self, number: usize, checksum: usize, kind: Kind, depth: usize) {
        let Some(number) = self.u64(number) else {
            return;
        };
        if let Some(sum) = self.page(number, kind, depth) {
            self.write(checksum, &sum.to_le_bytes());
        }
    }

    fn page(&mut self, number: u64, kind: Kind, depth: usize) -> Option<u128> {
        let start = self.place(number)?;
        if depth == 0 || !self.seen.insert(number) {
            return None;
        }
        let count = usize::from(u16::from_le_bytes([
            self.byte(start + 2)?,
            self.byte(start + 3)?,
        ]));
        let end = match self.byte(start)? {
            1 if count > 0 => {
                let table = |n: u32| n as usize;
                let keys = if kind.key.is_none() { count } else { 0 };
                let values = if kind.value.is_none() { count } else { 0 };
                let first = 4 + 4 * (keys + values);
                let key_end = match kind.key {
                    Some(width) => first + width * count,
                    None => table(self.u32(start + 4 * count)?),
                };
                let end = match kind.value {
                    Some(width) => key_end + width * count,
                    None => table(self.u32(start + 4 * (keys + count))?),
                };
                if kind.tables {
                    let mut from = key_end;
                    for n in 0..count {
                        let to = table(self.u32(start + 4 + 4 * (count + n))?);
                        self.table(start + from, depth);
                        from = to;
                    }
                }
                end
            }
            2 if count > 0 => {
                for n in 0..=count {
                    let numbers = start + 8 + 16 * (count + 1);
                    self.child(numbers + 8 * n, start + 8 + 16 * n, kind, depth - 1);
                }
                let ends = 8 + 24 * (count + 1);
                match kind.key {
                    Some(width) => ends + width * count,
                    None => self.u32(start + ends + 4 * (count - 1))? as usize,
                }
            }
            _ => return None,
        };
        let covered = start..start.checked_add(end)?;
        let sum = twox_hash::XxHash3_128::oneshot(self.bytes.get(covered.clone())?);
        self.covered.push(covered);
        Some(sum)
    }

    /// A description of a table.
    fn table(&mut self, at: usize, depth: usize) {
        let width = |walk: &Self, at: usize| match walk.byte(at)? {
            0 => Some(None),
            _ => Some(Some(walk.u32(at + 1)? as usize)),
        };
        let (Some(key), Some(value)) = (width(self, at + 42), width(self, at + 47)) else {
            return;
        };
        if self.byte(at) == Some(3) && self.byte(at + 9) != Some(0) {
            let kind = Kind {
                key,
                value,
                tables: false,
            };
            self.child(at + 10, at + 18, kind, depth - 1);
        }
    }

    /// Where a page begins. Small files have one region.
    fn place(&self, number: u64) -> Option<usize> {
        let header_pages = u64::from(self.u32(16)?);
        let (order, index) = (number >> 59, number & 0xF_FFFF);
        let at = header_pages
            .checked_add(1)?
            .checked_add(index << order.min(20))?;
        usize::try_from(at.checked_mul(PAGE)?).ok()
    }

    fn byte(&self, at: usize) -> Option<u8> {
        self.bytes.get(at).copied()
    }

    fn u32(&self, at: usize) -> Option<u32> {
        let bytes = self.bytes.get(at..at + 4)?;
        Some(u32::from_le_bytes(bytes.try_into().ok()?))
    }

    fn u64(&self, at: usize) -> Option<u64> {
        let bytes = self.bytes.get(at..at + 8)?;
        Some(u64::from_le_bytes(bytes.try_into().ok()?))
    }

    fn write(&mut self, at: usize, new: &[u8]) {
        if let Some(there) = self.bytes.get_mut(at..at + new.len()) {
            there.copy_from_slice(new);
        }
    }
}
