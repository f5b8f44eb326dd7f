//! A cursor over received bytes that knows its position and can't be made to panic.

use crate::{bytes::copy, error::ParseError};

/// Reads big-endian fields from the front of a byte string.
pub(crate) struct Reader<'a> {
    rest: &'a [u8],
    total: usize,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self {
            rest: bytes,
            total: bytes.len(),
        }
    }

    /// Bytes read so far.
    pub(crate) fn position(&self) -> usize {
        self.total - self.rest.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    pub(crate) fn rest(&self) -> &'a [u8] {
        self.rest
    }

    pub(crate) fn take(&mut self, length: usize) -> Result<&'a [u8], ParseError> {
        let (taken, rest) = self
            .rest
            .split_at_checked(length)
            .ok_or(ParseError::Truncated {
                position: self.total,
                missing: length.saturating_sub(self.rest.len()),
            })?;
        self.rest = rest;
        Ok(taken)
    }

    pub(crate) fn array<const N: usize>(&mut self) -> Result<&'a [u8; N], ParseError> {
        let (taken, rest) = self.rest.split_first_chunk().ok_or(ParseError::Truncated {
            position: self.total,
            missing: N.saturating_sub(self.rest.len()),
        })?;
        self.rest = rest;
        Ok(taken)
    }

    pub(crate) fn u8(&mut self) -> Result<u8, ParseError> {
        self.array::<1>().map(|[byte]| *byte)
    }

    pub(crate) fn u16(&mut self) -> Result<u16, ParseError> {
        self.array().map(|bytes| u16::from_be_bytes(*bytes))
    }

    pub(crate) fn u32(&mut self) -> Result<u32, ParseError> {
        self.array().map(|bytes| u32::from_be_bytes(*bytes))
    }
}

/// Appends fields to the front of a caller's buffer; the counterpart of [`Reader`].
pub(crate) struct Writer<'a> {
    rest: &'a mut [u8],
    written: usize,
}

impl<'a> Writer<'a> {
    pub(crate) fn new(buffer: &'a mut [u8]) -> Self {
        Self {
            rest: buffer,
            written: 0,
        }
    }

    pub(crate) fn written(&self) -> usize {
        self.written
    }

    /// The next `length` bytes, for the caller to fill; `None` when they don't fit.
    pub(crate) fn reserve(&mut self, length: usize) -> Option<&'a mut [u8]> {
        let rest = core::mem::take(&mut self.rest);
        let (front, back) = rest.split_at_mut_checked(length)?;
        self.rest = back;
        self.written += length;
        Some(front)
    }

    pub(crate) fn put(&mut self, bytes: &[u8]) -> Option<()> {
        copy(self.reserve(bytes.len())?, bytes);
        Some(())
    }
}
