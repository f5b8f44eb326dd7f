//! The primitives, each called in one place, by one of two backends.
//!
//! A backend is a type parameter of the keys ([`Recipient<B>`](crate::Recipient),
//! [`Identity<B>`](crate::Identity)), so it is chosen where a key is loaded and there is no process-wide
//! default. Each opens what the other seals. All checks of lengths and ranges are made above this layer,
//! so that errors don't depend on the backend.

#[cfg(feature = "aws-lc")]
pub(crate) mod aws_lc;
#[cfg(feature = "rustcrypto")]
pub(crate) mod rustcrypto;

#[cfg(feature = "aws-lc")]
#[cfg_attr(docsrs, doc(cfg(feature = "aws-lc")))]
pub use self::aws_lc::{AwsLc, AwsLcRng};
#[cfg(feature = "rustcrypto")]
#[cfg_attr(docsrs, doc(cfg(feature = "rustcrypto")))]
pub use self::rustcrypto::RustCrypto;
#[cfg(feature = "std")]
#[cfg_attr(docsrs, doc(cfg(feature = "std")))]
pub use crate::rng::{OsRng, OsRngError};

use core::fmt;

use rand_core::TryCryptoRng;
use subtle::{Choice, ConstantTimeEq as _};

#[cfg(any(feature = "aws-lc", feature = "rustcrypto"))]
use crate::bytes::copy;

/// The cryptographic library failed where only a want of memory, or of randomness, can make it fail;
/// or it refused a key.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct BackendError;

impl fmt::Display for BackendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the cryptographic library refused the operation")
    }
}

impl core::error::Error for BackendError {}

/// The primitives of the one suite: RSA-OAEP (SHA-256, MGF1-SHA-256, empty label), SHA-256, HMAC, HKDF
/// and AES-256-GCM.
///
/// Sealed: implemented by `RustCrypto` and `AwsLc`. Its methods are
/// public so that test suites can reach them; programs don't call them. To bring a private key of your
/// own (HSM, KMS), use [`Pending`](crate::native::Pending) instead.
pub trait Backend: sealed::Sealed + Sized + 'static {
    /// An RSA public key, ready to encrypt.
    type PublicKey: Send + Sync;
    /// An RSA private key, ready to decrypt.
    type PrivateKey: Send + Sync;
    /// An HKDF pseudorandom key.
    type Prk: Send;
    /// An HMAC-SHA-256 key with its state precomputed.
    type HmacKey: Send + Sync;
    /// An AES-256-GCM key with its schedule precomputed.
    type AeadKey: Send + Sync;

    /// `SHA-256(part₀ ‖ part₁ ‖ …)` (FIPS 180-4).
    fn sha256(parts: &[&[u8]]) -> [u8; 32];

    /// `HKDF-Extract(salt, ikm)` with SHA-256 (RFC 5869 §2.2).
    fn hkdf_extract(salt: &[u8], ikm: &[u8]) -> Self::Prk;

    /// `HKDF-Expand(prk, info₀ ‖ info₁ ‖ …, |out|)` with SHA-256 (RFC 5869 §2.3).
    ///
    /// # Errors
    ///
    /// If `out` is longer than 255 · 32 bytes.
    fn hkdf_expand(prk: &Self::Prk, info: &[&[u8]], out: &mut [u8]) -> Result<(), BackendError>;

    /// The key for [`hmac`](Self::hmac).
    fn hmac_key(key: &[u8]) -> Self::HmacKey;

    /// `HMAC-SHA-256(key, part₀ ‖ part₁ ‖ …)` (RFC 2104).
    fn hmac(key: &Self::HmacKey, parts: &[&[u8]]) -> [u8; 32];

    /// The key for [`aead_seal`](Self::aead_seal) and [`aead_open`](Self::aead_open).
    ///
    /// # Errors
    ///
    /// If memory is wanting.
    fn aead_key(key: &[u8; 32]) -> Result<Self::AeadKey, BackendError>;

    /// `AES-256-GCM(key, nonce, aad, in_out)` in place; returns the tag (NIST SP 800-38D).
    ///
    /// # Errors
    ///
    /// If `in_out` is longer than the mode allows (64 GiB). It then still holds the plaintext.
    fn aead_seal(
        key: &Self::AeadKey,
        nonce: &[u8; 12],
        aad: &[u8],
        in_out: &mut [u8],
    ) -> Result<[u8; 16], BackendError>;

    /// The inverse of [`aead_seal`](Self::aead_seal), in place.
    ///
    /// # Errors
    ///
    /// If the tag does not match. What `in_out` then holds is unspecified.
    fn aead_open(
        key: &Self::AeadKey,
        nonce: &[u8; 12],
        aad: &[u8],
        in_out: &mut [u8],
        tag: &[u8; 16],
    ) -> Result<(), BackendError>;

    /// A public key from its SubjectPublicKeyInfo in canonical DER.
    ///
    /// # Errors
    ///
    /// If the library refuses the key.
    fn public_key(spki_der: &[u8]) -> Result<Self::PublicKey, BackendError>;

    /// A private key from its PKCS#8 DER (RFC 5958).
    ///
    /// # Errors
    ///
    /// If the library refuses the key.
    fn private_key(pkcs8_der: &[u8]) -> Result<Self::PrivateKey, BackendError>;

    /// `RSAES-OAEP-ENCRYPT(key, message, "")` into `out`, as long as the modulus (RFC 8017 §7.1.1).
    ///
    /// # Errors
    ///
    /// If `out` has another length, the message is too long or the random number generator fails.
    fn oaep_encrypt<R: TryCryptoRng + ?Sized>(
        key: &Self::PublicKey,
        rng: &mut R,
        message: &[u8],
        out: &mut [u8],
    ) -> Result<(), BackendError>;

    /// `RSAES-OAEP-DECRYPT(key, ciphertext, "")` into the front of `out` (RFC 8017 §7.1.2). `rng` blinds the operation
    /// where the library needs one.
    ///
    /// # Security
    ///
    /// The answer is one bit that joins every way to fail. The caller must not act on it before it has
    /// gone through everything that follows a success.
    fn oaep_decrypt<R: TryCryptoRng + ?Sized>(
        key: &Self::PrivateKey,
        rng: &mut R,
        ciphertext: &[u8],
        out: &mut [u8],
    ) -> Decrypted;
}

/// What [`Backend::oaep_decrypt`] made of a ciphertext.
#[derive(Clone, Copy, Debug)]
pub struct Decrypted {
    /// Whether it decrypts, to no more than was asked for.
    pub valid: Choice,
    /// The message's length in bytes; 0 if it does not decrypt.
    pub len: usize,
}

impl Decrypted {
    /// Returns whether it decrypts to exactly `length` bytes.
    #[must_use]
    pub fn exactly(&self, length: usize) -> Choice {
        self.valid & self.len.ct_eq(&length)
    }

    /// Copies `message` to the front of `out` if there is room.
    #[cfg(any(feature = "aws-lc", feature = "rustcrypto"))]
    fn to(message: &[u8], out: &mut [u8]) -> Self {
        let fits = message.len() <= out.len();
        copy(out, message);
        Self {
            valid: Choice::from(u8::from(fits)),
            len: message.len(),
        }
    }

    #[cfg(any(feature = "aws-lc", feature = "rustcrypto"))]
    fn rejected() -> Self {
        Self {
            valid: Choice::from(0),
            len: 0,
        }
    }
}

/// Returns whether they are equal, in constant time, by words: `subtle` pays for each comparison, and bytes are 32.
pub(crate) fn equal(a: &[u8; 32], b: &[u8; 32]) -> Choice {
    let (a, b) = (a.as_chunks::<8>().0, b.as_chunks::<8>().0);
    a.iter().zip(b).fold(Choice::from(1), |equal, (a, b)| {
        equal & u64::from_ne_bytes(*a).ct_eq(&u64::from_ne_bytes(*b))
    })
}

pub(crate) mod sealed {
    /// Keeps [`Backend`](super::Backend) ours to change.
    pub trait Sealed {}
}

/// The longest modulus in bytes (8,192 bits).
pub(crate) const MAX_MODULUS: usize = 1024;
