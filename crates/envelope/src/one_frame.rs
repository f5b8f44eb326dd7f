//! One message of a batch, apart from the others: the header and one frame.
//!
//! ```text
//! one frame = header with one stanza ‖ frame of any index
//! ```

use crate::{
    error::{Error, ParseError},
    fingerprint::KeyId,
    frame::{Frame, shift},
    header::{Header, Stanza, StanzaType},
    opener::{Pending, check_type},
    public_key::PublicKey,
    reader::Reader,
};

/// One message of a batch with the batch's header, still sealed.
///
/// All messages of a batch have one header, so who keeps the [`Opener`](crate::native::Opener) of a header opens each
/// further one without the private key.
///
/// # Security
///
/// It says nothing of the other messages, nor how many there are. Nothing that it tells is authenticated before it has
/// been opened.
#[derive(Clone, Copy, Debug)]
pub struct OneFrame<'a> {
    header: Header<'a>,
    stanza: Stanza<'a>,
    frame: Frame<'a>,
}

impl<'a> OneFrame<'a> {
    /// Parses a header with one recipient and one frame; nothing may follow.
    ///
    /// # Errors
    ///
    /// A [`ParseError`] that says what is wrong and at which byte.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, ParseError> {
        let (header, rest) = Header::parse(bytes)?;
        let stanza = header.only_stanza()?;
        let offset = header.bytes().len();
        let mut reader = Reader::new(rest);
        if reader.is_empty() {
            return Err(ParseError::NoMessage);
        }
        let frame = Frame::read_alone(&mut reader).map_err(|error| shift(error, offset))?;
        if !reader.is_empty() {
            return Err(ParseError::TrailingBytes {
                position: offset + reader.position(),
            });
        }
        Ok(Self {
            header,
            stanza,
            frame,
        })
    }

    /// Magic, version and stanza: what the key schedule binds.
    #[must_use]
    pub fn header_bytes(&self) -> &'a [u8] {
        self.header.bytes()
    }

    /// The key that it is sealed to.
    #[must_use]
    pub fn key_id(&self) -> KeyId {
        self.stanza.key_id()
    }

    /// The message.
    #[must_use]
    pub fn frame(&self) -> &Frame<'a> {
        &self.frame
    }

    /// The seed that is encrypted to this key, ready to be decrypted.
    ///
    /// # Errors
    ///
    /// [`Error::NoMatchingKey`], [`Error::StanzaType`], [`Error::EncapsulationLength`] or
    /// [`Error::EncapsulationRange`]. No private key has been touched.
    pub fn pending(&self, key: &PublicKey) -> Result<Pending<'a>, Error> {
        let stanza = &self.stanza;
        if stanza.key_id() != key.key_id() {
            return Err(Error::NoMatchingKey {
                key_id: key.key_id(),
                recipients: 1,
            });
        }
        check_type(stanza, StanzaType::RsaOaep)?;
        key.check_ciphertext(stanza.body())?;
        Ok(Pending::new(
            self.header.bytes(),
            stanza.key_id(),
            stanza.body(),
        ))
    }
}
