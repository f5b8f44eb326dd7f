//! Replies: an acceptance, by which the agent's key vouches for a fresh exchange, and one frame.
//!
//! ```text
//! acceptance = 0x01 ‖ agent kid [32] ‖ channel [32] ‖ e [32]
//! rprk       = Extract(H("reply salt", acceptance), X(prk, "reply", "", 32) ‖ X25519(e, g))
//! reply      = 0x02 ‖ acceptance ‖ Ed25519(agent key, D("acceptance") ‖ acceptance) [64] ‖ u64 n ‖ rcom [32] ‖ rct
//! ```

use zeroize::Zeroizing;

use crate::{
    frame::{FrameKeys, REPLY},
    keys::{Kid, SignError, SigningKey, VerifyKey},
    labels::{Prk, Secret, expand, extract},
    opening::ChannelId,
    reader::{Malformed, Reader},
};

/// A reply, parsed. Nothing of it is true yet.
pub(crate) struct Reply<'a> {
    pub(crate) acceptance: Acceptance<'a>,
    pub(crate) number: u64,
    pub(crate) commitment: &'a [u8; 32],
    pub(crate) ciphertext: &'a [u8],
}

/// An acceptance with its signature, parsed.
#[derive(Clone, Copy)]
pub(crate) struct Acceptance<'a> {
    pub(crate) kid: Kid,
    pub(crate) channel: ChannelId,
    pub(crate) exchange: &'a [u8; 32],
    bytes: &'a [u8; ACCEPTANCE_LEN],
    signature: &'a [u8; 64],
}

/// An acceptance that an agent signed, as it stands in each reply.
pub(crate) type SignedAcceptance = [u8; ACCEPTANCE_LEN + 64];

impl<'a> Reply<'a> {
    /// Parses a reply, exactly.
    pub(crate) fn parse(bytes: &'a [u8]) -> Result<Self, Malformed> {
        if !(MIN_REPLY..=MAX_REPLY).contains(&bytes.len()) {
            return Err(Malformed("no reply has this length"));
        }
        let mut reader = Reader::new(bytes);
        if reader.u8()? != REPLY_BYTE {
            return Err(Malformed("not a reply"));
        }
        let reply = Self {
            acceptance: Acceptance::parse(reader.array()?, reader.array()?)?,
            number: reader.u64()?,
            commitment: reader.array()?,
            ciphertext: reader.rest(),
        };
        match REPLY.is_sealed_len(reply.ciphertext.len()) {
            true => Ok(reply),
            false => Err(Malformed(
                "the frame has a length that no padded outcome has",
            )),
        }
    }
}

impl<'a> Acceptance<'a> {
    fn parse(bytes: &'a [u8; ACCEPTANCE_LEN], signature: &'a [u8; 64]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(bytes);
        if reader.u8()? != ACCEPTANCE_VERSION {
            return Err(Malformed("the acceptance is of another version"));
        }
        Ok(Self {
            kid: Kid::from_bytes(*reader.array()?),
            channel: ChannelId::from_bytes(*reader.array()?),
            exchange: reader.array()?,
            bytes,
            signature,
        })
    }

    pub(crate) fn verifies(&self, key: &VerifyKey) -> bool {
        key.verifies(LABEL, &[self.bytes], self.signature)
    }

    /// All of it, with the signature.
    pub(crate) fn signed(&self) -> SignedAcceptance {
        joined(self.bytes, self.signature)
    }

    /// The keys of the replies that come with it.
    pub(crate) fn keys(&self, base: &Secret, shared: &Secret) -> FrameKeys {
        keys(self.bytes, base, shared)
    }
}

/// Accepts a channel; returns the acceptance and the keys of the replies.
pub(crate) fn accept(
    agent: &SigningKey,
    channel: &ChannelId,
    exchange: &[u8; 32],
    base: &Secret,
    shared: &Secret,
) -> Result<(SignedAcceptance, FrameKeys), SignError> {
    let mut bytes = [0; ACCEPTANCE_LEN];
    let (kid, channel) = (agent.kid(), channel.as_bytes());
    let parts: [&[u8]; 4] = [&[ACCEPTANCE_VERSION], kid.as_bytes(), channel, exchange];
    bytes.copy_from_slice(&parts.concat());
    let signature = agent.sign(LABEL, &[&bytes])?;
    Ok((joined(&bytes, &signature), keys(&bytes, base, shared)))
}

/// What the gateway and whoever has the RSA key know of the replies' keys.
pub(crate) fn base(root: &Prk) -> Secret {
    expand(root, "reply", &[])
}

/// The bytes of a reply.
pub(crate) fn encode(
    acceptance: &SignedAcceptance,
    number: u64,
    commitment: &[u8; 32],
    ciphertext: &[u8],
) -> Vec<u8> {
    let parts: [&[u8]; 5] = [
        &[REPLY_BYTE],
        acceptance,
        &number.to_be_bytes(),
        commitment,
        ciphertext,
    ];
    parts.concat()
}

/// What a reply's frame is bound to: the request, by its number and commitment.
pub(crate) fn binding(number: u64, request: &[u8; 32]) -> [u8; 40] {
    let mut binding = [0; 40];
    let (front, back) = binding.split_at_mut(8);
    front.copy_from_slice(&number.to_be_bytes());
    back.copy_from_slice(request);
    binding
}

fn keys(acceptance: &[u8; ACCEPTANCE_LEN], base: &Secret, shared: &Secret) -> FrameKeys {
    let mut ikm = Zeroizing::new([0; 64]);
    let (front, back) = ikm.split_at_mut(32);
    front.copy_from_slice(base.as_slice());
    back.copy_from_slice(shared.as_slice());
    let prk = extract("reply salt", acceptance, ikm.as_slice());
    FrameKeys::new(prk, REPLY)
}

fn joined(bytes: &[u8; ACCEPTANCE_LEN], signature: &[u8; 64]) -> SignedAcceptance {
    let mut signed = [0; ACCEPTANCE_LEN + 64];
    let (front, back) = signed.split_at_mut(ACCEPTANCE_LEN);
    front.copy_from_slice(bytes);
    back.copy_from_slice(signature);
    signed
}

/// The first byte of a reply.
const REPLY_BYTE: u8 = 0x02;
const ACCEPTANCE_VERSION: u8 = 0x01;
const ACCEPTANCE_LEN: usize = 97;
const LABEL: &str = "acceptance";

/// The shortest reply, in bytes.
pub const MIN_REPLY: usize = 730;
/// The longest reply, in bytes.
pub const MAX_REPLY: usize = 67_802;
