//! An envelope, parsed and still sealed.

use crate::{
    error::{Error, ParseError},
    frame::{Frame, Frames},
    header::{Header, Stanzas},
};

/// The structure of an envelope, borrowed from its bytes.
///
/// Parsing checks everything that can be checked without a key, and it is strict: only what sealing
/// writes parses.
///
/// # Security
///
/// Nothing that it tells is authenticated before a message has been opened.
#[derive(Clone, Debug)]
pub struct Envelope<'a> {
    bytes: &'a [u8],
    header: Header<'a>,
    frames: Frames<'a>,
    messages: u32,
    complete: bool,
}

/// The structure of an envelope without its bytes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shape {
    header_len: usize,
    recipients: u8,
    messages: u32,
    complete: bool,
}

impl<'a> Envelope<'a> {
    /// Parses the binary form of an envelope.
    ///
    /// Costs time linear in the number of messages; allocates nothing.
    ///
    /// # Errors
    ///
    /// A [`ParseError`] that says what is wrong and at which byte.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, ParseError> {
        let (header, rest) = Header::parse(bytes)?;
        let (frames, messages, complete) = Frames::parse(rest, header.bytes().len())?;
        Ok(Self {
            bytes,
            header,
            frames,
            messages,
            complete,
        })
    }

    /// The structure apart from the bytes.
    pub(crate) fn shape(&self) -> Shape {
        Shape {
            header_len: self.header.bytes().len(),
            recipients: self.header.recipients(),
            messages: self.messages,
            complete: self.complete,
        }
    }

    /// The envelope of these bytes, which were parsed before to this structure.
    pub(crate) fn from_shape(bytes: &'a [u8], shape: &Shape) -> Self {
        let (header, rest) = bytes
            .split_at_checked(shape.header_len)
            .unwrap_or((bytes, &[]));
        Self {
            bytes,
            header: Header::from_parsed(header, shape.recipients),
            frames: Frames::from_parsed(rest),
            messages: shape.messages,
            complete: shape.complete,
        }
    }

    /// The bytes it was parsed from, which are the only ones that parse to it.
    #[must_use]
    pub fn as_bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// The format version.
    #[must_use]
    pub fn version(&self) -> u8 {
        1
    }

    /// Magic, version and stanzas: what the key schedule binds.
    #[must_use]
    pub fn header_bytes(&self) -> &'a [u8] {
        self.header.bytes()
    }

    /// The recipients' entries.
    #[must_use]
    pub fn stanzas(&self) -> Stanzas<'a> {
        self.header.stanzas()
    }

    /// How many messages there are, at least one.
    #[must_use]
    pub fn message_count(&self) -> u32 {
        self.messages
    }

    /// Returns whether the last message there says that it is the last.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.complete
    }

    /// The messages, still sealed.
    #[must_use]
    pub fn frames(&self) -> Frames<'a> {
        self.frames.clone()
    }

    /// The message of an envelope that carries exactly one.
    ///
    /// # Errors
    ///
    /// [`Error::NotSingle`] if there are more, [`Error::Cut`] if the end is missing.
    pub fn single(&self) -> Result<Frame<'a>, Error> {
        match (self.frames().next(), self.messages) {
            (Some(frame), 1) if frame.last => Ok(frame),
            (_, messages) if messages == 1 => Err(Error::Cut { messages }),
            (_, messages) => Err(Error::NotSingle { messages }),
        }
    }

    pub(crate) fn header(&self) -> &Header<'a> {
        &self.header
    }
}
