//! The header: who can open an envelope.
//!
//! ```text
//! header = "sealpost" ‖ 0x01 ‖ u8 recipients (1–16) ‖ stanza…
//! stanza = u8 type ‖ key id [32] ‖ u16 |body| ‖ body
//! ```

use crate::{
    error::ParseError,
    fingerprint::KeyId,
    reader::{Reader, Writer},
};

/// The most recipients that an envelope can have.
pub const MAX_RECIPIENTS: usize = 16;

/// One recipient's entry in the header: the seed, encrypted to its key. Unauthenticated.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Stanza<'a> {
    stanza_type: u8,
    key_id: KeyId,
    body: &'a [u8],
}

/// The stanza types that this release knows. Others are carried and skipped. An envelope opens with type 1 alone.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum StanzaType {
    /// Type 1: `RSA-OAEP-SHA-256(0x01 ‖ seed)`.
    RsaOaep,
    /// Type 2: `RSA-OAEP-SHA-256(0x02 ‖ seed)`, in the opening of a [channel](crate::channel).
    ChannelRsaOaep,
}

impl StanzaType {
    /// The type's number.
    #[must_use]
    pub const fn number(self) -> u8 {
        match self {
            Self::RsaOaep => 1,
            Self::ChannelRsaOaep => 2,
        }
    }
}

impl<'a> Stanza<'a> {
    /// What kind of encryption the body is, if this release knows it.
    #[must_use]
    pub fn stanza_type(&self) -> Option<StanzaType> {
        [StanzaType::RsaOaep, StanzaType::ChannelRsaOaep]
            .into_iter()
            .find(|known| known.number() == self.stanza_type)
    }

    /// The number of the type, known or not.
    #[must_use]
    pub fn type_number(&self) -> u8 {
        self.stanza_type
    }

    /// The key that the seed is encrypted to.
    #[must_use]
    pub fn key_id(&self) -> KeyId {
        self.key_id
    }

    /// The encrypted seed.
    #[must_use]
    pub fn body(&self) -> &'a [u8] {
        self.body
    }

    fn read(reader: &mut Reader<'a>) -> Result<Self, ParseError> {
        let stanza_type = reader.u8()?;
        let key_id = KeyId::from_bytes(*reader.array()?);
        let length = reader.u16()?;
        Ok(Self {
            stanza_type,
            key_id,
            body: reader.take(length.into())?,
        })
    }
}

/// The recipients' entries, in the order of the envelope.
#[derive(Clone, Debug)]
pub struct Stanzas<'a> {
    rest: &'a [u8],
}

impl<'a> Iterator for Stanzas<'a> {
    type Item = Stanza<'a>;

    fn next(&mut self) -> Option<Stanza<'a>> {
        let mut reader = Reader::new(self.rest);
        // The header was parsed before: this ends at its end and nowhere else.
        let stanza = Stanza::read(&mut reader).ok()?;
        self.rest = reader.rest();
        Some(stanza)
    }
}

/// A parsed header.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Header<'a> {
    bytes: &'a [u8],
    recipients: u8,
}

impl<'a> Header<'a> {
    /// Reads the header at the front of `bytes`; returns it and what follows.
    pub(crate) fn parse(bytes: &'a [u8]) -> Result<(Self, &'a [u8]), ParseError> {
        let mut reader = Reader::new(bytes);
        // A cut magic is not a magic: say so rather than ask for more bytes of something else.
        if reader.array::<8>().map_err(|_| ParseError::Magic)? != MAGIC {
            return Err(ParseError::Magic);
        }
        match reader.u8()? {
            VERSION => {}
            found => return Err(ParseError::Version { found }),
        }
        let recipients = reader.u8()?;
        if recipients == 0 || usize::from(recipients) > MAX_RECIPIENTS {
            return Err(ParseError::RecipientCount { found: recipients });
        }
        let stanzas = Stanzas {
            rest: reader.rest(),
        };
        for index in 0..recipients.into() {
            let position = reader.position();
            let stanza = Stanza::read(&mut reader)?;
            // At most 16 × 15 / 2 comparisons.
            if stanzas
                .clone()
                .take(index)
                .any(|earlier| earlier.key_id == stanza.key_id)
            {
                return Err(ParseError::DuplicateRecipient { position });
            }
        }
        let rest = reader.rest();
        let header = bytes.get(..reader.position()).unwrap_or(bytes);
        Ok((
            Self {
                bytes: header,
                recipients,
            },
            rest,
        ))
    }

    /// The header of these bytes, which were parsed before.
    pub(crate) fn from_parsed(bytes: &'a [u8], recipients: u8) -> Self {
        Self { bytes, recipients }
    }

    pub(crate) fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    pub(crate) fn recipients(&self) -> u8 {
        self.recipients
    }

    pub(crate) fn stanzas(&self) -> Stanzas<'a> {
        Stanzas {
            rest: self.bytes.get(FIXED_LEN..).unwrap_or_default(),
        }
    }

    /// The only stanza of a header that must have one.
    pub(crate) fn only_stanza(&self) -> Result<Stanza<'a>, ParseError> {
        match (self.stanzas().next(), self.recipients) {
            (Some(stanza), 1) => Ok(stanza),
            (_, found) => Err(ParseError::NotOneRecipient { found }),
        }
    }
}

/// Writes magic, version and the number of recipients; the stanzas follow.
pub(crate) fn write_start(writer: &mut Writer<'_>, recipients: u8) -> Option<()> {
    writer.put(MAGIC)?;
    writer.put(&[VERSION, recipients])
}

/// Writes a stanza up to its body, and returns the body for the caller to fill.
pub(crate) fn write_stanza<'w>(
    writer: &mut Writer<'w>,
    stanza_type: StanzaType,
    key_id: KeyId,
    length: usize,
) -> Option<&'w mut [u8]> {
    writer.put(&[stanza_type.number()])?;
    writer.put(key_id.as_bytes())?;
    writer.put(&u16::try_from(length).ok()?.to_be_bytes())?;
    writer.reserve(length)
}

/// The header's length before its stanzas: magic 8, version 1, number of recipients 1.
pub(crate) const FIXED_LEN: usize = 10;
/// A stanza's length before its body: type 1, key id 32, length 2.
pub(crate) const STANZA_LEN: usize = 35;

const MAGIC: &[u8; 8] = b"sealpost";
const VERSION: u8 = 1;
