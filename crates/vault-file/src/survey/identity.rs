//! Which vault a damaged file is.
//!
//! The identifier is in the row of the descriptor, without which no record opens. Where that row is damaged, there is its copy in the first
//! page; a vault of before there was one has the rows that earlier commits left behind, and its own, in a page that no longer
//! looks like one. The key tells which of them are this vault's.

use aws_lc_rs::error::Unspecified;

use crate::descriptor::{Descriptor, VERSION};
use crate::image::Image;
use crate::keys::{FileKey, VaultKeys};
use crate::page::PAGE;
use crate::page::node::Widths;
use crate::seal::Seal;

/// Reads the copy of the descriptor; `None` if there is none, or not of a version that is known.
pub(super) fn copy(image: &Image<'_>) -> Option<Descriptor> {
    let bytes =
        image.bytes(Descriptor::COPY_AT..Descriptor::COPY_AT + Descriptor::LENGTH as u64)?;
    Descriptor::parse(&VERSION.to_le_bytes(), &bytes)
}

/// Looks through the file for a descriptor that belongs to the key, and returns the latest.
pub(super) fn find(
    image: &Image<'_>,
    file_key: &FileKey,
) -> Result<Option<(Descriptor, VaultKeys)>, Unspecified> {
    let candidates = candidates(image);
    let mut found: Option<(Descriptor, VaultKeys)> = None;
    for descriptor in candidates.iter().chain(&rows(image)) {
        let Some((descriptor, keys)) = belonging(*descriptor, file_key)? else {
            continue;
        };
        if found
            .as_ref()
            .is_none_or(|(best, _)| generation(&descriptor, &keys) > generation(best, &keys))
        {
            found = Some((descriptor, keys));
        }
    }
    if found.is_some() {
        return Ok(found);
    }
    for descriptor in candidates {
        for bit in 0..8 * descriptor.id.len() {
            let mut id = descriptor.id;
            id[bit / 8] ^= 1 << (bit % 8);
            if let Some(found) = belonging(Descriptor { id, ..descriptor }, file_key)? {
                return Ok(Some(found));
            }
        }
    }
    Ok(None)
}

/// Returns the descriptor with its keys if check or seal is of this key; the check is then the right one.
fn belonging(
    descriptor: Descriptor,
    file_key: &FileKey,
) -> Result<Option<(Descriptor, VaultKeys)>, Unspecified> {
    let keys = VaultKeys::derive(file_key, &descriptor.id)?;
    let is_ours = keys.belong_to(&descriptor.check) || generation(&descriptor, &keys).is_some();
    let check = *keys.check();
    Ok(is_ours.then_some((
        Descriptor {
            check,
            ..descriptor
        },
        keys,
    )))
}

fn generation(descriptor: &Descriptor, keys: &VaultKeys) -> Option<u64> {
    let seal = Seal::parse(&descriptor.seal?, keys.index())?;
    Some(seal.generation)
}

/// Returns what looks like a descriptor: the copy, and rows in pages that may be leaves.
fn candidates(image: &Image<'_>) -> Vec<Descriptor> {
    let mut found: Vec<_> = copy(image).into_iter().collect();
    let widths = Widths {
        key: Some(4),
        value: None,
    };
    image.scan(widths, &mut |entry| {
        if let Some(descriptor) = Descriptor::parse(entry.key, entry.value)
            && !found.contains(&descriptor)
            && found.len() < MAX_CANDIDATES
        {
            found.push(descriptor);
        }
    });
    found
}

/// Returns of each page what would be the row of the descriptor, whatever else the page says.
fn rows(image: &Image<'_>) -> Vec<Descriptor> {
    let row = |page: u64| {
        let start = page * PAGE + ROW_AT;
        let bytes = image.bytes(start..start + Descriptor::LENGTH as u64)?;
        let is_empty = bytes.iter().all(|byte| *byte == 0);
        let descriptor = Descriptor::parse(&VERSION.to_le_bytes(), &bytes)?;
        (!is_empty).then_some(descriptor)
    };
    (1..image.pages()).filter_map(row).collect()
}

/// What looks like a descriptor may be anything.
const MAX_CANDIDATES: usize = 64;
/// In a leaf with one entry: its kind and number of entries, the end of its value, and its key.
const ROW_AT: u64 = 12;
