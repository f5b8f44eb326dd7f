//! Refusals: why an agent does not accept a channel, signed.
//!
//! ```text
//! refusal = f ‖ Ed25519(agent key, D("refusal") ‖ f) [64]        f = 0x03 ‖ agent kid [32] ‖ channel [32] ‖ u8 code
//! ```

use crate::{
    keys::{Kid, SignError, SigningKey, VerifyKey},
    opening::ChannelId,
    reader::{Malformed, Reader},
};

/// Why a channel is not accepted.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum RefusalCode {
    /// It is not for a key that the agent has: the gateway needs the current certificate.
    OtherKey,
    /// The seed does not open.
    DoesNotOpen,
    /// The key can't be used now.
    KeyUnavailable,
    /// The gateway has too many channels, or opens them too fast.
    Limit,
    /// Its times are not credible: a clock is wrong.
    Times,
    /// The agent wants requests to be signed.
    UnsignedRequests,
}

impl RefusalCode {
    /// The number in the message.
    #[must_use]
    pub const fn number(self) -> u8 {
        match self {
            Self::OtherKey => 1,
            Self::DoesNotOpen => 2,
            Self::KeyUnavailable => 3,
            Self::Limit => 4,
            Self::Times => 5,
            Self::UnsignedRequests => 6,
        }
    }

    /// A code that is not known, of a later release, is [`DoesNotOpen`](Self::DoesNotOpen).
    fn from_number(number: u8) -> Self {
        match number {
            1 => Self::OtherKey,
            3 => Self::KeyUnavailable,
            4 => Self::Limit,
            5 => Self::Times,
            6 => Self::UnsignedRequests,
            _ => Self::DoesNotOpen,
        }
    }
}

/// A refusal, parsed. Nothing of it is true before the signature was verified.
#[derive(Clone, Copy)]
pub(crate) struct Refusal<'a> {
    pub(crate) kid: Kid,
    pub(crate) channel: ChannelId,
    pub(crate) code: RefusalCode,
    bytes: &'a [u8],
    signature: &'a [u8; 64],
}

/// The bytes of a refusal.
pub(crate) type RefusalBytes = [u8; REFUSAL_LEN];

impl<'a> Refusal<'a> {
    /// Parses a refusal, exactly.
    pub(crate) fn parse(bytes: &'a [u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(bytes);
        if reader.u8()? != REFUSAL_BYTE {
            return Err(Malformed("not a refusal"));
        }
        let refusal = Self {
            kid: Kid::from_bytes(*reader.array()?),
            channel: ChannelId::from_bytes(*reader.array()?),
            code: RefusalCode::from_number(reader.u8()?),
            bytes: bytes.get(..reader.position()).unwrap_or_default(),
            signature: reader.array()?,
        };
        reader.end()?;
        Ok(refusal)
    }

    pub(crate) fn verifies(&self, key: &VerifyKey) -> bool {
        key.verifies(LABEL, &[self.bytes], self.signature)
    }
}

/// Signs a refusal.
pub(crate) fn sign(
    agent: &SigningKey,
    channel: &ChannelId,
    code: RefusalCode,
) -> Result<RefusalBytes, SignError> {
    let kid = agent.kid();
    let code = [code.number()];
    let parts: [&[u8]; 4] = [&[REFUSAL_BYTE], kid.as_bytes(), channel.as_bytes(), &code];
    let front = parts.concat();
    let signature = agent.sign(LABEL, &[&front])?;
    let mut bytes = [0; REFUSAL_LEN];
    bytes.copy_from_slice(&[front.as_slice(), &signature].concat());
    Ok(bytes)
}

/// The first byte of a refusal.
pub(crate) const REFUSAL_BYTE: u8 = 0x03;
const LABEL: &str = "refusal";

/// Bytes of a refusal.
pub const REFUSAL_LEN: usize = 130;
