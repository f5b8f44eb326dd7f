//! Identities: private keys that open.

use alloc::vec::Vec;
use core::fmt;

use der::{
    Decode, Encode,
    asn1::{AnyRef, OctetStringRef, UintRef},
};
use pkcs1::RsaPrivateKey;
use pkcs8::PrivateKeyInfoRef;
use spki::AlgorithmIdentifierRef;
use zeroize::Zeroizing;

use crate::{
    backend::Backend,
    fingerprint::KeyId,
    pem,
    public_key::{PublicKey, PublicKeyError, RSA_ENCRYPTION},
};

/// A private key that opens what was sealed to its certificate.
///
/// # Security
///
/// The key stays in the backend's own memory, which wipes it when dropped. Use it for nothing but
/// sealpost: other software that decrypts with the same key (CMS, JWE) would be an oracle for envelopes.
pub struct Identity<B: Backend> {
    public: PublicKey,
    pub(crate) private: B::PrivateKey,
}

/// Why a private key can't be used.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum IdentityError {
    /// The key is encrypted with a passphrase.
    Encrypted,
    /// The DER is malformed.
    Malformed,
    /// There is no private key in the file.
    NoPrivateKey,
    /// The key's numbers don't belong together, or the cryptographic library refuses them.
    Refused,
    /// The file holds more than one private key.
    SeveralPrivateKeys,
    /// The public half can't be used.
    PublicKey(PublicKeyError),
}

impl fmt::Display for IdentityError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Encrypted => f.write_str(
                "the private key is encrypted: decrypt it first, `openssl pkey -in KEY.pem -out PLAIN.pem` does",
            ),
            Self::Malformed => {
                f.write_str("the private key is malformed: it must be PKCS#8 or PKCS#1, in PEM or DER")
            }
            Self::NoPrivateKey => f.write_str(
                "there is no private key in the file: a block \"BEGIN PRIVATE KEY\" is needed",
            ),
            Self::Refused => f.write_str("the private key is inconsistent or refused: make a new one"),
            Self::SeveralPrivateKeys => {
                f.write_str("there are several private keys in the file: keep one a file")
            }
            Self::PublicKey(error) => error.fmt(f),
        }
    }
}

impl core::error::Error for IdentityError {}

impl<B: Backend> Identity<B> {
    /// The identity in a PEM file: one `PRIVATE KEY` (PKCS#8, RFC 5958) or `RSA PRIVATE KEY`
    /// (PKCS#1, RFC 8017 appendix A.1.2). Other blocks, such as certificates, are skipped.
    ///
    /// # Errors
    ///
    /// An [`IdentityError`] that says how to mend it. It never says what the key holds.
    pub fn from_pem(file: &[u8]) -> Result<Self, IdentityError> {
        let mut keys = pem::blocks(file).filter(|block| block.label.ends_with(PRIVATE_KEY));
        let key = keys.next().ok_or(IdentityError::NoPrivateKey)?;
        if keys.next().is_some() {
            return Err(IdentityError::SeveralPrivateKeys);
        }
        match key.label {
            // A PKCS#1 key may be encrypted too: its header lines don't decode as base64.
            PRIVATE_KEY | RSA_PRIVATE_KEY => {
                let content = key.decode().map_err(|_| match key.label {
                    RSA_PRIVATE_KEY => IdentityError::Encrypted,
                    _ => IdentityError::Malformed,
                })?;
                if key.label == PRIVATE_KEY {
                    Self::from_pkcs8_der(&content)
                } else {
                    Self::from_pkcs1_der(&content)
                }
            }
            "ENCRYPTED PRIVATE KEY" => Err(IdentityError::Encrypted),
            _ => Err(IdentityError::PublicKey(PublicKeyError::Algorithm)),
        }
    }

    /// The identity from PKCS#8 DER.
    ///
    /// # Errors
    ///
    /// As [`from_pem`](Self::from_pem).
    pub fn from_pkcs8_der(der: &[u8]) -> Result<Self, IdentityError> {
        let info = PrivateKeyInfoRef::from_der(der).map_err(|_| IdentityError::Malformed)?;
        if info.algorithm.oid != RSA_ENCRYPTION {
            return Err(IdentityError::PublicKey(PublicKeyError::Algorithm));
        }
        let key = RsaPrivateKey::<UintRef<'_>>::from_der(info.private_key.as_bytes())
            .map_err(|_| IdentityError::Malformed)?;
        // Two primes, as every certificate authority and HSM makes them.
        if key.other_prime_infos.is_some() {
            return Err(IdentityError::Refused);
        }
        let public =
            PublicKey::from_components::<B>(key.modulus.as_bytes(), key.public_exponent.as_bytes())
                .map_err(IdentityError::PublicKey)?;
        let private = B::private_key(der).map_err(|_| IdentityError::Refused)?;
        Ok(Self { public, private })
    }

    /// The identity from the older PKCS#1 DER.
    ///
    /// # Errors
    ///
    /// As [`from_pem`](Self::from_pem).
    pub fn from_pkcs1_der(der: &[u8]) -> Result<Self, IdentityError> {
        let info = PrivateKeyInfoRef::new(
            AlgorithmIdentifierRef {
                oid: RSA_ENCRYPTION,
                parameters: Some(AnyRef::NULL),
            },
            OctetStringRef::new(der).map_err(|_| IdentityError::Malformed)?,
        );
        let length = info.encoded_len().map_err(|_| IdentityError::Malformed)?;
        let length = usize::try_from(length).map_err(|_| IdentityError::Malformed)?;
        let mut pkcs8: Zeroizing<Vec<u8>> = Zeroizing::new(alloc::vec![0; length]);
        info.encode_to_slice(&mut pkcs8)
            .map_err(|_| IdentityError::Malformed)?;
        Self::from_pkcs8_der(&pkcs8)
    }

    /// The public half.
    #[must_use]
    pub fn public_key(&self) -> &PublicKey {
        &self.public
    }

    /// SHA-256 of the SubjectPublicKeyInfo.
    #[must_use]
    pub fn key_id(&self) -> KeyId {
        self.public.key_id()
    }
}

impl<B: Backend> fmt::Debug for Identity<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Identity")
            .field("public_key", &self.public)
            .finish_non_exhaustive()
    }
}

const PRIVATE_KEY: &str = "PRIVATE KEY";
const RSA_PRIVATE_KEY: &str = "RSA PRIVATE KEY";
