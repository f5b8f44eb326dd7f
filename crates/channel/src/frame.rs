//! Frames: one message under a key of its own, which depends on the message.
//!
//! ```text
//! Seal(p, w, b, m):  com = HMAC(X(p, w ‖ " commit", "", 32), b ‖ m)
//!                    ct  = AES-256-GCM(X(p, w ‖ " key", b ‖ com, 32), zeros(12), aad = com, m)
//! Open(p, w, b, com, ct): m, and com again of b ‖ m must be equal
//! ```
//!
//! The key is a function of `com` and `com` of the message, so no key meets two messages, and a number that is used twice
//! shows no more than whether two messages are equal. Nothing here is random.

use sealpost_envelope::{AwsLc, backend::Backend, native::Padding};
use subtle::ConstantTimeEq as _;
use zeroize::{Zeroize as _, Zeroizing};

use crate::labels::{Prk, expand};

/// What a frame is for: the label of its keys, and how its content is padded.
#[derive(Clone, Copy)]
pub(crate) struct Purpose {
    key: &'static str,
    commit: &'static str,
    pub(crate) padding: Padding,
}

/// From gateway to agent.
pub(crate) const REQUEST: Purpose = Purpose {
    key: "request key",
    commit: "request commit",
    padding: Padding::new(1024, MAX_BODY),
};
/// From agent to gateway.
pub(crate) const REPLY: Purpose = Purpose {
    key: "reply key",
    commit: "reply commit",
    padding: Padding::new(512, MAX_OUTCOME),
};

/// The longest body of a request.
pub(crate) const MAX_BODY: usize = 132_093;
/// The longest outcome of a reply.
pub(crate) const MAX_OUTCOME: usize = 65_536;
/// Bytes of a frame's tag.
pub(crate) const TAG_LEN: usize = 16;

impl Purpose {
    /// Returns whether a ciphertext with its tag can have this length.
    pub(crate) fn is_sealed_len(&self, length: usize) -> bool {
        length
            .checked_sub(TAG_LEN)
            .is_some_and(|padded| self.padding.is_padded_len(padded))
    }
}

/// The keys of all frames of one purpose in one channel.
pub(crate) struct FrameKeys {
    prk: Prk,
    commit: <AwsLc as Backend>::HmacKey,
    purpose: Purpose,
}

/// A frame that was opened. It is wiped when dropped.
pub(crate) struct Message {
    padded: Zeroizing<Vec<u8>>,
    length: usize,
}

impl Message {
    pub(crate) fn as_bytes(&self) -> &[u8] {
        let from = Padding::LENGTH_FIELD;
        self.padded
            .get(from..from + self.length)
            .unwrap_or_default()
    }
}

/// The frame does not open. There is no more to be said.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct NotOpened;

/// The message is too long, or memory is wanting.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct NotSealed;

impl FrameKeys {
    pub(crate) fn new(prk: Prk, purpose: Purpose) -> Self {
        let commit = expand(&prk, purpose.commit, &[]);
        Self {
            commit: AwsLc::hmac_key(commit.as_slice()),
            prk,
            purpose,
        }
    }

    /// Seals `message`; returns its commitment and the ciphertext with the tag.
    pub(crate) fn seal(
        &self,
        binding: &[u8],
        message: &[u8],
    ) -> Result<([u8; 32], Vec<u8>), NotSealed> {
        let padded = self.purpose.padding.padded_len(message.len());
        let padded = padded.ok_or(NotSealed)?;
        // Of the right capacity from the start: growing leaves copies behind.
        let mut bytes = Vec::with_capacity(padded + TAG_LEN);
        bytes.resize(padded, 0);
        let sealed = self.seal_in_place(binding, message, &mut bytes);
        match sealed {
            Ok((commitment, tag)) => {
                bytes.extend_from_slice(&tag);
                Ok((commitment, bytes))
            }
            Err(error) => {
                bytes.zeroize();
                Err(error)
            }
        }
    }

    fn seal_in_place(
        &self,
        binding: &[u8],
        message: &[u8],
        out: &mut [u8],
    ) -> Result<([u8; 32], [u8; TAG_LEN]), NotSealed> {
        self.purpose.padding.pad(message, out).ok_or(NotSealed)?;
        let commitment = self.commitment(binding, out);
        let key = self.key(binding, &commitment).ok_or(NotSealed)?;
        let tag = AwsLc::aead_seal(&key, &NONCE, &commitment, out).map_err(|_| NotSealed)?;
        Ok((commitment, tag))
    }

    /// Opens a ciphertext with its tag, whose length was checked.
    pub(crate) fn open(
        &self,
        binding: &[u8],
        commitment: &[u8; 32],
        sealed: &[u8],
    ) -> Result<Message, NotOpened> {
        let (ciphertext, tag) = sealed.split_last_chunk().ok_or(NotOpened)?;
        let key = self.key(binding, commitment).ok_or(NotOpened)?;
        let mut padded = Zeroizing::new(ciphertext.to_vec());
        AwsLc::aead_open(&key, &NONCE, commitment, &mut padded, tag).map_err(|_| NotOpened)?;
        let equal = self.commitment(binding, &padded).ct_eq(commitment);
        if !bool::from(equal) {
            return Err(NotOpened);
        }
        let length = self.purpose.padding.unpad(&padded).ok_or(NotOpened)?;
        Ok(Message { padded, length })
    }

    fn commitment(&self, binding: &[u8], padded: &[u8]) -> [u8; 32] {
        AwsLc::hmac(&self.commit, &[binding, padded])
    }

    fn key(&self, binding: &[u8], commitment: &[u8; 32]) -> Option<<AwsLc as Backend>::AeadKey> {
        let key = expand(&self.prk, self.purpose.key, &[binding, commitment]);
        AwsLc::aead_key(&key).ok()
    }
}

#[cfg(test)]
impl Purpose {
    pub(crate) fn with_padding(self, padding: Padding) -> Self {
        Self { padding, ..self }
    }
}

#[cfg(test)]
impl FrameKeys {
    /// What GCM takes, with any commitment.
    pub(crate) fn seal_under(
        &self,
        binding: &[u8],
        commitment: &[u8; 32],
        message: &[u8],
    ) -> Vec<u8> {
        let padding = self.purpose.padding;
        let mut bytes = vec![0; padding.padded_len(message.len()).unwrap()];
        padding.pad(message, &mut bytes).unwrap();
        let key = self.key(binding, commitment).unwrap();
        let tag = AwsLc::aead_seal(&key, &NONCE, commitment, &mut bytes).unwrap();
        bytes.extend_from_slice(&tag);
        bytes
    }
}

/// The key is never used again.
const NONCE: [u8; 12] = [0; 12];
