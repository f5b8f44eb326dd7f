//! The floor under sealing and opening: the least that a scheme of RSA-OAEP and AES-256-GCM can do.
//!
//! ```text
//! seal: seed ← RNG; OAEP(seed) ‖ AES-256-GCM(HKDF(seed), m)        open: the inverse
//! a batch: OAEP(seed) ‖ frame…    frame = HMAC-SHA-256(HKDF(seed), place and context) ‖ AES-256-GCM(HKDF(seed), m)
//! ```
//!
//! The HMAC is in the floor of batches, where it is much of the whole, since the format demands one for each message; beside the
//! RSA operation of a message alone it would not be seen, and is not in that floor.
//!
//! aws-lc's own calls with keys parsed beforehand; HKDF for one key, its salt a constant and absorbed
//! beforehand (0.1 µs less than the library's own `Salt::extract`); nonce zero, the key being used once;
//! one allocation, for the output. Against an envelope it lacks: a header and its hash, a derived
//! nonce, the commitment and its key, context, padding, checks of structure and range, the seed to
//! substitute, and wiping.

use aws_lc_rs::{
    aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey},
    hkdf::{HKDF_SHA256, Prk},
    hmac::{self, HMAC_SHA256},
    rand,
    rsa::{
        OAEP_SHA256_MGF1SHA256, OaepPrivateDecryptingKey, OaepPublicEncryptingKey,
        PrivateDecryptingKey, PublicEncryptingKey,
    },
};
use serde::de::IgnoredAny;

/// The floor under the validator: is it UTF-8, and does it read as JSON? Checks less than a strict parser
/// (no limits, no duplicates, no lone surrogates); it is the price of looking at every byte twice.
///
/// # Panics
///
/// If it is neither.
#[must_use]
pub fn validate(body: &[u8]) -> usize {
    let text = std::str::from_utf8(body).expect("shapes are UTF-8");
    serde_json::from_str::<IgnoredAny>(text).expect("shapes are JSON");
    text.len()
}

/// A public key, ready to seal.
#[derive(Debug)]
pub struct Sealer {
    key: OaepPublicEncryptingKey,
    salt: hmac::Key,
}

impl Sealer {
    /// The key from its SubjectPublicKeyInfo.
    ///
    /// # Panics
    ///
    /// If it is none.
    #[must_use]
    pub fn new(spki_der: &[u8]) -> Self {
        let key = PublicEncryptingKey::from_der(spki_der).expect("a public key");
        Self {
            key: OaepPublicEncryptingKey::new(key).expect("an RSA key"),
            salt: salt(),
        }
    }

    /// `OAEP(seed) ‖ AES-256-GCM(HKDF(seed), plaintext)`
    ///
    /// # Panics
    ///
    /// If the library fails.
    #[must_use]
    pub fn seal(&self, plaintext: &[u8]) -> Vec<u8> {
        let mut seed = [0; 32];
        rand::fill(&mut seed).expect("randomness");
        let mut out = vec![0; self.key.ciphertext_size() + plaintext.len() + TAG_LEN];
        let (encapsulation, rest) = out.split_at_mut(self.key.ciphertext_size());
        self.key
            .encrypt(&OAEP_SHA256_MGF1SHA256, &seed, encapsulation, None)
            .expect("the seed fits");
        let (body, tag) = rest.split_at_mut(plaintext.len());
        body.copy_from_slice(plaintext);
        let computed = aead_key(&self.salt, &seed)
            .seal_in_place_separate_tag(nonce(0), Aad::empty(), body)
            .expect("the message fits");
        tag.copy_from_slice(computed.as_ref());
        out
    }

    /// `OAEP(seed) ‖ AES-256-GCM(HKDF(seed), plaintext₀) ‖ …`: one RSA operation for many messages.
    ///
    /// # Panics
    ///
    /// If the library fails.
    #[must_use]
    pub fn seal_batch(&self, plaintexts: &[Vec<u8>]) -> Vec<u8> {
        let mut seed = [0; 32];
        rand::fill(&mut seed).expect("randomness");
        let mut out = vec![0; self.key.ciphertext_size()];
        self.key
            .encrypt(&OAEP_SHA256_MGF1SHA256, &seed, &mut out, None)
            .expect("the seed fits");
        let (key, commit_key) = batch_keys(&self.salt, &seed);
        for (index, plaintext) in (0..).zip(plaintexts) {
            let commitment = hmac::sign(&commit_key, &committed(index));
            out.extend_from_slice(commitment.as_ref());
            let start = out.len();
            out.extend_from_slice(plaintext);
            let tag = key
                .seal_in_place_separate_tag(nonce(index), Aad::empty(), &mut out[start..])
                .expect("the message fits");
            out.extend_from_slice(tag.as_ref());
        }
        out
    }
}

/// A private key, ready to open.
#[derive(Debug)]
pub struct Opener {
    key: OaepPrivateDecryptingKey,
    salt: hmac::Key,
}

impl Opener {
    /// The key from its PKCS#8 DER.
    ///
    /// # Panics
    ///
    /// If it is none.
    #[must_use]
    pub fn new(pkcs8_der: &[u8]) -> Self {
        let key = PrivateDecryptingKey::from_pkcs8(pkcs8_der).expect("a private key");
        Self {
            key: OaepPrivateDecryptingKey::new(key).expect("an RSA key"),
            salt: salt(),
        }
    }

    /// The inverse of [`Sealer::seal`].
    ///
    /// # Panics
    ///
    /// If it does not open.
    #[must_use]
    pub fn open(&self, sealed: &[u8]) -> Vec<u8> {
        let (encapsulation, rest) = sealed.split_at(self.key.key_size_bytes());
        let (body, tag) = rest.split_at(rest.len() - TAG_LEN);
        let key = self.message_key(encapsulation);
        let mut out = Vec::from(body);
        key.open_in_place_separate_tag(nonce(0), Aad::empty(), tag, &mut out)
            .expect("the right tag");
        out
    }

    /// The inverse of [`Sealer::seal_batch`] for messages as long as `buffer`, each opened there and
    /// given to `each`: bare HMAC and AES-256-GCM, not even an allocation a message.
    ///
    /// # Panics
    ///
    /// If one does not open.
    pub fn open_batch(&self, sealed: &[u8], buffer: &mut [u8], mut each: impl FnMut(&[u8])) {
        let (encapsulation, rest) = sealed.split_at(self.key.key_size_bytes());
        let mut seed = [0; MAX_MODULUS];
        let (key, commit_key) = batch_keys(&self.salt, self.decrypt(encapsulation, &mut seed));
        for (index, frame) in (0..).zip(rest.chunks_exact(COMMITMENT_LEN + buffer.len() + TAG_LEN))
        {
            let (commitment, frame) = frame.split_at(COMMITMENT_LEN);
            hmac::verify(&commit_key, &committed(index), commitment).expect("the right place");
            let (body, tag) = frame.split_at(buffer.len());
            buffer.copy_from_slice(body);
            key.open_in_place_separate_tag(nonce(index), Aad::empty(), tag, buffer)
                .expect("the right tag");
            each(buffer);
        }
    }

    fn message_key(&self, encapsulation: &[u8]) -> LessSafeKey {
        let mut seed = [0; MAX_MODULUS];
        aead_key(&self.salt, self.decrypt(encapsulation, &mut seed))
    }

    fn decrypt<'s>(&self, encapsulation: &[u8], seed: &'s mut [u8]) -> &'s [u8] {
        self.key
            .decrypt(&OAEP_SHA256_MGF1SHA256, encapsulation, seed, None)
            .expect("sealed to this key")
    }
}

fn salt() -> hmac::Key {
    hmac::Key::new(HMAC_SHA256, b"floor")
}

fn aead_key(salt: &hmac::Key, seed: &[u8]) -> LessSafeKey {
    // RFC 5869 §2.2: HKDF-Extract(salt, IKM) = HMAC-Hash(salt, IKM).
    let prk = Prk::new_less_safe(HKDF_SHA256, hmac::sign(salt, seed).as_ref());
    let okm = prk.expand(&[b"key"], &AES_256_GCM).expect("32 bytes");
    LessSafeKey::new(UnboundKey::from(okm))
}

/// Two keys: for AES-256-GCM, and for the HMAC of each message.
fn batch_keys(salt: &hmac::Key, seed: &[u8]) -> (LessSafeKey, hmac::Key) {
    let prk = Prk::new_less_safe(HKDF_SHA256, hmac::sign(salt, seed).as_ref());
    let commit_key = prk.expand(&[b"commit"], HMAC_SHA256).expect("32 bytes");
    (aead_key(salt, seed), hmac::Key::from(commit_key))
}

/// As many bytes as a message's place and the context of what is measured have when they are encoded.
fn committed(index: u32) -> [u8; COMMITTED_LEN] {
    let mut bytes = [0; COMMITTED_LEN];
    bytes[..4].copy_from_slice(&index.to_be_bytes());
    bytes
}

fn nonce(index: u32) -> Nonce {
    let mut nonce = [0; 12];
    nonce[8..].copy_from_slice(&index.to_be_bytes());
    Nonce::assume_unique_for_key(nonce)
}

const TAG_LEN: usize = 16;
const COMMITMENT_LEN: usize = 32;
/// Place 9; domain 19; agent 8 + 7; project 17; name 8 + 9; key 9 + 8; type 9 + 8: [`CONTEXT`](crate::envelope::CONTEXT).
const COMMITTED_LEN: usize = 111;
/// Of 4,096 bits, the longest that is measured.
const MAX_MODULUS: usize = 512;
