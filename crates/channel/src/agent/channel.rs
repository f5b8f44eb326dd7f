//! A channel that is open: opens requests and seals replies.

use std::{fmt, sync::Arc};

use sealpost_envelope::{UnixTime, key::KeyId};

use super::silence::Silence;
use crate::{
    frame::{FrameKeys, Message as Opened},
    keys::{Kid, VerifyKey},
    labels::hash,
    message::{Message, NUMBERS, SIGNED_REQUEST},
    opening::ChannelId,
    outcome::Outcome,
    reply::{self, SignedAcceptance},
};

/// The keys of one channel, and what its opening says. They are wiped when the last request lets go of it.
pub struct Channel {
    pub(super) id: ChannelId,
    pub(super) kid: Kid,
    pub(super) key_id: KeyId,
    pub(super) issued_at: UnixTime,
    pub(super) expires_at: UnixTime,
    pub(super) requests: FrameKeys,
    pub(super) replies: FrameKeys,
    pub(super) acceptance: SignedAcceptance,
}

impl Channel {
    /// The channel's name.
    #[must_use]
    pub fn id(&self) -> ChannelId {
        self.id
    }

    /// The key of the gateway that opened it.
    #[must_use]
    pub fn kid(&self) -> Kid {
        self.kid
    }

    pub(super) fn issued_at(&self) -> UnixTime {
        self.issued_at
    }

    pub(super) fn expires_at(&self) -> UnixTime {
        self.expires_at
    }
}

impl fmt::Debug for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Channel")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

/// A message of a channel that is open.
pub struct Known<'m> {
    pub(super) channel: Arc<Channel>,
    pub(super) message: Message<'m>,
    pub(super) gateway: VerifyKey,
}

impl Known<'_> {
    /// Opens the request.
    ///
    /// # Errors
    ///
    /// [`Silence`]: it gets no answer. It says nothing of the channel, since whoever carries messages can make it.
    pub fn open(self) -> Result<Request, Silence> {
        let Message {
            number,
            commitment,
            signature,
            ciphertext,
            ..
        } = self.message;
        if number >= NUMBERS {
            return Err(Silence::Number);
        }
        let body = self
            .channel
            .requests
            .open(&number.to_be_bytes(), commitment, ciphertext)
            .map_err(|_| Silence::Frame)?;
        // Only now, so that garbage costs no Ed25519.
        if let Some(signature) = signature {
            let place = number.to_be_bytes();
            let parts: [&[u8]; 3] = [self.channel.id.as_bytes(), &place, commitment];
            if !self.gateway.verifies(SIGNED_REQUEST, &parts, signature) {
                return Err(Silence::RequestSignature);
            }
        }
        Ok(Request {
            channel: self.channel,
            number,
            commitment: *commitment,
            body,
        })
    }
}

impl fmt::Debug for Known<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Known")
            .field("channel", &self.channel)
            .finish_non_exhaustive()
    }
}

/// A request that was opened. It is wiped when dropped.
pub struct Request {
    channel: Arc<Channel>,
    number: u64,
    commitment: [u8; 32],
    body: Opened,
}

impl Request {
    /// The channel that it came by.
    #[must_use]
    pub fn channel(&self) -> &Channel {
        &self.channel
    }

    /// The body, see [`Head::parse`](crate::Head::parse).
    #[must_use]
    pub fn body(&self) -> &[u8] {
        self.body.as_bytes()
    }

    /// The operation under which a vault recognises this request, if it has no other: the same at each agent process, and
    /// for whatever is made of the message without its content.
    #[must_use]
    pub fn operation(&self) -> [u8; 32] {
        let place = self.number.to_be_bytes();
        let parts: [&[u8]; 3] = [self.channel.id.as_bytes(), &place, &self.commitment];
        hash("operation", &parts)
    }

    /// The reply that tells the gateway; `None` if memory is wanting.
    #[must_use]
    pub fn reply(&self, outcome: &Outcome) -> Option<Vec<u8>> {
        let binding = reply::binding(self.number, &self.commitment);
        let sealed = self.channel.replies.seal(&binding, &outcome.encode());
        let (commitment, ciphertext) = sealed.ok()?;
        Some(reply::encode(
            &self.channel.acceptance,
            self.number,
            &commitment,
            &ciphertext,
        ))
    }

    pub(super) fn number(&self) -> u64 {
        self.number
    }

    pub(super) fn commitment(&self) -> &[u8; 32] {
        &self.commitment
    }
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request")
            .field("channel", &self.channel.id)
            .field("number", &self.number)
            .finish_non_exhaustive()
    }
}
