//! The row that says which vault a file is.

use crate::keys::{KeyCheck, VaultId};
use crate::seal::Seal;

/// Identifies a vault; it is written before the first record, and with each commit since version 2.
///
/// ```text
/// version u32 -> id [16] ‖ check [32]             version 1
/// version u32 -> id [16] ‖ check [32] ‖ seal      version 2
/// ```
///
/// A copy of the row of version 2 is written beside the mark, after each commit: without the identifier nothing in the file can be opened.
///
/// A vault of version 1 is opened and becomes one of version 2 in one commit; older programs then refuse it, since they would
/// store without sealing.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Descriptor {
    pub(crate) id: VaultId,
    pub(crate) check: KeyCheck,
    /// `None` in version 1.
    pub(crate) seal: Option<[u8; Seal::LENGTH]>,
}

impl Descriptor {
    /// Where the copy is in the file: in the first page, away from the mark.
    pub(crate) const COPY_AT: u64 = 2048;
    /// How long a row of version 2 is.
    pub(crate) const LENGTH: usize = 16 + 32 + Seal::LENGTH;

    /// Reads a row as it is in a page. Returns `None` if it is of no version that is known.
    pub(crate) fn parse(version: &[u8], row: &[u8]) -> Option<Self> {
        let (id, rest) = row.split_first_chunk()?;
        let (check, seal) = rest.split_first_chunk()?;
        let seal = match u32::from_le_bytes(version.try_into().ok()?) {
            UNSEALED if seal.is_empty() => None,
            VERSION => Some(seal.try_into().ok()?),
            _ => return None,
        };
        Some(Self {
            id: *id,
            check: *check,
            seal,
        })
    }

    /// Returns the row of version 2.
    pub(crate) fn to_bytes(self, seal: &[u8]) -> Vec<u8> {
        [&self.id[..], &self.check, seal].concat()
    }
}

pub(crate) const UNSEALED: u32 = 1;
pub(crate) const VERSION: u32 = 2;
