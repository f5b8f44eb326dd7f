//! Request messages: a signed opening, and one frame under its keys.
//!
//! ```text
//! message = signed ‖ u64 n ‖ com [32] ‖ [Ed25519(gateway key, D("request") ‖ channel ‖ u64 n ‖ com) [64]] ‖ ct
//! ```

use thiserror::Error;

use crate::{
    frame::REQUEST,
    keys::VerifyKey,
    opening::{Opening, SignedOpening, VERSION},
    reader::Malformed,
};

/// A message from a gateway, parsed. Nothing of it is true yet.
#[derive(Clone, Copy)]
pub struct Message<'a> {
    pub(crate) signed: SignedOpening<'a>,
    pub(crate) number: u64,
    pub(crate) commitment: &'a [u8; 32],
    /// There if the opening says that requests are signed.
    pub(crate) signature: Option<&'a [u8; 64]>,
    pub(crate) ciphertext: &'a [u8],
}

/// Why bytes are not a message. The sender gets no answer.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
pub enum NotAMessage {
    /// It is too short or too long.
    #[error("{0} bytes are no message's length")]
    Length(usize),
    /// It begins like no message of this version.
    #[error(
        "the first byte is {0:#04x}, and only messages that begin with 0x01 are known: update the agent, or the gateway"
    )]
    Version(u8),
    /// A field breaks a rule.
    #[error(transparent)]
    Malformed(#[from] Malformed),
}

impl<'a> Message<'a> {
    /// Parses a message, exactly.
    ///
    /// # Errors
    ///
    /// [`NotAMessage`].
    pub fn parse(bytes: &'a [u8]) -> Result<Self, NotAMessage> {
        // Another version may have other lengths: its first byte is worth a line in the log.
        match bytes.first() {
            Some(&VERSION) => {}
            Some(&version) => return Err(NotAMessage::Version(version)),
            None => return Err(NotAMessage::Length(0)),
        }
        if !(MIN_MESSAGE..=MAX_MESSAGE).contains(&bytes.len()) {
            return Err(NotAMessage::Length(bytes.len()));
        }
        let (signed, mut reader) = SignedOpening::parse(bytes)?;
        let message = Self {
            signed,
            number: reader.u64()?,
            commitment: reader.array()?,
            signature: match signed.opening.signed_requests {
                true => Some(reader.array()?),
                false => None,
            },
            ciphertext: reader.rest(),
        };
        if !REQUEST.is_sealed_len(message.ciphertext.len()) {
            return Err(Malformed("the frame has a length that no padded body has").into());
        }
        Ok(message)
    }

    /// Returns whether the gateway with this key has signed the opening.
    #[must_use]
    pub fn is_opened_by(&self, gateway: &VerifyKey) -> bool {
        self.signed.opening.kid == gateway.kid() && self.signed.verifies(gateway)
    }

    /// What the opening says.
    #[must_use]
    pub fn opening(&self) -> &Opening<'a> {
        &self.signed.opening
    }
}

impl std::fmt::Debug for Message<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Message")
            .field("opening", &self.signed.opening)
            .field("number", &self.number)
            .finish_non_exhaustive()
    }
}

/// The label of the signature under a request.
pub(crate) const SIGNED_REQUEST: &str = "request";
/// Numbers are below this.
pub(crate) const NUMBERS: u64 = 1 << 20;

/// The shortest message, in bytes.
pub const MIN_MESSAGE: usize = 1_563;
/// The longest message, in bytes.
pub const MAX_MESSAGE: usize = 137_581;
