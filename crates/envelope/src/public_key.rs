//! RSA public keys: the rules for them, independent of a backend.

use alloc::vec::Vec;
use core::fmt;

use der::{
    Decode, Encode,
    asn1::{AnyRef, BitStringRef, UintRef},
    oid::ObjectIdentifier,
};
use pkcs1::RsaPublicKey;
use spki::{AlgorithmIdentifierRef, SubjectPublicKeyInfoRef};

#[cfg(feature = "jwe")]
use crate::base64url;
use crate::{backend::MAX_MODULUS, error::Error, fingerprint::KeyId, hash::sha256};

mod algorithm;

pub use self::algorithm::OtherAlgorithm;
pub(crate) use self::algorithm::of_pkcs8;

/// What makes a key that can be used. A device has no shell.
#[cfg(feature = "std")]
macro_rules! make_key {
    () => {
        "`openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:3072 -out KEY.pem` does"
    };
}
#[cfg(not(feature = "std"))]
macro_rules! make_key {
    () => {
        "RSA with 3072 bits"
    };
}

#[cfg(feature = "std")]
macro_rules! request {
    () => {
        "; for a request, `openssl req -new -key KEY.pem -out REQUEST.pem`"
    };
}
#[cfg(feature = "std")]
macro_rules! sign_again {
    () => {
        "; for a self-signed one, `openssl x509 -in CERT.pem -signkey KEY.pem -out NEW.pem`, otherwise a new request, \
         `openssl req -new -key KEY.pem -out REQUEST.pem`"
    };
}
#[cfg(not(feature = "std"))]
macro_rules! request {
    () => {
        ""
    };
}
#[cfg(not(feature = "std"))]
macro_rules! sign_again {
    () => {
        ""
    };
}

/// An RSA public key that envelopes may be sealed to, with its [`KeyId`].
///
/// It holds no key of a cryptographic library. With one made from a certificate's SubjectPublicKeyInfo,
/// an envelope is opened by a private key that lives elsewhere, see [`Pending`](crate::native::Pending).
#[derive(Clone, Eq, PartialEq)]
pub struct PublicKey {
    spki_der: Vec<u8>,
    modulus: Vec<u8>,
    key_id: KeyId,
}

/// Why a public key can't be used.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum PublicKeyError {
    /// The key's algorithm is not rsaEncryption (RFC 8017 appendix A.1) but another.
    Algorithm(OtherAlgorithm),
    /// The modulus is even, or not of 2,048 to 8,192 bits.
    Modulus {
        /// Its length in bits.
        bits: usize,
    },
    /// The public exponent is even, or below 3.
    Exponent,
    /// The public exponent is 2³² or more.
    ExponentTooLarge {
        /// Its length in bits.
        bits: usize,
    },
    /// The DER is malformed or not the one canonical encoding of the key.
    Encoding,
    /// The algorithm rsaEncryption has other parameters than NULL, or none (RFC 3279 §2.3.1).
    Parameters,
    /// The cryptographic library refuses the key.
    Refused,
    /// The key's algorithm is id-RSASSA-PSS (RFC 4055 §1.2): it may only sign.
    SignatureOnly,
}

impl fmt::Display for PublicKeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Algorithm(algorithm) => write!(
                f,
                concat!(
                    "the key is {}, not an RSA encryption key: make one with rsaEncryption, ",
                    make_key!()
                ),
                algorithm
            ),
            Self::Modulus { bits } => write!(
                f,
                "the RSA modulus has {bits} bits or is even: it must be odd, with 2048 to 8192 bits"
            ),
            Self::Exponent => f.write_str(concat!(
                "the RSA public exponent must be odd and at least 3: make a key with 65537, ",
                make_key!()
            )),
            Self::ExponentTooLarge { bits } => write!(
                f,
                concat!(
                    "the RSA public exponent has {} bits, and at most 32 are taken: make a key with 65537, ",
                    make_key!()
                ),
                bits
            ),
            Self::Encoding => f.write_str(concat!(
                "the RSA key inside is not in canonical DER: the private key may be good, but it needs a new certificate \
                 from current software",
                request!()
            )),
            Self::Parameters => f.write_str(concat!(
                "its algorithm rsaEncryption lacks the parameters NULL (RFC 3279 §2.3.1): the private key is good, but it \
                 needs a new certificate",
                sign_again!()
            )),
            Self::Refused => {
                f.write_str("the cryptographic library refuses the key: make a new one")
            }
            Self::SignatureOnly => f.write_str(concat!(
                "the key is for RSASSA-PSS signatures only: make one with rsaEncryption, ",
                make_key!()
            )),
        }
    }
}

impl core::error::Error for PublicKeyError {}

impl PublicKey {
    /// The key from the DER of a SubjectPublicKeyInfo (RFC 5280 §4.1.2.7).
    ///
    /// # Errors
    ///
    /// A [`PublicKeyError`] that names the rule it breaks.
    pub fn from_spki_der(spki_der: &[u8]) -> Result<Self, PublicKeyError> {
        // Before the library decodes it, which does not know every identifier.
        match algorithm::of_spki(spki_der).ok_or(PublicKeyError::Encoding)? {
            id if id == RSA_ENCRYPTION.as_bytes() => {}
            id if id == RSASSA_PSS.as_bytes() => return Err(PublicKeyError::SignatureOnly),
            id => return Err(PublicKeyError::Algorithm(OtherAlgorithm::of(id))),
        }
        let spki =
            SubjectPublicKeyInfoRef::from_der(spki_der).map_err(|_| PublicKeyError::Encoding)?;
        let key = spki
            .subject_public_key
            .as_bytes()
            .ok_or(PublicKeyError::Encoding)?;
        let key =
            RsaPublicKey::<UintRef<'_>>::from_der(key).map_err(|_| PublicKeyError::Encoding)?;
        let public = Self::from_components(key.modulus.as_bytes(), key.public_exponent.as_bytes())?;
        if spki.algorithm.parameters != Some(AnyRef::NULL) {
            return Err(PublicKeyError::Parameters);
        }
        // The key id is a hash of the encoding: a second encoding would be a second name for one key.
        if public.spki_der != spki_der {
            return Err(PublicKeyError::Encoding);
        }
        Ok(public)
    }

    /// The key from modulus and exponent, big-endian.
    pub(crate) fn from_components(modulus: &[u8], exponent: &[u8]) -> Result<Self, PublicKeyError> {
        let modulus = UintRef::new(modulus).map_err(|_| PublicKeyError::Encoding)?;
        let exponent = UintRef::new(exponent).map_err(|_| PublicKeyError::Encoding)?;
        check_modulus(modulus.as_bytes())?;
        check_exponent(exponent.as_bytes())?;
        let spki_der = encode_spki(modulus, exponent).map_err(|_| PublicKeyError::Encoding)?;
        let key_id = KeyId::from_bytes(sha256(&spki_der));
        Ok(Self {
            modulus: modulus.as_bytes().to_vec(),
            spki_der,
            key_id,
        })
    }

    /// SHA-256 of the SubjectPublicKeyInfo.
    #[must_use]
    pub fn key_id(&self) -> KeyId {
        self.key_id
    }

    /// The SubjectPublicKeyInfo in its canonical DER.
    #[must_use]
    pub fn spki_der(&self) -> &[u8] {
        &self.spki_der
    }

    /// The modulus's length in bits.
    #[must_use]
    pub fn modulus_bits(&self) -> usize {
        bits(&self.modulus)
    }

    /// The modulus's length in bytes, which every ciphertext has.
    #[must_use]
    pub fn modulus_len(&self) -> usize {
        self.modulus.len()
    }

    /// SHA-256 of the key as a JWK (RFC 7638 §3), which others name keys by.
    #[cfg(feature = "jwe")]
    pub(crate) fn thumbprint(&self) -> [u8; 32] {
        let exponent = public_exponent(&self.spki_der).unwrap_or_default();
        let (e, n) = (
            base64url::encode(exponent),
            base64url::encode(&self.modulus),
        );
        // The required members, in the order of their names, without white space.
        let parts = ["{\"e\":\"", &e, "\",\"kty\":\"RSA\",\"n\":\"", &n, "\"}"];
        sha256(parts.concat().as_bytes())
    }

    // RFC 8017 §7.1.2 step 1b and §5.1.2 step 1, tightened: 0, 1 and n − 1 are their own roots.
    pub(crate) fn check_ciphertext(&self, ciphertext: &[u8]) -> Result<(), Error> {
        if ciphertext.len() != self.modulus.len() {
            return Err(Error::EncapsulationLength {
                expected: self.modulus.len(),
                found: ciphertext.len(),
            });
        }
        // n is odd: n − 1 differs from it in the last bit only. Both are public.
        let (Some((n_last, n_front)), Some((c_last, c_front))) =
            (self.modulus.split_last(), ciphertext.split_last())
        else {
            return Err(Error::EncapsulationRange);
        };
        let below = (c_front, *c_last) < (n_front, n_last & !1);
        let above_one = *c_last > 1 || c_front.iter().any(|byte| *byte != 0);
        if below && above_one {
            Ok(())
        } else {
            Err(Error::EncapsulationRange)
        }
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "PublicKey({}, {} bits)",
            self.key_id,
            self.modulus_bits()
        )
    }
}

fn check_modulus(modulus: &[u8]) -> Result<(), PublicKeyError> {
    let bits = bits(modulus);
    let odd = modulus.last().is_some_and(|byte| byte & 1 == 1);
    if odd && (MIN_MODULUS_BITS..=8 * MAX_MODULUS).contains(&bits) {
        Ok(())
    } else {
        Err(PublicKeyError::Modulus { bits })
    }
}

fn check_exponent(exponent: &[u8]) -> Result<(), PublicKeyError> {
    let odd = exponent.last().is_some_and(|byte| byte & 1 == 1);
    if !odd || exponent == [1] {
        Err(PublicKeyError::Exponent)
    } else if exponent.len() > 4 {
        let bits = bits(exponent);
        Err(PublicKeyError::ExponentTooLarge { bits })
    } else {
        Ok(())
    }
}

/// The length in bits of a big-endian number without leading zero bytes.
fn bits(number: &[u8]) -> usize {
    number
        .first()
        .map_or(0, |first| 8 * number.len() - first.leading_zeros() as usize)
}

/// The exponent in a SubjectPublicKeyInfo that was encoded here, big-endian.
#[cfg(feature = "jwe")]
fn public_exponent(spki_der: &[u8]) -> Option<&[u8]> {
    let spki = SubjectPublicKeyInfoRef::from_der(spki_der).ok()?;
    let key = spki.subject_public_key.as_bytes()?;
    let key = RsaPublicKey::<UintRef<'_>>::from_der(key).ok()?;
    Some(key.public_exponent.as_bytes())
}

// RFC 3279 §2.3.1: the parameters of rsaEncryption are NULL.
fn encode_spki(modulus: UintRef<'_>, exponent: UintRef<'_>) -> der::Result<Vec<u8>> {
    let key = RsaPublicKey {
        modulus,
        public_exponent: exponent,
    }
    .to_der()?;
    SubjectPublicKeyInfoRef {
        algorithm: AlgorithmIdentifierRef {
            oid: RSA_ENCRYPTION,
            parameters: Some(AnyRef::NULL),
        },
        subject_public_key: BitStringRef::from_bytes(&key)?,
    }
    .to_der()
}

/// rsaEncryption (RFC 8017 appendix A.1).
pub(crate) const RSA_ENCRYPTION: ObjectIdentifier =
    ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
/// id-RSASSA-PSS (RFC 8017 appendix A.2.3).
pub(crate) const RSASSA_PSS: ObjectIdentifier =
    ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.10");
const MIN_MODULUS_BITS: usize = 2048;

#[cfg(all(test, feature = "jwe"))]
mod tests {
    use super::*;

    /// The key and the thumbprint of RFC 7638 §3.1.
    #[test]
    fn the_thumbprint_is_that_of_rfc_7638() {
        let modulus = base64url::decode(concat!(
            "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3",
            "oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdA",
            "ZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-",
            "kEgU8awapJzKnqDKgw"
        ));
        let key = PublicKey::from_components(&modulus.unwrap(), &[1, 0, 1]).unwrap();
        let thumbprint = base64url::encode(&key.thumbprint());
        assert_eq!(thumbprint, "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs");
    }
}
