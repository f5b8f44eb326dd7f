//! Identities: private keys that open.

use alloc::{vec, vec::Vec};
use core::fmt;

use der::{
    Decode, Encode, Header, SliceReader, Tag, Tagged,
    asn1::{AnyRef, OctetStringRef, UintRef},
};
use pkcs1::RsaPrivateKey;
use pkcs8::PrivateKeyInfoRef;
use spki::AlgorithmIdentifierRef;
use zeroize::Zeroizing;

use crate::{
    backend::Backend,
    certificate::{Certificate, CertificateError},
    fingerprint::KeyId,
    pem,
    public_key::{PublicKey, PublicKeyError, RSA_ENCRYPTION},
};

/// A private key that opens what was sealed to its certificate, with its certificates if they are at
/// hand.
///
/// # Security
///
/// The key stays in the backend's own memory, which AWS-LC wipes when it is dropped; of what `rsa` leaves,
/// SECURITY.md tells. Use it for nothing but
/// sealpost: other software that decrypts with the same key (CMS, JWE) would be an oracle for envelopes.
pub struct Identity<B: Backend> {
    public: PublicKey,
    pub(crate) private: B::PrivateKey,
    certificates: Vec<Certificate>,
}

/// Why a private key can't be used, or not with the certificates beside it.
///
/// It never says what the key holds.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum IdentityError {
    /// A certificate in the file is refused.
    Certificate(CertificateError),
    /// There are certificates, and none of them is for this key.
    CertificateMismatch {
        /// The private key.
        key_id: KeyId,
    },
    /// The key is encrypted with a passphrase.
    Encrypted,
    /// The PEM or DER is malformed.
    Malformed,
    /// There is no private key in the file.
    NoPrivateKey,
    /// The key is in OpenSSH's own format.
    OpenSsh,
    /// The file is PKCS#12 (RFC 7292).
    Pkcs12,
    /// The public half can't be used.
    PublicKey(PublicKeyError),
    /// The key's numbers don't belong together, or the cryptographic library refuses them.
    Refused,
    /// The file holds more than one private key.
    SeveralPrivateKeys,
}

impl fmt::Display for IdentityError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Certificate(error) => error.fmt(f),
            Self::CertificateMismatch { key_id } => write!(
                f,
                "none of the certificates in the file is for its private key {key_id}: put the one in that was \
                 issued for this key, or leave all out"
            ),
            Self::Encrypted => f.write_str(
                "the private key is encrypted: decrypt it first, `openssl pkey -in KEY.pem -out PLAIN.pem` does",
            ),
            Self::Malformed => f.write_str(
                "the private key is malformed: it must be PKCS#8 or PKCS#1, in DER, or in PEM with lines of 64 \
                 characters; `openssl pkey -in KEY.pem -out NEW.pem` writes it again",
            ),
            Self::NoPrivateKey => f.write_str(
                "there is no private key in the file: a block \"BEGIN PRIVATE KEY\" is needed",
            ),
            Self::OpenSsh => f.write_str(
                "the private key is in OpenSSH's format, and a key for logging in must not open secrets: make a new \
                 one, `openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:3072 -out KEY.pem` does",
            ),
            Self::Pkcs12 => f.write_str(
                "the file is PKCS#12: take key and certificate out first, `openssl pkcs12 -in FILE -nodes -out \
                 KEY.pem` does",
            ),
            Self::PublicKey(error) => error.fmt(f),
            Self::Refused => f.write_str("the private key is inconsistent or refused: make a new one"),
            Self::SeveralPrivateKeys => {
                f.write_str("there are several private keys in the file: keep one a file")
            }
        }
    }
}

impl core::error::Error for IdentityError {}

impl<B: Backend> Identity<B> {
    /// The identity in a PEM file: one `PRIVATE KEY` (PKCS#8, RFC 5958) or `RSA PRIVATE KEY`
    /// (PKCS#1, RFC 8017 appendix A.1.2), with its certificates if the file has any.
    ///
    /// Certificates of other keys, such as the issuer's, are skipped as long as there is one of this key;
    /// so are other blocks, and text between them. The order does not matter.
    ///
    /// # Errors
    ///
    /// An [`IdentityError`] that says how to fix it.
    pub fn from_pem(file: &[u8]) -> Result<Self, IdentityError> {
        let mut identity = Self::private_key_from_pem(file)?;
        identity.certificates = certificates_of(file, &identity.public)?;
        Ok(identity)
    }

    /// The identity in a file that is PEM, or PKCS#8 or PKCS#1 in DER.
    ///
    /// # Errors
    ///
    /// As [`from_pem`](Self::from_pem).
    pub fn from_pem_or_der(bytes: &[u8]) -> Result<Self, IdentityError> {
        if pem::is_pem(bytes) {
            Self::from_pem(bytes)
        } else if RsaPrivateKey::<UintRef<'_>>::from_der(bytes).is_ok() {
            Self::from_pkcs1_der(bytes)
        } else {
            Self::from_pkcs8_der(bytes)
        }
    }

    /// The identity from PKCS#8 DER, version 1 or 2. Attributes are skipped.
    ///
    /// # Errors
    ///
    /// As [`from_pem`](Self::from_pem).
    pub fn from_pkcs8_der(der: &[u8]) -> Result<Self, IdentityError> {
        let info = PrivateKeyInfoRef::from_der(der).map_err(|_| what_it_is(der))?;
        if info.algorithm.oid != RSA_ENCRYPTION {
            return Err(IdentityError::PublicKey(PublicKeyError::Algorithm));
        }
        Self::from_pkcs1_der(info.private_key.as_bytes())
    }

    /// The identity from the older PKCS#1 DER.
    ///
    /// # Errors
    ///
    /// As [`from_pem`](Self::from_pem).
    pub fn from_pkcs1_der(der: &[u8]) -> Result<Self, IdentityError> {
        let key = RsaPrivateKey::<UintRef<'_>>::from_der(der).map_err(|_| what_it_is(der))?;
        // Two primes, as every certificate authority and HSM makes them.
        if key.other_prime_infos.is_some() {
            return Err(IdentityError::Refused);
        }
        let public =
            PublicKey::from_components(key.modulus.as_bytes(), key.public_exponent.as_bytes())
                .map_err(IdentityError::PublicKey)?;
        // Encoded again, so that no backend sees what another would not take.
        let pkcs8 = to_pkcs8(der).ok_or(IdentityError::Malformed)?;
        let private = B::private_key(&pkcs8).map_err(|_| IdentityError::Refused)?;
        Ok(Self {
            public,
            private,
            certificates: Vec::new(),
        })
    }

    /// Adds a certificate that came in a file of its own.
    ///
    /// # Errors
    ///
    /// [`IdentityError::CertificateMismatch`] if it is for another key.
    pub fn add_certificate(&mut self, certificate: Certificate) -> Result<(), IdentityError> {
        if *certificate.public_key() != self.public {
            return Err(IdentityError::CertificateMismatch {
                key_id: self.key_id(),
            });
        }
        self.certificates.push(certificate);
        Ok(())
    }

    /// The certificates for this key that are at hand, in the order of the file; maybe none. They were
    /// not checked for validity or trust, which opening does not need.
    #[must_use]
    pub fn certificates(&self) -> &[Certificate] {
        &self.certificates
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

    fn private_key_from_pem(file: &[u8]) -> Result<Self, IdentityError> {
        let mut keys = pem::blocks(file).filter(|block| block.label.ends_with(PRIVATE_KEY));
        let key = keys.next().ok_or(IdentityError::NoPrivateKey)?;
        if keys.next().is_some() {
            return Err(IdentityError::SeveralPrivateKeys);
        }
        match key.label {
            PRIVATE_KEY | RSA_PRIVATE_KEY => {}
            "ENCRYPTED PRIVATE KEY" => return Err(IdentityError::Encrypted),
            "OPENSSH PRIVATE KEY" => return Err(IdentityError::OpenSsh),
            _ => return Err(IdentityError::PublicKey(PublicKeyError::Algorithm)),
        }
        let content = key.decode().map_err(|_| {
            // RFC 1421 §4.6.1.1: PKCS#1 keys are encrypted the old way, said in a header line.
            if contains(file, b"Proc-Type: 4,ENCRYPTED") {
                IdentityError::Encrypted
            } else {
                IdentityError::Malformed
            }
        })?;
        if key.label == PRIVATE_KEY {
            Self::from_pkcs8_der(&content)
        } else {
            Self::from_pkcs1_der(&content)
        }
    }
}

impl<B: Backend> AsRef<PublicKey> for Identity<B> {
    fn as_ref(&self) -> &PublicKey {
        &self.public
    }
}

impl<B: Backend> fmt::Debug for Identity<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Identity")
            .field("public_key", &self.public)
            .finish_non_exhaustive()
    }
}

/// The certificates for `key` in a PEM file.
fn certificates_of(file: &[u8], key: &PublicKey) -> Result<Vec<Certificate>, IdentityError> {
    let mut others = false;
    let mut certificates = Vec::new();
    for block in pem::certificates(file) {
        let der = block
            .decode()
            .map_err(|_| IdentityError::Certificate(CertificateError::Malformed))?;
        match Certificate::from_der(&der) {
            Ok(certificate) if certificate.public_key() == key => certificates.push(certificate),
            // A key that breaks a rule is not this one, which keeps them all: an issuer may have any key.
            Ok(_) | Err(CertificateError::PublicKey(_)) => others = true,
            Err(error) => return Err(IdentityError::Certificate(error)),
        }
    }
    if others && certificates.is_empty() {
        return Err(IdentityError::CertificateMismatch {
            key_id: key.key_id(),
        });
    }
    Ok(certificates)
}

/// PKCS#8 version 1 (RFC 5958 §2) around a PKCS#1 key.
fn to_pkcs8(pkcs1_der: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let info = PrivateKeyInfoRef::new(
        AlgorithmIdentifierRef {
            oid: RSA_ENCRYPTION,
            parameters: Some(AnyRef::NULL),
        },
        OctetStringRef::new(pkcs1_der).ok()?,
    );
    // At its full length from the start: growing leaves copies behind.
    let length = usize::try_from(info.encoded_len().ok()?).ok()?;
    let mut pkcs8 = Zeroizing::new(vec![0; length]);
    info.encode_to_slice(&mut pkcs8).ok()?;
    Some(pkcs8)
}

/// What DER that is no RSA private key is instead: people mix the files up.
fn what_it_is(der: &[u8]) -> IdentityError {
    match first_two_fields(der) {
        // RFC 5958 §3: EncryptedPrivateKeyInfo ::= SEQUENCE { SEQUENCE { … }, OCTET STRING }
        Ok((Tag::Sequence, _, Tag::OctetString)) => IdentityError::Encrypted,
        // RFC 5280 §4.1: a certificate or SubjectPublicKeyInfo ::= SEQUENCE { SEQUENCE { … }, … }
        Ok((Tag::Sequence, _, _)) => IdentityError::NoPrivateKey,
        // RFC 5915 §3: ECPrivateKey ::= SEQUENCE { INTEGER (1), OCTET STRING, … }
        Ok((Tag::Integer, [1], Tag::OctetString)) => {
            IdentityError::PublicKey(PublicKeyError::Algorithm)
        }
        // RFC 7292 §4: PFX ::= SEQUENCE { INTEGER (3), SEQUENCE { … }, … }
        Ok((Tag::Integer, [3], Tag::Sequence)) => IdentityError::Pkcs12,
        _ => IdentityError::Malformed,
    }
}

/// Tag and value of the first field of a SEQUENCE, and the tag of the second.
fn first_two_fields(der: &[u8]) -> der::Result<(Tag, &[u8], Tag)> {
    let mut reader = SliceReader::new(der)?;
    Header::decode(&mut reader)?
        .tag()
        .assert_eq(Tag::Sequence)?;
    let first = AnyRef::decode(&mut reader)?;
    let second = Header::decode(&mut reader)?;
    Ok((first.tag(), first.value(), second.tag()))
}

fn contains(haystack: &[u8], needle: &[u8]) -> bool {
    haystack
        .windows(needle.len())
        .any(|window| window == needle)
}

const PRIVATE_KEY: &str = "PRIVATE KEY";
const RSA_PRIVATE_KEY: &str = "RSA PRIVATE KEY";
