//! Recipients: certificates that were checked and may be sealed to.

use core::fmt;

use crate::{
    backend::Backend,
    certificate::{Certificate, CertificateError, CertificateNames},
    error::SealError,
    fingerprint::KeyId,
    header::MAX_RECIPIENTS,
    public_key::{PublicKey, PublicKeyError},
    time::UnixTime,
    trust::{Trust, TrustError},
};

/// A public key to seal to, out of a certificate that passed every check.
///
/// Make it once and keep it: reading a certificate costs as much as sealing, and verifying its chain two to
/// four times as much again. It does not notice when the certificate or an issuer expires;
/// [`Trust::check`] does.
pub struct Recipient<B: Backend> {
    public: PublicKey,
    pub(crate) key: B::PublicKey,
    /// None of a bare public key.
    #[cfg_attr(not(any(feature = "jwe", feature = "cms")), allow(dead_code))]
    pub(crate) names: Option<CertificateNames>,
}

impl<B: Backend> Recipient<B> {
    /// The recipient that the first certificate of a PEM file names.
    ///
    /// # Errors
    ///
    /// A [`TrustError`] that says which check failed.
    pub fn from_certificate_pem(
        pem: &[u8],
        trust: &Trust<'_>,
        now: UnixTime,
    ) -> Result<Self, TrustError> {
        Self::from_certificate(&Certificate::from_pem(pem)?, trust, now)
    }

    /// The recipient that a DER certificate names.
    ///
    /// # Errors
    ///
    /// A [`TrustError`] that says which check failed.
    pub fn from_certificate_der(
        der: &[u8],
        trust: &Trust<'_>,
        now: UnixTime,
    ) -> Result<Self, TrustError> {
        Self::from_certificate(&Certificate::from_der(der)?, trust, now)
    }

    /// The recipient that a parsed certificate names.
    ///
    /// # Errors
    ///
    /// A [`TrustError`] that says which check failed.
    pub fn from_certificate(
        certificate: &Certificate,
        trust: &Trust<'_>,
        now: UnixTime,
    ) -> Result<Self, TrustError> {
        trust.check(certificate, now)?;
        Self::from_checked(certificate)
    }

    /// The recipient that a parsed certificate names, though it may have expired: everything else is
    /// checked for the last second of its validity.
    ///
    /// # Errors
    ///
    /// As [`from_certificate`](Self::from_certificate), never [`TrustError::Expired`].
    ///
    /// # Security
    ///
    /// See [`Trust::danger_check_even_if_expired`].
    pub fn danger_from_expired_certificate(
        certificate: &Certificate,
        trust: &Trust<'_>,
        now: UnixTime,
    ) -> Result<Self, TrustError> {
        trust.danger_check_even_if_expired(certificate, now)?;
        Self::from_checked(certificate)
    }

    /// A recipient from a bare public key that the caller trusts for reasons of their own.
    ///
    /// # Errors
    ///
    /// [`PublicKeyError::Refused`] if the backend refuses the key.
    ///
    /// # Security
    ///
    /// No certificate, no validity, no key usage is checked.
    pub fn danger_from_public_key(public: PublicKey) -> Result<Self, PublicKeyError> {
        Self::from_public_key(public)
    }

    fn from_checked(certificate: &Certificate) -> Result<Self, TrustError> {
        let recipient = Self::from_public_key(certificate.public_key().clone());
        Ok(Self {
            names: Some(certificate.names().clone()),
            ..recipient.map_err(CertificateError::PublicKey)?
        })
    }

    fn from_public_key(public: PublicKey) -> Result<Self, PublicKeyError> {
        let key = B::public_key(public.spki_der()).map_err(|_| PublicKeyError::Refused)?;
        Ok(Self {
            public,
            key,
            names: None,
        })
    }

    /// The public key.
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

impl<B: Backend> fmt::Debug for Recipient<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recipient")
            .field("public_key", &self.public)
            .finish_non_exhaustive()
    }
}

/// 1 to 16 recipients, each with a key of its own.
pub(crate) fn check_recipients<B: Backend>(recipients: &[Recipient<B>]) -> Result<(), SealError> {
    if recipients.is_empty() || recipients.len() > MAX_RECIPIENTS {
        return Err(SealError::RecipientCount {
            given: recipients.len(),
        });
    }
    for (index, recipient) in recipients.iter().enumerate() {
        let key_id = recipient.key_id();
        if recipients
            .iter()
            .take(index)
            .any(|earlier| earlier.key_id() == key_id)
        {
            return Err(SealError::DuplicateRecipient { key_id });
        }
    }
    Ok(())
}
