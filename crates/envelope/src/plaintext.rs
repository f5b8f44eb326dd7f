//! An opened message.

use alloc::boxed::Box;
use core::{fmt, ops::Deref};

use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::padding::LENGTH_FIELD;

/// An opened message: bytes that are wiped when dropped and that `Debug` doesn't show.
///
/// It is not `Clone`: borrow it.
pub struct Plaintext {
    /// The message and, in the native format, its padding.
    buffer: Box<[u8]>,
    start: usize,
    length: usize,
}

impl Plaintext {
    /// A copy of `ciphertext`, to be opened in place by `open`, which returns the message's length.
    pub(crate) fn open_with<E>(
        ciphertext: &[u8],
        open: impl FnOnce(&mut [u8]) -> Result<usize, E>,
    ) -> Result<Self, E> {
        let mut plaintext = Self {
            buffer: Box::from(ciphertext),
            start: LENGTH_FIELD,
            length: 0,
        };
        plaintext.length = open(&mut plaintext.buffer)?;
        Ok(plaintext)
    }

    /// The same for a message without padding.
    #[cfg(any(feature = "jwe", feature = "cms"))]
    pub(crate) fn open_unpadded<E>(
        ciphertext: &[u8],
        open: impl FnOnce(&mut [u8]) -> Result<(), E>,
    ) -> Result<Self, E> {
        let mut plaintext = Self {
            buffer: Box::from(ciphertext),
            start: 0,
            length: 0,
        };
        open(&mut plaintext.buffer)?;
        plaintext.length = plaintext.buffer.len();
        Ok(plaintext)
    }
}

impl Drop for Plaintext {
    fn drop(&mut self) {
        // As one slice, which is wiped at the speed of memory; a `Vec` is wiped byte by byte.
        <[u8]>::zeroize(&mut self.buffer);
    }
}

impl ZeroizeOnDrop for Plaintext {}

impl Deref for Plaintext {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        self.buffer
            .get(self.start..self.start + self.length)
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
