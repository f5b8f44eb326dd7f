//! What JWE and CMS have in common: a random content key, encrypted with RSA-OAEP, and AES-256-GCM under it.
//!
//! ```text
//! encapsulation = RSAES-OAEP-ENCRYPT(recipient, content key)       32 bytes: never the 33 of the native format
//! ciphertext ‖ tag = AES-256-GCM(content key, nonce, aad, plaintext)
//! ```

use alloc::{vec, vec::Vec};
use rand_core::TryCryptoRng;
use subtle::Choice;
use zeroize::Zeroize as _;

use crate::{
    backend::Backend,
    decapsulation::{self, Form, KeyAnswer, Secret},
    error::{Error, OpenError, SealError},
    fingerprint::KeyId,
    identity::Identity,
    plaintext::Plaintext,
    public_key::PublicKey,
    recipient::{Recipient, check_recipients},
};

/// A JWE or CMS message whose content key waits to be decrypted.
///
/// # Security
///
/// A content key has 32 bytes and the seed of the native format 33: what one of them decrypts to is never taken for
/// the other.
#[derive(Clone, Copy)]
pub(crate) struct PendingContent<'a> {
    key_id: KeyId,
    encapsulation: &'a [u8],
    content: Content<'a>,
}

/// The part that the content key opens.
#[derive(Clone, Copy)]
pub(crate) struct Content<'a> {
    pub(crate) nonce: &'a [u8; NONCE_LEN],
    pub(crate) aad: &'a [u8],
    pub(crate) ciphertext: &'a [u8],
    pub(crate) tag: &'a [u8; TAG_LEN],
}

impl<'a> PendingContent<'a> {
    /// Checks the encapsulation's length and range for this key.
    pub(crate) fn new(
        key: &PublicKey,
        encapsulation: &'a [u8],
        content: Content<'a>,
    ) -> Result<Self, Error> {
        key.check_ciphertext(encapsulation)?;
        Ok(Self {
            key_id: key.key_id(),
            encapsulation,
            content,
        })
    }

    /// The key that can decrypt it.
    pub(crate) fn key_id(&self) -> KeyId {
        self.key_id
    }

    /// The RSA-OAEP ciphertext, as long as the key's modulus and in `1 < c < n − 1`.
    pub(crate) fn encapsulation(&self) -> &'a [u8] {
        self.encapsulation
    }

    /// Opens with the private key's answer.
    ///
    /// # Errors
    ///
    /// [`Error::KeyUnavailable`] if it did not answer, [`Error::Rng`], and [`Error::Open`] for everything else.
    pub(crate) fn finish<B: Backend, R: TryCryptoRng + ?Sized>(
        &self,
        answer: KeyAnswer<'_>,
        rng: &mut R,
    ) -> Result<Plaintext, Error> {
        let mut key = Secret::default();
        let decrypted = decapsulation::answered(&answer, Form::Bare, rng, &mut key)?;
        Ok(self.open::<B>(decrypted, &key)?)
    }

    /// Opens with a private key in memory.
    ///
    /// # Errors
    ///
    /// [`Error::Rng`], and [`Error::Open`] for everything else.
    pub(crate) fn decrypt<B: Backend, R: TryCryptoRng + ?Sized>(
        &self,
        identity: &Identity<B>,
        rng: &mut R,
    ) -> Result<Plaintext, Error> {
        let mut key = Secret::default();
        let decrypted =
            decapsulation::decapsulate(identity, self.encapsulation, Form::Bare, rng, &mut key)?;
        Ok(self.open::<B>(decrypted, &key)?)
    }

    // RFC 7516 §11.5: a key that was not decrypted is replaced by a random one, and the tag then does not match.
    // CMS (RFC 5083) has no such rule and gets the same treatment.
    fn open<B: Backend>(&self, decrypted: Choice, key: &Secret) -> Result<Plaintext, OpenError> {
        let key = B::aead_key(key).map_err(|_| OpenError)?;
        let Content {
            nonce,
            aad,
            ciphertext,
            tag,
        } = self.content;
        Plaintext::open_unpadded(ciphertext, |buffer| {
            let opened = B::aead_open(&key, nonce, aad, buffer, tag);
            // A substitute opens nothing, but that is a probability; this is certain.
            if opened.is_err() || !bool::from(decrypted) {
                buffer.zeroize();
                return Err(OpenError);
            }
            Ok(())
        })
    }
}

/// A content key in the making: encrypted to recipients, then used once.
pub(crate) struct ContentKey<B: Backend> {
    bytes: Secret,
    backend: core::marker::PhantomData<B>,
}

/// What a content key has sealed.
pub(crate) struct SealedContent {
    pub(crate) nonce: [u8; NONCE_LEN],
    pub(crate) ciphertext: Vec<u8>,
    pub(crate) tag: [u8; TAG_LEN],
}

impl<B: Backend> ContentKey<B> {
    pub(crate) fn generate<R: TryCryptoRng + ?Sized>(rng: &mut R) -> Result<Self, SealError> {
        let mut bytes = Secret::default();
        decapsulation::random(rng, &mut bytes).map_err(|_| SealError::Rng)?;
        Ok(Self {
            bytes,
            backend: core::marker::PhantomData,
        })
    }

    /// `RSAES-OAEP-ENCRYPT(recipient, content key)`.
    pub(crate) fn encapsulate<R: TryCryptoRng + ?Sized>(
        &self,
        recipient: &Recipient<B>,
        rng: &mut R,
    ) -> Result<Vec<u8>, SealError> {
        let mut out = vec![0; recipient.public_key().modulus_len()];
        B::oaep_encrypt(&recipient.key, rng, self.bytes.as_slice(), &mut out)
            .map_err(|_| SealError::Backend)?;
        Ok(out)
    }

    /// Seals the one message of this key, which makes any nonce a new one.
    pub(crate) fn seal<R: TryCryptoRng + ?Sized>(
        self,
        aad: &[u8],
        plaintext: &[u8],
        rng: &mut R,
    ) -> Result<SealedContent, SealError> {
        let mut nonce = [0; NONCE_LEN];
        rng.try_fill_bytes(&mut nonce).map_err(|_| SealError::Rng)?;
        let key = B::aead_key(&self.bytes).map_err(|_| SealError::Backend)?;
        let mut ciphertext = plaintext.to_vec();
        match B::aead_seal(&key, &nonce, aad, &mut ciphertext) {
            Ok(tag) => Ok(SealedContent {
                nonce,
                ciphertext,
                tag,
            }),
            Err(_) => {
                ciphertext.zeroize();
                Err(SealError::Backend)
            }
        }
    }
}

/// 1 to 16 recipients with different keys, and a message that is not too long.
pub(crate) fn check_sealing<B: Backend>(
    recipients: &[Recipient<B>],
    plaintext: &[u8],
) -> Result<(), SealError> {
    check_recipients(recipients)?;
    if plaintext.len() > MAX_CONTENT {
        return Err(SealError::MessageTooLong {
            length: plaintext.len(),
            limit: MAX_CONTENT,
        });
    }
    Ok(())
}

/// Bytes of a nonce (JWE's IV): SP 800-38D, and the only length that RFC 7518 §5.3 allows.
pub(crate) const NONCE_LEN: usize = 12;
/// Bytes of a tag (CMS's MAC).
pub(crate) const TAG_LEN: usize = 16;
/// The longest message in these formats: what is read has at most 1 MiB in all, in base64url.
pub(crate) const MAX_CONTENT: usize = 512 * 1024;
