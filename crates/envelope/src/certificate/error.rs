//! Why bytes are not a certificate.

use core::fmt;

use super::Certificate;
#[cfg(feature = "std")]
use crate::file_kind::{FileKind, NotACertificate};
use crate::public_key::PublicKeyError;

/// Why bytes are not a certificate that can be sealed to.
///
/// The first of these wins: [`TooLong`](Self::TooLong), [`TooMany`](Self::TooMany), what is wrong with the PEM, what is
/// wrong with the DER, the public key, the agent ids.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum CertificateError {
    /// A subjectAltName URI starts with `urn:sealpost:agent:` and goes on with no agent's id, or it
    /// differs from that in case.
    AgentId,
    /// The PEM of a certificate behind the first is not intact.
    Block {
        /// Its place in the file, from 1.
        number: usize,
    },
    /// A date of the validity is not one (RFC 5280 §4.1.2.5).
    Date {
        /// Which.
        end: ValidityEnd,
        /// Why.
        fault: DateFault,
    },
    /// An extension is there twice (RFC 5280 §4.2).
    DuplicateExtension,
    /// The file is of another kind.
    #[cfg(feature = "std")]
    #[cfg_attr(docsrs, doc(cfg(feature = "std")))]
    File(FileKind),
    /// Not the encoding of a certificate.
    Malformed,
    /// The file holds no certificate.
    NoCertificate,
    /// A certificate, but not in the canonical encoding that DER is (X.690 §10, §11).
    NotDer,
    /// The public key can't be used.
    PublicKey(PublicKeyError),
    /// The serial number is longer than 20 bytes, without the zero byte of its sign (RFC 5280 §4.1.2.2).
    SerialNumber {
        /// Its length in bytes, without that zero.
        length: usize,
    },
    /// Longer than [`Certificate::MAX_LEN`] bytes.
    TooLong {
        /// Its length in bytes.
        length: usize,
    },
    /// The file holds more than [`Certificate::MAX_COUNT`] certificates.
    TooMany {
        /// How many.
        found: usize,
    },
    /// Bytes follow the certificate.
    TrailingBytes {
        /// How many.
        length: usize,
    },
}

/// One of the two dates of a validity (RFC 5280 §4.1.2.5).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ValidityEnd {
    /// The first.
    NotBefore,
    /// The last.
    NotAfter,
}

/// Why a text is not the date of a certificate.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum DateFault {
    /// The calendar has no such day, or the day no such time.
    Calendar,
    /// Its characters or its length are not those of a date.
    Form,
    /// It has fractions of a second.
    Fraction,
    /// It has no seconds.
    NoSeconds,
    /// It has an offset from Greenwich instead of `Z`.
    Offset,
}

impl fmt::Display for ValidityEnd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotBefore => "notBefore",
            Self::NotAfter => "notAfter",
        })
    }
}

impl fmt::Display for DateFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Calendar => "there is no such day or time",
            Self::Form => "its characters are not those of one",
            Self::Fraction => "it has fractions of a second",
            Self::NoSeconds => "it has no seconds",
            Self::Offset => "it has an offset in place of Z",
        })
    }
}

impl DateFault {
    /// What to issue one with.
    fn remedy(self) -> &'static str {
        match self {
            Self::Calendar => "a day and a time that there are",
            Self::Form | Self::Fraction | Self::NoSeconds | Self::Offset => {
                "the form YYMMDDHHMMSSZ, or from 2050 on YYYYMMDDHHMMSSZ (RFC 5280 §4.1.2.5)"
            }
        }
    }
}

impl fmt::Display for CertificateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AgentId => f.write_str(
                "the certificate names an agent wrongly: issue one whose subjectAltName URI is \
                 \"urn:sealpost:agent:\" and 1 to 64 of A-Z a-z 0-9 _ -",
            ),
            Self::Block { number } => write!(
                f,
                "the PEM of certificate {number} in the file is not intact or was cut off: copy it again, or leave it out if \
                 the first does not need it"
            ),
            Self::Date { end, fault } => write!(
                f,
                "the certificate's {end} is not a date, {fault}: issue one with {}",
                fault.remedy()
            ),
            Self::DuplicateExtension => {
                f.write_str("the certificate has an extension twice: issue one that has each once")
            }
            #[cfg(feature = "std")]
            Self::File(kind) => NotACertificate::file(*kind).fmt(f),
            Self::Malformed => f.write_str(
                "the certificate is malformed or was cut off: get it again from the agent's operator, in PEM or DER",
            ),
            Self::NoCertificate => f.write_str(
                "there is no certificate in the file: a block \"BEGIN CERTIFICATE\" is needed",
            ),
            Self::NotDer => f.write_str(
                "the certificate is not in canonical DER (BER is not taken): issue one that is",
            ),
            Self::PublicKey(error) => write!(f, "the certificate's key can't be used: {error}"),
            Self::SerialNumber { length } => write!(
                f,
                "the certificate's serial number has {length} bytes, at most 20 are allowed (RFC 5280 §4.1.2.2): issue \
                 one with a shorter number"
            ),
            Self::TooLong { length } => write!(
                f,
                "the certificate has {length} bytes, at most {} are taken",
                Certificate::MAX_LEN
            ),
            Self::TooMany { found } => write!(
                f,
                "there are {found} certificates in the file: keep the agent's and its intermediates, at most {}",
                Certificate::MAX_COUNT
            ),
            Self::TrailingBytes { length } => {
                write!(f, "{length} bytes follow the certificate: remove them")
            }
        }
    }
}

impl core::error::Error for CertificateError {}
