//! The fields of a message.

/// Reads fields from the front of a message.
pub(crate) struct Fields<'m>(&'m [u8]);

/// The page and the module disagree about the message: they are not of one release.
pub(crate) struct Malformed;

impl<'m> Fields<'m> {
    pub(crate) fn new(message: &'m [u8]) -> Self {
        Self(message)
    }

    pub(crate) fn bytes(&mut self) -> Result<&'m [u8], Malformed> {
        self.optional()?.ok_or(Malformed)
    }

    pub(crate) fn text(&mut self) -> Result<&'m str, Malformed> {
        core::str::from_utf8(self.bytes()?).map_err(|_| Malformed)
    }

    pub(crate) fn optional_text(&mut self) -> Result<Option<&'m str>, Malformed> {
        let bytes = self.optional()?;
        bytes
            .map(|bytes| core::str::from_utf8(bytes).map_err(|_| Malformed))
            .transpose()
    }

    fn optional(&mut self) -> Result<Option<&'m [u8]>, Malformed> {
        let (length, rest) = self.0.split_first_chunk().ok_or(Malformed)?;
        self.0 = rest;
        let length = u32::from_le_bytes(*length);
        if length == ABSENT {
            return Ok(None);
        }
        let length = usize::try_from(length).map_err(|_| Malformed)?;
        let (field, rest) = rest.split_at_checked(length).ok_or(Malformed)?;
        self.0 = rest;
        Ok(Some(field))
    }
}

const ABSENT: u32 = u32::MAX;
