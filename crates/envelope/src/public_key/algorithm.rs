//! The algorithms of keys that are not taken, so that errors name them.

use core::fmt;

use der::{Reader as _, SliceReader, Tag, Tagged as _, asn1::AnyRef};

/// What a key is for that is not an RSA encryption key.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum OtherAlgorithm {
    /// Diffie-Hellman over numbers (RFC 3279 §2.3.3, PKCS#3).
    DiffieHellman,
    /// DSA (RFC 3279 §2.3.2).
    Dsa,
    /// An elliptic curve with a name or parameters (RFC 5480).
    EllipticCurve,
    /// Ed25519 (RFC 8410).
    Ed25519,
    /// Ed448 (RFC 8410).
    Ed448,
    /// ML-DSA (RFC 9881).
    MlDsa,
    /// ML-KEM (RFC 9935).
    MlKem,
    /// RSA under the identifier id-RSAES-OAEP, with the parameters of OAEP fixed (RFC 4055 §4.1).
    RsaesOaep,
    /// SLH-DSA (RFC 9909).
    SlhDsa,
    /// One that has no name here.
    Unknown,
    /// X25519 (RFC 8410).
    X25519,
    /// X448 (RFC 8410).
    X448,
}

impl OtherAlgorithm {
    /// The algorithm with this identifier: the content of an OBJECT IDENTIFIER. A device has no room for their names.
    pub(crate) fn of(id: &[u8]) -> Self {
        match id {
            _ if cfg!(not(feature = "std")) => Self::Unknown,
            // 1.2.840.10046.2.1, 1.2.840.113549.1.3.1
            b"\x2a\x86\x48\xce\x3e\x02\x01" | b"\x2a\x86\x48\x86\xf7\x0d\x01\x03\x01" => {
                Self::DiffieHellman
            }
            // 1.2.840.10040.4.1
            b"\x2a\x86\x48\xce\x38\x04\x01" => Self::Dsa,
            // 1.2.840.10045.2.1, 1.3.132.1.12, 1.3.132.1.13
            b"\x2a\x86\x48\xce\x3d\x02\x01" | b"\x2b\x81\x04\x01\x0c" | b"\x2b\x81\x04\x01\x0d" => {
                Self::EllipticCurve
            }
            // 1.3.101.110 to 113
            b"\x2b\x65\x6e" => Self::X25519,
            b"\x2b\x65\x6f" => Self::X448,
            b"\x2b\x65\x70" => Self::Ed25519,
            b"\x2b\x65\x71" => Self::Ed448,
            // 1.2.840.113549.1.1.7
            b"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x07" => Self::RsaesOaep,
            // 2.16.840.1.101.3.4.4.1 to 3, and in the arc of signatures 17 to 19 and 32 to 34, 20 to 31 and 35 to 46
            [nist @ .., 4, 1..=3] if nist == NIST => Self::MlKem,
            [nist @ .., 3, 17..=19 | 32..=34] if nist == NIST => Self::MlDsa,
            [nist @ .., 3, 20..=31 | 35..=46] if nist == NIST => Self::SlhDsa,
            _ => Self::Unknown,
        }
    }
}

impl fmt::Display for OtherAlgorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            _ if cfg!(not(feature = "std")) => "another one",
            Self::DiffieHellman => "a Diffie-Hellman key",
            Self::Dsa => "a DSA key",
            Self::EllipticCurve => "an elliptic-curve key",
            Self::Ed25519 => "an Ed25519 key",
            Self::Ed448 => "an Ed448 key",
            Self::MlDsa => "an ML-DSA key",
            Self::MlKem => "an ML-KEM key",
            Self::RsaesOaep => "an RSA key of the algorithm id-RSAES-OAEP",
            Self::SlhDsa => "an SLH-DSA key",
            Self::Unknown => "one of an algorithm that is not known here",
            Self::X25519 => "an X25519 key",
            Self::X448 => "an X448 key",
        })
    }
}

/// The identifier of the algorithm in `SEQUENCE { AlgorithmIdentifier, … }`, which a SubjectPublicKeyInfo is.
pub(super) fn of_spki(der: &[u8]) -> Option<&[u8]> {
    let fields = content(der, Tag::Sequence)?;
    of_identifier(fields)
}

/// As [`of_spki`], in PKCS#8 (RFC 5958 §2): `SEQUENCE { version INTEGER, AlgorithmIdentifier, … }`.
pub(crate) fn of_pkcs8(der: &[u8]) -> Option<&[u8]> {
    let mut fields = SliceReader::new(content(der, Tag::Sequence)?).ok()?;
    fields.tlv_bytes().ok()?;
    of_identifier(fields.read_slice(fields.remaining_len()).ok()?)
}

/// `AlgorithmIdentifier ::= SEQUENCE { algorithm OBJECT IDENTIFIER, … }`, with other fields behind it.
fn of_identifier(fields: &[u8]) -> Option<&[u8]> {
    content(content(fields, Tag::Sequence)?, Tag::ObjectIdentifier)
}

/// The content of the first field, if it is of this type.
fn content(fields: &[u8], tag: Tag) -> Option<&[u8]> {
    let field: AnyRef<'_> = SliceReader::new(fields).ok()?.decode().ok()?;
    (field.tag() == tag).then(|| field.value())
}

/// 2.16.840.1.101.3.4, the algorithms of NIST.
const NIST: &[u8] = b"\x60\x86\x48\x01\x65\x03\x04";
