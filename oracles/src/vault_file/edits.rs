//! Changes of a file, as an input says them.
//!
//! ```text
//! input = base, 2 bits ‖ whether checksums are made right, 1 bit ‖ … ‖ edits
//! edit  = kind u8 ‖ which page u8 ‖ offset u16 ‖ two bytes
//! ```

use super::base::Base;
use super::layout;

/// What an input says.
#[derive(Debug)]
pub(super) struct Edits<'i> {
    pub(super) base: usize,
    rewrite: bool,
    edits: &'i [[u8; 6]],
}

/// A file with changes.
#[derive(Debug)]
pub(super) struct Changed {
    pub(super) bytes: Vec<u8>,
    /// Whether its checksums were made right again, which no accident does.
    pub(super) rewritten: bool,
}

impl<'i> Edits<'i> {
    pub(super) fn parse(input: &'i [u8]) -> Option<Self> {
        let (first, rest) = input.split_first()?;
        let (edits, _) = rest.as_chunks();
        Some(Self {
            base: usize::from(first & 3),
            rewrite: first & 4 != 0,
            edits: &edits[..edits.len().min(MOST)],
        })
    }

    pub(super) fn apply(&self, base: &Base) -> Changed {
        let mut bytes = base.bytes.clone();
        for edit in self.edits {
            apply(&mut bytes, base, *edit);
        }
        if self.rewrite {
            bytes = layout::rewrite(bytes);
        }
        Changed {
            rewritten: self.rewrite,
            bytes,
        }
    }
}

fn apply(bytes: &mut Vec<u8>, base: &Base, [kind, page, high, low, a, b]: [u8; 6]) {
    let offset = usize::from(u16::from_be_bytes([high, low]));
    let start = page_at(base, page);
    // Within what the checksum covers, and the page's rest.
    let at = start + offset % PAGE;
    let mut write = |at: usize, new: &[u8]| {
        if let Some(there) = bytes.get_mut(at..at + new.len()) {
            there.copy_from_slice(new);
        }
    };
    match kind % 7 {
        0 => write(
            at,
            &[base.bytes.get(at).map_or(0, |byte| byte ^ 1 << (a % 8))],
        ),
        1 => write(at, &[a, b]),
        2 => {
            let from = page_at(base, a);
            write(start, &base.bytes[from..from + PAGE]);
        }
        3 => write(start, &[0; PAGE]),
        4 => bytes.truncate(PAGE * (1 + offset % (base.bytes.len() / PAGE))),
        5 => {
            let at = offset % HEADER_AND_MARK;
            let at = if at < 320 { at } else { 1024 + at - 320 };
            write(at, &[a]);
        }
        _ => write(at, &[a, b, 0, 0]),
    }
}

/// A page in use, the first page, or one behind those in use.
fn page_at(base: &Base, which: u8) -> usize {
    let which = usize::from(which) % (base.covered.len() + 3);
    match base.covered.get(which) {
        Some(covered) => covered.start,
        None if which == base.covered.len() => 0,
        None if which == base.covered.len() + 1 => base.bytes.len() - PAGE,
        None => {
            let last = base.covered.iter().map(|covered| covered.start).max();
            (last.unwrap_or_default() + PAGE).min(base.bytes.len() - PAGE)
        }
    }
}

impl Changed {
    /// Whether nothing was changed that the vault needs.
    pub(super) fn is_sound(&self, base: &Base) -> bool {
        self.has_the_length(base)
            && self.has_the_header(base)
            && self.has_the_mark(base)
            && self.has_the_pages(base)
    }

    /// Whether pages in use were changed, and nothing else that is judged.
    pub(super) fn is_damaged(&self, base: &Base) -> bool {
        !self.rewritten
            && self.has_the_length(base)
            && self.has_the_header(base)
            && self.has_the_mark(base)
            && !self.has_the_pages(base)
    }

    /// Whether no secret may get lost silently. The header names the newest commit and the mark proves that it is the
    /// newest: without both an older one looks like it.
    pub(super) fn must_be_kept(&self, base: &Base) -> bool {
        !self.rewritten && (self.has_the_header(base) || self.has_the_mark(base))
    }

    /// Whether redb has no reason to refuse what the vault's reader finds whole.
    pub(super) fn is_plausible(&self, base: &Base) -> bool {
        !self.rewritten && self.has_the_length(base) && self.has_the_header(base)
    }

    fn has_the_length(&self, base: &Base) -> bool {
        self.bytes.len() == base.bytes.len()
    }

    fn has_the_header(&self, base: &Base) -> bool {
        self.bytes.get(..320) == base.bytes.get(..320)
    }

    fn has_the_mark(&self, base: &Base) -> bool {
        self.bytes.get(1024..1048) == base.bytes.get(1024..1048)
    }

    fn has_the_pages(&self, base: &Base) -> bool {
        let mut covered = base.covered.iter().cloned();
        covered.all(|page| self.bytes.get(page.clone()) == base.bytes.get(page))
    }
}

/// Each kind of change, of each file, with checksums as they were and made right.
pub(crate) fn seeds() -> Vec<Vec<u8>> {
    let edits: &[&[[u8; 6]]] = &[
        &[],
        &[[0, 0, 0, 40, 3, 0]],
        &[[1, 1, 0, 2, 9, 0]],
        &[[2, 0, 0, 0, 1, 0]],
        &[[3, 2, 0, 0, 0, 0]],
        &[[4, 0, 0, 9, 0, 0]],
        &[[5, 0, 0, 9, 3, 0]],
        // More regions than any file has.
        &[
            [5, 0, 0, 18, 0x0f, 0],
            [5, 0, 0, 26, 0xff, 0],
            [5, 0, 0, 27, 0xff, 0],
        ],
        &[[5, 0, 1, 0x44, 1, 0]],
        &[[6, 3, 0, 4, 0xff, 0xff]],
        // Behind the pages in use.
        &[[0, 255, 0, 40, 3, 0], [3, 254, 0, 0, 0, 0]],
    ];
    let mut seeds = Vec::new();
    for first in [0, 1, 2, 4, 5, 6] {
        for edits in edits {
            seeds.push([&[first][..], edits.as_flattened()].concat());
        }
    }
    seeds
}

const PAGE: usize = 4096;
const HEADER_AND_MARK: usize = 320 + 24;
/// Edits of one file.
const MOST: usize = 32;
