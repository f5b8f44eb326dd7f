//! A native envelope as a message: its bytes, which it may own, and its structure.

use alloc::borrow::Cow;
use core::fmt;

use crate::{
    envelope::{Envelope, Shape},
    error::ParseError,
    format::Format,
    text,
};

/// An envelope, with its bytes where it came as text.
#[derive(Clone)]
pub struct NativeMessage<'a> {
    /// In the binary form.
    bytes: Cow<'a, [u8]>,
    shape: Shape,
}

impl<'a> NativeMessage<'a> {
    pub(super) fn from_binary(bytes: &'a [u8]) -> Result<Self, ParseError> {
        Self::new(Cow::Borrowed(bytes))
    }

    pub(super) fn from_text(bytes: &[u8]) -> Result<Self, ParseError> {
        let text = str::from_utf8(bytes).map_err(|_| ParseError::TextEncoding)?;
        Self::new(Cow::Owned(text::decode(text)?))
    }

    fn new(bytes: Cow<'a, [u8]>) -> Result<Self, ParseError> {
        let shape = Envelope::parse(&bytes)?.shape();
        Ok(Self { bytes, shape })
    }

    /// The form that it was in.
    #[must_use]
    pub fn format(&self) -> Format {
        match self.bytes {
            Cow::Borrowed(_) => Format::Native,
            Cow::Owned(_) => Format::NativeText,
        }
    }

    /// Its structure, at no cost.
    #[must_use]
    pub fn envelope(&self) -> Envelope<'_> {
        Envelope::from_shape(&self.bytes, &self.shape)
    }
}

impl fmt::Debug for NativeMessage<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NativeMessage")
            .field("shape", &self.shape)
            .finish_non_exhaustive()
    }
}
