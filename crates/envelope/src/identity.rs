//! Identities: private keys that open.

mod error;
#[cfg(feature = "std")]
mod jwk;
mod skipped;

use alloc::{vec, vec::Vec};
use core::fmt;

use der::{
    Decode, Encode, Header, Reader as _, SliceReader, Tag, Tagged,
    asn1::{AnyRef, OctetStringRef, UintRef},
};
use pkcs1::RsaPrivateKey;
use pkcs8::PrivateKeyInfoRef;
use spki::AlgorithmIdentifierRef;
use zeroize::Zeroizing;

#[cfg(feature = "std")]
pub use self::jwk::JwkError;
pub use self::{
    error::IdentityError,
    skipped::{SkippedCertificate, SkippedReason},
};
#[cfg(feature = "std")]
use crate::file_kind::FileKind;
use crate::{
    backend::Backend,
    certificate::{Certificate, CertificateError},
    fingerprint::KeyId,
    pem,
    public_key::{self, OtherAlgorithm, PublicKey, PublicKeyError, RSA_ENCRYPTION, RSASSA_PSS},
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
    skipped: Vec<SkippedCertificate>,
}

impl<B: Backend> Identity<B> {
    /// The identity in a PEM file: one `PRIVATE KEY` (PKCS#8, RFC 5958) or `RSA PRIVATE KEY`
    /// (PKCS#1, RFC 8017 appendix A.1.2), with its certificates if the file has any.
    ///
    /// Certificates of other keys, such as the issuer's, are passed over, and so are text and blocks of other kinds. The
    /// order does not matter. No certificate is needed to open: those that are not read, and that there are only those of
    /// other keys, [`skipped_certificates`](Self::skipped_certificates) says.
    ///
    /// # Errors
    ///
    /// An [`IdentityError`] that says how to fix it.
    pub fn from_pem(file: &[u8]) -> Result<Self, IdentityError> {
        let mut identity = Self::private_key_from_pem(file)?;
        identity.add_certificates_of(file);
        Ok(identity)
    }

    /// The identity in a file that is PEM, or PKCS#8 or PKCS#1 in DER; with the feature `std` also a JWK.
    ///
    /// # Errors
    ///
    /// As [`from_pem`](Self::from_pem) and `from_jwk`; files of other kinds are named.
    pub fn from_pem_or_der(bytes: &[u8]) -> Result<Self, IdentityError> {
        #[cfg(feature = "std")]
        if !pem::is_pem(bytes) && pem::trimmed(bytes).starts_with(b"{") {
            return Self::from_jwk(pem::trimmed(bytes)).map_err(|error| or_kind(error, bytes));
        }
        #[cfg(feature = "std")]
        if FileKind::is_archive(bytes) {
            return Err(IdentityError::File(FileKind::Archive));
        }
        let read = if pem::is_pem(bytes) {
            Self::from_pem(bytes)
        } else if is_pkcs1(bytes) {
            Self::from_pkcs1_der(bytes)
        } else {
            Self::from_pkcs8_der(bytes).map_err(|error| or_trailing(error, bytes, false))
        };
        #[cfg(feature = "std")]
        let read = read.map_err(|error| or_kind(error, bytes));
        read
    }

    /// The identity from a JWK (RFC 7517) of an RSA private key (RFC 7518 §6.3), in JSON.
    ///
    /// It must have its primes and exponents, and its `use`, `alg` and `key_ops` must not name another use than to
    /// decrypt with RSA-OAEP-256. Members that are not known are skipped; none may be there twice.
    ///
    /// # Errors
    ///
    /// [`IdentityError::Jwk`], or as [`from_pkcs1_der`](Self::from_pkcs1_der).
    #[cfg(feature = "std")]
    #[cfg_attr(docsrs, doc(cfg(feature = "std")))]
    pub fn from_jwk(json: &[u8]) -> Result<Self, IdentityError> {
        Self::from_pkcs1_der(&jwk::to_pkcs1(json)?)
    }

    /// The identity from PKCS#8 DER, version 1 or 2. Attributes are skipped.
    ///
    /// # Errors
    ///
    /// As [`from_pem`](Self::from_pem).
    pub fn from_pkcs8_der(der: &[u8]) -> Result<Self, IdentityError> {
        let info = PrivateKeyInfoRef::from_der(der).map_err(|_| what_it_is(der))?;
        match info.algorithm.oid {
            RSA_ENCRYPTION => {}
            RSASSA_PSS => return Err(IdentityError::PublicKey(PublicKeyError::SignatureOnly)),
            id => return Err(other_algorithm(OtherAlgorithm::of(id.as_bytes()))),
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
            return Err(IdentityError::MultiPrime);
        }
        let public =
            PublicKey::from_components(key.modulus.as_bytes(), key.public_exponent.as_bytes())
                .map_err(IdentityError::PublicKey)?;
        if !is_in_range(&key) {
            return Err(IdentityError::Refused);
        }
        // Encoded again, so that no backend sees what another would not take.
        let pkcs8 = to_pkcs8(der).ok_or(IdentityError::Malformed)?;
        let private = B::private_key(&pkcs8).map_err(|_| IdentityError::Refused)?;
        Ok(Self {
            public,
            private,
            certificates: Vec::new(),
            skipped: Vec::new(),
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

    /// The certificates of the file that are not used, though one may have been meant to be.
    #[must_use]
    pub fn skipped_certificates(&self) -> &[SkippedCertificate] {
        &self.skipped
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
            _ => {
                #[cfg(feature = "std")]
                if let Some(kind) = FileKind::of_label(&key)
                    && kind != FileKind::PrivateKey
                {
                    return Err(IdentityError::File(kind));
                }
                return Err(other_algorithm(match key.label {
                    EC_PRIVATE_KEY => OtherAlgorithm::EllipticCurve,
                    DSA_PRIVATE_KEY => OtherAlgorithm::Dsa,
                    _ => OtherAlgorithm::Unknown,
                }));
            }
        }
        let content = key.decode().map_err(|_| {
            if key.is_encrypted() {
                ENCRYPTED
            } else {
                IdentityError::Malformed
            }
        })?;
        let (read, other) = match key.label {
            PRIVATE_KEY => (Self::from_pkcs8_der(&content), is_pkcs1(&content)),
            _ => (
                Self::from_pkcs1_der(&content),
                PrivateKeyInfoRef::from_der(&content).is_ok(),
            ),
        };
        read.map_err(|error| match other {
            true => IdentityError::Label,
            false => or_trailing(error, &content, true),
        })
    }

    /// Adds the certificates for this key in a PEM file, and notes what else is in their place.
    fn add_certificates_of(&mut self, file: &[u8]) {
        let (mut unread, mut other) = (None, None);
        let blocks = pem::blocks(file).filter(skipped::is_meant_as_certificate);
        for (number, block) in (1..).zip(blocks) {
            #[cfg(feature = "std")]
            if !block.is_certificate() {
                self.skipped
                    .extend(SkippedCertificate::of_kind(number, &block));
                continue;
            }
            let certificate = match block.decode() {
                Ok(der) => Certificate::from_der(&der),
                Err(_) => Err(CertificateError::Malformed),
            };
            let skipped = |reason| SkippedCertificate { number, reason };
            match certificate {
                Ok(certificate) if *certificate.public_key() == self.public => {
                    self.certificates.push(certificate);
                }
                // It may be for this key, which keeps the rules, in an encoding that does not.
                Err(
                    reason @ CertificateError::PublicKey(
                        PublicKeyError::Encoding | PublicKeyError::Parameters,
                    ),
                ) => {
                    unread = unread.or(Some(skipped(SkippedReason::Certificate(reason))));
                }
                // An issuer may have any key.
                Ok(_) | Err(CertificateError::PublicKey(_)) => {
                    let key_id = self.key_id();
                    other = other.or(Some(skipped(SkippedReason::OtherKey { key_id })));
                }
                Err(reason) => self
                    .skipped
                    .push(skipped(SkippedReason::Certificate(reason))),
            }
        }
        if self.certificates.is_empty() {
            self.skipped.extend(unread.or(other));
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

// RFC 8017 §3.2: d < n, dP < p, dQ < q, qInv < p. A library that takes others may fail with them only when it opens.
fn is_in_range(key: &RsaPrivateKey<UintRef<'_>>) -> bool {
    [
        (&key.private_exponent, &key.modulus),
        (&key.exponent1, &key.prime1),
        (&key.exponent2, &key.prime2),
        (&key.coefficient, &key.prime1),
    ]
    .into_iter()
    .all(|(small, large)| is_less(small.as_bytes(), large.as_bytes()))
}

/// Compares numbers of big-endian bytes without leading zeros. How long it takes depends on their lengths alone.
fn is_less(small: &[u8], large: &[u8]) -> bool {
    let digits = |bytes| {
        <[u8]>::iter(bytes)
            .rev()
            .copied()
            .chain(core::iter::repeat(0))
    };
    let mut borrow = 0;
    for (small, large) in digits(small)
        .zip(digits(large))
        .take(small.len().max(large.len()))
    {
        borrow = (i16::from(small) - i16::from(large) - borrow) >> 15 & 1;
    }
    borrow == 1
}

fn is_pkcs1(der: &[u8]) -> bool {
    RsaPrivateKey::<UintRef<'_>>::from_der(der).is_ok()
}

/// Why a key in DER, which may have stood in PEM, is not read, if nothing is wrong but that bytes follow.
fn or_trailing(error: IdentityError, der: &[u8], in_pem: bool) -> IdentityError {
    let whole = SliceReader::new(der).and_then(|mut reader| reader.tlv_bytes());
    let length = whole.map_or(0, |whole| der.len().saturating_sub(whole.len()));
    if error == IdentityError::Malformed && length > 0 && der.first() == Some(&SEQUENCE) {
        IdentityError::TrailingBytes { length, in_pem }
    } else {
        error
    }
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

/// What a file is that is not read, if it is of another kind.
#[cfg(feature = "std")]
fn or_kind(error: IdentityError, bytes: &[u8]) -> IdentityError {
    use IdentityError::{File, Jwk, Malformed, NoPrivateKey};
    match (error, FileKind::of(bytes)) {
        (error, None | Some(FileKind::PrivateKey | FileKind::Jwk)) => error,
        // Where in it the JSON is wrong says more.
        (Jwk(JwkError::Json(_)), Some(FileKind::Json)) => error,
        (Malformed | NoPrivateKey | Jwk(_), Some(kind)) => File(kind),
        // Its first characters were taken for a tag and a length.
        (IdentityError::TrailingBytes { .. }, Some(kind @ FileKind::Text)) => File(kind),
        (error, _) => error,
    }
}

fn other_algorithm(algorithm: OtherAlgorithm) -> IdentityError {
    IdentityError::PublicKey(PublicKeyError::Algorithm(algorithm))
}

/// What DER that is no RSA private key is instead: people mix the files up.
fn what_it_is(der: &[u8]) -> IdentityError {
    match first_two_fields(der) {
        // RFC 5958 §3: EncryptedPrivateKeyInfo ::= SEQUENCE { SEQUENCE { … }, OCTET STRING }
        Ok((Tag::Sequence, _, Tag::OctetString)) => ENCRYPTED,
        // RFC 5280 §4.1: a certificate or SubjectPublicKeyInfo ::= SEQUENCE { SEQUENCE { … }, … }
        Ok((Tag::Sequence, _, _)) => IdentityError::NoPrivateKey,
        // RFC 5915 §3: ECPrivateKey ::= SEQUENCE { INTEGER (1), OCTET STRING, … }
        Ok((Tag::Integer, [1], Tag::OctetString)) => other_algorithm(OtherAlgorithm::EllipticCurve),
        // RFC 5958 §2, of an algorithm whose identifier the library does not know.
        Ok((Tag::Integer, [0 | 1], Tag::Sequence)) => match public_key::of_pkcs8(der) {
            Some(id) if id != RSA_ENCRYPTION.as_bytes() && id != RSASSA_PSS.as_bytes() => {
                other_algorithm(OtherAlgorithm::of(id))
            }
            _ => IdentityError::Malformed,
        },
        // RFC 7292 §4: PFX ::= SEQUENCE { INTEGER (3), SEQUENCE { … }, … }
        #[cfg(feature = "std")]
        Ok((Tag::Integer, [3], Tag::Sequence)) => IdentityError::File(FileKind::Pkcs12),
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

const SEQUENCE: u8 = 0x30;
const PRIVATE_KEY: &str = "PRIVATE KEY";
const RSA_PRIVATE_KEY: &str = "RSA PRIVATE KEY";
const EC_PRIVATE_KEY: &str = "EC PRIVATE KEY";
const DSA_PRIVATE_KEY: &str = "DSA PRIVATE KEY";
#[cfg(feature = "std")]
const ENCRYPTED: IdentityError = IdentityError::File(FileKind::Encrypted);
#[cfg(not(feature = "std"))]
const ENCRYPTED: IdentityError = IdentityError::Malformed;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_compared_as_numbers() {
        for (small, large) in [
            (&[][..], &[1][..]),
            (&[1], &[2]),
            (&[255], &[1, 0]),
            (&[1, 255], &[2, 0]),
            (&[1, 2, 3], &[1, 3, 0]),
        ] {
            assert!(is_less(small, large), "{small:?} {large:?}");
            assert!(!is_less(large, small), "{large:?} {small:?}");
            assert!(!is_less(large, large), "{large:?}");
        }
    }
}
