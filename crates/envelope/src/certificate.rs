//! Certificates: what they say. Whether one is trusted is for [`Trust`](crate::Trust) to decide.

mod agent_id;
mod error;
mod names;
#[cfg(feature = "chain")]
mod presented;
mod strict;

use alloc::vec::Vec;
use core::fmt;

use der::oid::AssociatedOid as _;
use sealpost_context::AgentId;
use x509_cert::ext::pkix::{BasicConstraints, KeyUsage, SubjectAltName};

pub use self::error::{CertificateError, DateFault, ValidityEnd};
pub(crate) use self::names::CertificateNames;
#[cfg(feature = "chain")]
pub(crate) use self::presented::Presented;
pub(crate) use self::strict::{Authority, Fields, Usage};
#[cfg(feature = "chain")]
pub(crate) use self::strict::{constrains_addresses_only, has_purpose, read_time};
pub use crate::fingerprint::Fingerprint;

#[cfg(feature = "std")]
use crate::file_kind::FileKind;
use crate::{hash::sha256, pem, public_key::PublicKey, time::UnixTime};

/// An X.509 certificate (RFC 5280), parsed but not yet trusted.
///
/// It is taken only in canonical DER, with a key that keeps the rules for RSA keys, each extension at
/// most once. Whether it is trusted, may encipher and is valid is for [`Trust::check`](crate::Trust::check) to say.
#[derive(Clone)]
pub struct Certificate {
    names: CertificateNames,
    public_key: PublicKey,
    not_before: UnixTime,
    not_after: UnixTime,
    may_encipher: bool,
    agent_ids: Vec<AgentId>,
    #[cfg(feature = "chain")]
    presented: Presented,
}

impl Certificate {
    /// The longest certificate, or PEM file of certificates, that is parsed: 64 KiB.
    pub const MAX_LEN: usize = 64 << 10;

    /// The most certificates that a PEM file may hold: the agent's and six intermediate ones.
    pub const MAX_COUNT: usize = 7;

    /// The first certificate of a PEM file. Text and blocks of other kinds are skipped.
    ///
    /// The certificates that follow it are kept as its intermediates, in whatever order, for the chain
    /// policy alone, and not looked at before.
    ///
    /// # Errors
    ///
    /// [`CertificateError::NoCertificate`], [`CertificateError::TooMany`], or as
    /// [`from_der`](Self::from_der).
    pub fn from_pem(file: &[u8]) -> Result<Self, CertificateError> {
        check_length(file)?;
        let found = pem::certificates(file).count();
        if found > Self::MAX_COUNT {
            return Err(CertificateError::TooMany { found });
        }
        let mut certificates = (1..).zip(pem::certificates(file)).map(|(number, block)| {
            block.decode().map_err(|_| match number {
                1 => CertificateError::Malformed,
                number => CertificateError::Block { number },
            })
        });
        let first = certificates
            .next()
            .ok_or(CertificateError::NoCertificate)??;
        let rest = certificates.collect::<Result<Vec<_>, _>>()?;
        let certificate = Self::from_der(&first)?;
        #[cfg(feature = "chain")]
        let certificate = Self {
            presented: certificate.presented.with_intermediates(&rest),
            ..certificate
        };
        #[cfg(not(feature = "chain"))]
        drop(rest);
        Ok(certificate)
    }

    /// A certificate from its DER, or from PEM when the bytes are PEM.
    ///
    /// # Errors
    ///
    /// As [`from_der`](Self::from_der) and [`from_pem`](Self::from_pem); files of other kinds are named.
    pub fn from_pem_or_der(bytes: &[u8]) -> Result<Self, CertificateError> {
        #[cfg(feature = "std")]
        if FileKind::is_archive(bytes) {
            return Err(CertificateError::File(FileKind::Archive));
        }
        let read = if pem::is_pem(bytes) {
            Self::from_pem(bytes)
        } else {
            Self::from_der(bytes)
        };
        #[cfg(feature = "std")]
        let read = read.map_err(|error| or_kind(error, bytes));
        read
    }

    /// A certificate from its DER.
    ///
    /// # Errors
    ///
    /// A [`CertificateError`] that says which rule it breaks. Validity, usage and trust are not looked
    /// at yet.
    pub fn from_der(der: &[u8]) -> Result<Self, CertificateError> {
        check_length(der)?;
        let fields = Fields::read(der)?;
        check_constraints(&fields)?;
        let public_key =
            PublicKey::from_spki_der(fields.public_key).map_err(CertificateError::PublicKey)?;
        let fingerprint = Fingerprint::from_bytes(sha256(der));
        Ok(Self {
            names: CertificateNames::new(&fields, fingerprint),
            public_key,
            not_before: fields.not_before,
            not_after: fields.not_after,
            may_encipher: may_encipher(&fields)?,
            agent_ids: agent_ids(&fields)?,
            #[cfg(feature = "chain")]
            presented: Presented::new(der),
        })
    }

    /// The certificates of a PEM file, each in PEM of its own, without what else the file holds: text, or even a
    /// private key.
    pub fn pem_blocks(file: &[u8]) -> impl Iterator<Item = &str> {
        pem::certificates(file).filter_map(|block| block.text())
    }

    /// Returns true if it has no keyUsage or one with keyEncipherment.
    pub(crate) fn may_encipher(&self) -> bool {
        self.may_encipher
    }

    /// What the chain policy verifies.
    #[cfg(feature = "chain")]
    pub(crate) fn presented(&self) -> &Presented {
        &self.presented
    }

    /// How other formats name it.
    pub(crate) fn names(&self) -> &CertificateNames {
        &self.names
    }

    /// SHA-256 of the DER.
    #[must_use]
    pub fn fingerprint(&self) -> Fingerprint {
        self.names.fingerprint
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

    /// The agents that it names: its subjectAltName URIs `urn:sealpost:agent:<agentId>`. It may name
    /// several, and is then the certificate of each.
    pub fn agent_ids(&self) -> impl Iterator<Item = &str> {
        self.agent_ids.iter().map(AgentId::as_str)
    }

    /// As [`agent_ids`](Self::agent_ids).
    #[cfg(feature = "chain")]
    pub(crate) fn named_agents(&self) -> &[AgentId] {
        &self.agent_ids
    }
}

impl fmt::Debug for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Certificate")
            .field("fingerprint", &self.names.fingerprint)
            .field("public_key", &self.public_key)
            .finish_non_exhaustive()
    }
}

/// What a file is that is not read, if it is of another kind.
#[cfg(feature = "std")]
fn or_kind(error: CertificateError, bytes: &[u8]) -> CertificateError {
    use CertificateError::{File, Malformed, NoCertificate, NotDer, TrailingBytes};
    match (error, FileKind::of(bytes)) {
        (error, None | Some(FileKind::Certificate)) => error,
        (Malformed | NoCertificate | NotDer | TrailingBytes { .. }, Some(kind)) => File(kind),
        (error, _) => error,
    }
}

fn check_length(bytes: &[u8]) -> Result<(), CertificateError> {
    let length = bytes.len();
    if length > Certificate::MAX_LEN {
        return Err(CertificateError::TooLong { length });
    }
    Ok(())
}

// RFC 5280 §4.2.1.3: without keyUsage any use is allowed; with it keyEncipherment must be set. The seed is
// a key: dataEncipherment does not do.
fn may_encipher(fields: &Fields<'_>) -> Result<bool, CertificateError> {
    let usage = fields.extension(KeyUsage::OID).map(Usage::read);
    Ok(usage.transpose()?.is_none_or(Usage::enciphers_keys))
}

/// Fails unless this extension is canonical. Whether it is an authority's certificate is for the policy.
fn check_constraints(fields: &Fields<'_>) -> Result<(), CertificateError> {
    let constraints = fields.extension(BasicConstraints::OID);
    constraints.map_or(Ok(()), |value| Authority::read(value).map(|_| ()))
}

fn agent_ids(fields: &Fields<'_>) -> Result<Vec<AgentId>, CertificateError> {
    fields
        .extension(SubjectAltName::OID)
        .map_or(Ok(Vec::new()), agent_id::all_in)
}
