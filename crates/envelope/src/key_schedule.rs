//! From the seed to the keys of one envelope.
//!
//! ```text
//! prk    = HKDF-Extract(salt = SHA-256("sealpost/v1/header" ‖ header), ikm = seed)
//! X(L,n) = HKDF-Expand(prk, u8(|L|) ‖ L, n)
//! key    = X("key", 32)    base_nonce = X("nonce", 12)    commit_key = X("commit", 32)
//! ```
//!
//! The header goes in whole, so the keys depend on every recipient, and none can be added or removed.

use sealpost_context::SecretContext;
use zeroize::Zeroizing;

use crate::{
    backend::{Backend, BackendError},
    encoded_context::EncodedContext,
};

/// The random bytes that an envelope's recipients share.
pub(crate) type Seed = Zeroizing<[u8; 32]>;

/// The keys of one envelope.
pub(crate) struct KeySchedule<B: Backend> {
    key: B::AeadKey,
    base_nonce: Zeroizing<[u8; 12]>,
    commit_key: B::HmacKey,
}

impl<B: Backend> KeySchedule<B> {
    pub(crate) fn derive(header: &[u8], seed: &Seed) -> Result<Self, BackendError> {
        let salt = B::sha256(&[HEADER_LABEL, header]);
        let prk = B::hkdf_extract(&salt, seed.as_slice());
        let key = expand::<B, 32>(&prk, KEY_LABEL)?;
        let base_nonce = expand::<B, 12>(&prk, NONCE_LABEL)?;
        let commit_key = expand::<B, 32>(&prk, COMMIT_LABEL)?;
        Ok(Self {
            key: B::aead_key(&key)?,
            base_nonce,
            commit_key: B::hmac_key(commit_key.as_slice()),
        })
    }

    /// `com_i = HMAC-SHA-256(commit_key, u64(i) ‖ u8(last) ‖ enc(context_i))`
    pub(crate) fn commitment(
        &self,
        index: u32,
        last: bool,
        context: &SecretContext<'_>,
    ) -> [u8; 32] {
        let context = EncodedContext::new(context);
        let [c0, c1, c2, c3, c4, c5, c6, c7, c8, c9] = context.parts();
        let place = u64::from(index).to_be_bytes();
        let last = [u8::from(last)];
        B::hmac(
            &self.commit_key,
            &[&place, &last, c0, c1, c2, c3, c4, c5, c6, c7, c8, c9],
        )
    }

    /// `AES-256-GCM(key, base_nonce XOR u96(i), aad = com_i, in_out)` in place; returns the tag.
    pub(crate) fn seal_in_place(
        &self,
        index: u32,
        commitment: &[u8; 32],
        in_out: &mut [u8],
    ) -> Result<[u8; 16], BackendError> {
        B::aead_seal(&self.key, &self.nonce(index), commitment, in_out)
    }

    /// The inverse of [`seal_in_place`](Self::seal_in_place).
    pub(crate) fn open_in_place(
        &self,
        index: u32,
        commitment: &[u8; 32],
        in_out: &mut [u8],
        tag: &[u8; 16],
    ) -> Result<(), BackendError> {
        B::aead_open(&self.key, &self.nonce(index), commitment, in_out, tag)
    }

    // RFC 9180 §5.2, ComputeNonce: xor(base_nonce, I2OSP(seq, Nn)).
    fn nonce(&self, index: u32) -> [u8; 12] {
        let mut nonce = *self.base_nonce;
        let [.., a, b, c, d] = &mut nonce;
        for (byte, index) in [a, b, c, d].into_iter().zip(index.to_be_bytes()) {
            *byte ^= index;
        }
        nonce
    }
}

// X(L, n) = HKDF-Expand(prk, u8(|L|) ‖ L, n)
fn expand<B: Backend, const N: usize>(
    prk: &B::Prk,
    label: &[u8],
) -> Result<Zeroizing<[u8; N]>, BackendError> {
    let mut out = Zeroizing::new([0; N]);
    B::hkdf_expand(prk, &[label], out.as_mut_slice())?;
    Ok(out)
}

// SHA-256 input before the header; not an HKDF label.
const HEADER_LABEL: &[u8] = b"sealpost/v1/header";
// Each HKDF label begins with its length. Product and version are in the salt.
const KEY_LABEL: &[u8] = b"\x03key";
const NONCE_LABEL: &[u8] = b"\x05nonce";
const COMMIT_LABEL: &[u8] = b"\x06commit";
