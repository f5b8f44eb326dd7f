//! Certificates and whom to trust.

use alloc::{borrow::ToOwned, string::String, vec::Vec};
use core::fmt;

use der::{Decode, Encode};
use x509_cert::ext::pkix::{KeyUsage, SubjectAltName, name::GeneralName};

use crate::{
    backend::Backend,
    fingerprint::Fingerprint,
    pem,
    public_key::{PublicKey, PublicKeyError},
    time::UnixTime,
};

/// An X.509 certificate (RFC 5280), parsed but not yet trusted.
#[derive(Clone)]
pub struct Certificate {
    fingerprint: Fingerprint,
    public_key: PublicKey,
    not_before: UnixTime,
    not_after: UnixTime,
    may_encipher: bool,
    agent_ids: Vec<String>,
}

/// Which certificates to seal to.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Trust<'a> {
    /// Only those with one of these fingerprints.
    Pinned(&'a [Fingerprint]),
    /// Any at all: whoever handed over the certificate can read what is sealed.
    DangerAnyCertificate,
}

/// Why a certificate is refused.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum CertificateError {
    /// The validity is over.
    Expired {
        /// The last second of the validity.
        not_after: UnixTime,
        /// The time of the check.
        now: UnixTime,
    },
    /// keyUsage is there and lacks keyEncipherment (RFC 5280 §4.2.1.3).
    KeyUsage,
    /// Malformed, or not in canonical DER.
    Malformed,
    /// The file holds no certificate.
    NoCertificate,
    /// The fingerprint is none of those pinned.
    NotPinned {
        /// The certificate's fingerprint.
        fingerprint: Fingerprint,
    },
    /// The validity has not begun.
    NotYetValid {
        /// The first second of the validity.
        not_before: UnixTime,
        /// The time of the check.
        now: UnixTime,
    },
    /// The public key can't be used.
    PublicKey(PublicKeyError),
    /// Longer than [`MAX_CERTIFICATE`](Certificate::MAX_LEN) bytes.
    TooLong {
        /// Its length in bytes.
        length: usize,
    },
}

impl fmt::Display for CertificateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Expired { not_after, now } => write!(
                f,
                "the certificate expired {} seconds ago: ask the agent's operator for the new one",
                now.as_secs().saturating_sub(not_after.as_secs())
            ),
            Self::KeyUsage => f.write_str(
                "the certificate's keyUsage does not allow keyEncipherment: issue one that does",
            ),
            Self::Malformed => {
                f.write_str("the certificate is malformed or not in canonical DER: export it again")
            }
            Self::NoCertificate => f.write_str(
                "there is no certificate in the file: a block \"BEGIN CERTIFICATE\" is needed",
            ),
            Self::NotPinned { fingerprint } => write!(
                f,
                "the certificate is not pinned: its SHA-256 fingerprint is {fingerprint}, compare it with the \
                 one that the agent's operator gave you"
            ),
            Self::NotYetValid { not_before, now } => write!(
                f,
                "the certificate becomes valid in {} seconds: check the clock, or wait",
                not_before.as_secs().saturating_sub(now.as_secs())
            ),
            Self::PublicKey(error) => write!(f, "the certificate's key can't be used: {error}"),
            Self::TooLong { length } => write!(
                f,
                "the certificate has {length} bytes, at most {} are taken",
                Certificate::MAX_LEN
            ),
        }
    }
}

impl core::error::Error for CertificateError {}

impl Certificate {
    /// The longest certificate, or PEM file of certificates, that is parsed: 64 KiB.
    pub const MAX_LEN: usize = 64 << 10;

    /// The first certificate of a PEM file. Text and other blocks are skipped.
    ///
    /// # Errors
    ///
    /// [`CertificateError::NoCertificate`], or as [`from_der`](Self::from_der).
    pub fn from_pem<B: Backend>(file: &[u8]) -> Result<Self, CertificateError> {
        check_length(file)?;
        let block = pem::blocks(file)
            .find(|block| block.label == "CERTIFICATE")
            .ok_or(CertificateError::NoCertificate)?;
        let der = block.decode().map_err(|_| CertificateError::Malformed)?;
        Self::from_der::<B>(&der)
    }

    /// A certificate from its DER, or from PEM when the bytes are PEM.
    ///
    /// # Errors
    ///
    /// As [`from_der`](Self::from_der) and [`from_pem`](Self::from_pem).
    pub fn from_pem_or_der<B: Backend>(bytes: &[u8]) -> Result<Self, CertificateError> {
        if pem::is_pem(bytes) {
            Self::from_pem::<B>(bytes)
        } else {
            Self::from_der::<B>(bytes)
        }
    }

    /// A certificate from its DER.
    ///
    /// # Errors
    ///
    /// [`CertificateError::TooLong`], [`CertificateError::Malformed`] or
    /// [`CertificateError::PublicKey`]. Validity, usage and trust are not looked at yet.
    pub fn from_der<B: Backend>(der: &[u8]) -> Result<Self, CertificateError> {
        check_length(der)?;
        let certificate =
            x509_cert::Certificate::from_der(der).map_err(|_| CertificateError::Malformed)?;
        // What does not encode to the same bytes was not DER.
        if certificate.to_der().ok().as_deref() != Some(der) {
            return Err(CertificateError::Malformed);
        }
        let tbs = certificate.tbs_certificate();
        let spki = tbs
            .subject_public_key_info()
            .to_der()
            .map_err(|_| CertificateError::Malformed)?;
        let public_key =
            PublicKey::from_spki_der::<B>(&spki).map_err(CertificateError::PublicKey)?;
        let key_usage = tbs
            .get_extension::<KeyUsage>()
            .map_err(|_| CertificateError::Malformed)?
            .map(|(_, usage)| usage);
        let names = tbs
            .get_extension::<SubjectAltName>()
            .map_err(|_| CertificateError::Malformed)?
            .map_or_else(Vec::new, |(_, names)| names.0);
        let validity = tbs.validity();
        Ok(Self {
            fingerprint: Fingerprint::from_bytes(B::sha256(&[der])),
            public_key,
            not_before: unix_time(&validity.not_before),
            not_after: unix_time(&validity.not_after),
            may_encipher: key_usage.is_none_or(|usage| usage.key_encipherment()),
            agent_ids: names.iter().filter_map(agent_id).collect(),
        })
    }

    /// May it be sealed to at this time, under this policy?
    ///
    /// # Errors
    ///
    /// [`CertificateError::NotPinned`], [`CertificateError::KeyUsage`], [`CertificateError::Expired`] or
    /// [`CertificateError::NotYetValid`].
    pub fn check(&self, trust: &Trust<'_>, now: UnixTime) -> Result<(), CertificateError> {
        match trust {
            Trust::Pinned(pins) if !pins.contains(&self.fingerprint) => {
                return Err(CertificateError::NotPinned {
                    fingerprint: self.fingerprint,
                });
            }
            Trust::Pinned(_) | Trust::DangerAnyCertificate => {}
        }
        if !self.may_encipher {
            return Err(CertificateError::KeyUsage);
        }
        self.check_validity(now)
    }

    /// Is it valid at this time (RFC 5280 §4.1.2.5; both ends included)?
    ///
    /// # Errors
    ///
    /// [`CertificateError::Expired`] or [`CertificateError::NotYetValid`].
    pub fn check_validity(&self, now: UnixTime) -> Result<(), CertificateError> {
        if now < self.not_before {
            return Err(CertificateError::NotYetValid {
                not_before: self.not_before,
                now,
            });
        }
        if now > self.not_after {
            return Err(CertificateError::Expired {
                not_after: self.not_after,
                now,
            });
        }
        Ok(())
    }

    /// SHA-256 of the DER.
    #[must_use]
    pub fn fingerprint(&self) -> Fingerprint {
        self.fingerprint
    }

    /// The key that it certifies.
    #[must_use]
    pub fn public_key(&self) -> &PublicKey {
        &self.public_key
    }

    /// The first second of its validity.
    #[must_use]
    pub fn not_before(&self) -> UnixTime {
        self.not_before
    }

    /// The last second of its validity.
    #[must_use]
    pub fn not_after(&self) -> UnixTime {
        self.not_after
    }

    /// The agents that it names: its subjectAltName URIs `urn:sealpost:agent:<agentId>`.
    pub fn agent_ids(&self) -> impl Iterator<Item = &str> {
        self.agent_ids.iter().map(String::as_str)
    }
}

impl fmt::Debug for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Certificate")
            .field("fingerprint", &self.fingerprint)
            .field("public_key", &self.public_key)
            .finish_non_exhaustive()
    }
}

fn check_length(bytes: &[u8]) -> Result<(), CertificateError> {
    match bytes.len() {
        length if length > Certificate::MAX_LEN => Err(CertificateError::TooLong { length }),
        _ => Ok(()),
    }
}

fn unix_time(time: &x509_cert::time::Time) -> UnixTime {
    UnixTime::from_secs(time.to_unix_duration().as_secs())
}

fn agent_id(name: &GeneralName) -> Option<String> {
    match name {
        GeneralName::UniformResourceIdentifier(uri) => {
            uri.as_str().strip_prefix(AGENT_URN).map(ToOwned::to_owned)
        }
        _ => None,
    }
}

const AGENT_URN: &str = "urn:sealpost:agent:";
