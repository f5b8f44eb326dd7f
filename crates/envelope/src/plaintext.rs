//! An opened message.

use alloc::vec::Vec;
use core::{fmt, ops::Deref};

use zeroize::Zeroizing;

use crate::padding::LENGTH_FIELD;

/// An opened message: bytes that are wiped when dropped and that `Debug` doesn't show.
///
/// It is not `Clone`: borrow it.
pub struct Plaintext {
    /// The padded message.
    buffer: Zeroizing<Vec<u8>>,
    length: usize,
}

impl Plaintext {
    /// Wraps a padded message whose length field says `length`.
    pub(crate) fn new(buffer: Zeroizing<Vec<u8>>, length: usize) -> Self {
        Self { buffer, length }
    }
}

impl Deref for Plaintext {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        self.buffer
            .get(LENGTH_FIELD..LENGTH_FIELD + self.length)
            .unwrap_or_default()
    }
}

impl AsRef<[u8]> for Plaintext {
    fn as_ref(&self) -> &[u8] {
        self
    }
}

impl fmt::Debug for Plaintext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Plaintext").finish_non_exhaustive()
    }
}
