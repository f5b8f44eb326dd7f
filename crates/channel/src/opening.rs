//! Openings: a seed for the agent, signed by the gateway.
//!
//! ```text
//! opening = 0x01 ‖ flags ‖ kid [32] ‖ u8(|A|) ‖ A ‖ u64 issued_at ‖ u64 expires_at ‖ g [32] ‖ u16(|header|) ‖ header
//! channel = H("id", opening)       prk = Extract(H("salt", opening), seed)       confirm = X(prk, "confirm", "", 32)
//! signed  = opening ‖ confirm [32] ‖ Ed25519(gateway key, D("opening") ‖ opening ‖ confirm) [64]
//! ```

use std::fmt;

use sealpost_context::AgentId;
use sealpost_envelope::{AwsLc, UnixTime, backend::Backend as _};

use crate::{
    keys::{Kid, SignError, SigningKey, VerifyKey},
    labels::{Prk, Secret, expand, extract, hash},
    reader::{Malformed, Reader},
};

/// The name of a channel: a digest of its opening.
#[derive(Clone, Copy, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct ChannelId([u8; 32]);

impl ChannelId {
    pub(crate) fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The digest.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for ChannelId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ChannelId(")?;
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))?;
        f.write_str(")")
    }
}

/// What an opening says. Nothing of it is true before the signature was verified.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Opening<'a> {
    /// Whether the gateway signs each request.
    pub signed_requests: bool,
    /// The key of the gateway.
    pub kid: Kid,
    /// The agent that the channel leads to.
    pub agent: AgentId,
    /// When it was made.
    pub issued_at: UnixTime,
    /// After which no request is valid.
    pub expires_at: UnixTime,
    /// The gateway's public value for replies.
    pub exchange: [u8; 32],
    /// The seed, encrypted to the agent's certificate.
    pub header: &'a [u8],
}

impl Opening<'_> {
    /// The bytes, without `confirm` and signature.
    ///
    /// # Errors
    ///
    /// [`Malformed`] if the header is too long.
    pub(crate) fn encode(&self) -> Result<Vec<u8>, Malformed> {
        let agent = self.agent.as_str().as_bytes();
        let agent_len = u8::try_from(agent.len()).map_err(|_| HEADER_TOO_LONG)?;
        let header_len = u16::try_from(self.header.len()).map_err(|_| HEADER_TOO_LONG)?;
        if self.header.len() > MAX_HEADER {
            return Err(HEADER_TOO_LONG);
        }
        let parts: [&[u8]; 9] = [
            &[VERSION, u8::from(self.signed_requests)],
            self.kid.as_bytes(),
            &[agent_len],
            agent,
            &self.issued_at.as_secs().to_be_bytes(),
            &self.expires_at.as_secs().to_be_bytes(),
            &self.exchange,
            &header_len.to_be_bytes(),
            self.header,
        ];
        Ok(parts.concat())
    }
}

/// An opening with what proves it, parsed.
#[derive(Clone, Copy)]
pub(crate) struct SignedOpening<'a> {
    pub(crate) opening: Opening<'a>,
    /// All of it.
    pub(crate) signed: &'a [u8],
    /// Without confirmation and signature.
    pub(crate) bytes: &'a [u8],
    pub(crate) confirmation: &'a [u8; 32],
    signature: &'a [u8; 64],
}

impl<'a> SignedOpening<'a> {
    /// Reads one from the front of a message, whose version was checked; returns it and what follows.
    pub(crate) fn parse(message: &'a [u8]) -> Result<(Self, Reader<'a>), Malformed> {
        let mut reader = Reader::new(message);
        if reader.u8()? != VERSION {
            return Err(Malformed("the version is another"));
        }
        let signed_requests = match reader.u8()? {
            0 => false,
            1 => true,
            _ => return Err(Malformed("a flag is not known")),
        };
        let kid = Kid::from_bytes(*reader.array()?);
        let agent = AgentId::try_from(reader.short()?);
        let opening = Opening {
            signed_requests,
            kid,
            agent: agent.map_err(|_| Malformed("the agent's id breaks a rule"))?,
            issued_at: UnixTime::from_secs(reader.u64()?),
            expires_at: UnixTime::from_secs(reader.u64()?),
            exchange: *reader.array()?,
            header: {
                let length = usize::from(reader.u16()?);
                if length > MAX_HEADER {
                    return Err(HEADER_TOO_LONG);
                }
                reader.take(length)?
            },
        };
        let bytes = message.get(..reader.position()).unwrap_or_default();
        let (confirmation, signature) = (reader.array()?, reader.array()?);
        let signed = message.get(..reader.position()).unwrap_or_default();
        let parsed = Self {
            opening,
            signed,
            bytes,
            confirmation,
            signature,
        };
        Ok((parsed, reader))
    }

    pub(crate) fn verifies(&self, key: &VerifyKey) -> bool {
        key.verifies(LABEL, &[self.bytes, self.confirmation], self.signature)
    }

    /// SHA-256 of all of it.
    pub(crate) fn digest(&self) -> [u8; 32] {
        AwsLc::sha256(&[self.signed])
    }
}

/// The name of the channel with this opening.
pub(crate) fn channel(opening: &[u8]) -> ChannelId {
    ChannelId(hash("id", &[opening]))
}

/// The key from which all others of the channel are derived.
pub(crate) fn root(opening: &[u8], seed: &[u8; 32]) -> Prk {
    extract("salt", opening, seed)
}

/// What shows that the signer knew the seed.
pub(crate) fn confirmation(root: &Prk) -> Secret {
    expand(root, "confirm", &[])
}

/// `opening ‖ confirm ‖ signature`
pub(crate) fn sign(
    opening: &[u8],
    confirmation: &[u8; 32],
    key: &SigningKey,
) -> Result<Vec<u8>, SignError> {
    let signature = key.sign(LABEL, &[opening, confirmation])?;
    Ok([opening, confirmation, &signature].concat())
}

/// The first byte of a message of this version.
pub(crate) const VERSION: u8 = 0x01;
/// The longest header: a key of 8,192 bits has 1,069 bytes.
const MAX_HEADER: usize = 2048;
const HEADER_TOO_LONG: Malformed = Malformed("the header is too long");
const LABEL: &str = "opening";
