//! What messages name keys by.

use alloc::vec::Vec;

use crate::{
    backend::Backend,
    certificate::Certificate,
    fingerprint::KeyId,
    identity::{Identity, IdentityError},
    public_key::PublicKey,
};

/// A key that messages can name: by its id, and, in JWE and CMS, by one of its certificates.
pub trait KeyNames: AsRef<PublicKey> {
    /// Its certificates, as far as they are known. CMS, and a JWE that has no `kid`, name a key by one of them only.
    fn certificates(&self) -> &[Certificate];
}

/// The public half of a key that is held elsewhere, and its certificates.
#[derive(Clone)]
pub struct PublicIdentity {
    public: PublicKey,
    certificates: Vec<Certificate>,
}

impl PublicIdentity {
    /// A key without certificates.
    #[must_use]
    pub fn new(public: PublicKey) -> Self {
        Self {
            public,
            certificates: Vec::new(),
        }
    }

    /// Adds a certificate for the key. It is not checked for validity or trust, which opening does not need.
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

    /// SHA-256 of the SubjectPublicKeyInfo.
    #[must_use]
    pub fn key_id(&self) -> KeyId {
        self.public.key_id()
    }
}

impl AsRef<PublicKey> for PublicIdentity {
    fn as_ref(&self) -> &PublicKey {
        &self.public
    }
}

impl KeyNames for PublicIdentity {
    fn certificates(&self) -> &[Certificate] {
        &self.certificates
    }
}

impl<B: Backend> KeyNames for Identity<B> {
    fn certificates(&self) -> &[Certificate] {
        self.certificates()
    }
}

impl KeyNames for PublicKey {
    fn certificates(&self) -> &[Certificate] {
        &[]
    }
}

impl<B: Backend> From<&Identity<B>> for PublicIdentity {
    fn from(identity: &Identity<B>) -> Self {
        Self {
            public: identity.public_key().clone(),
            certificates: identity.certificates().to_vec(),
        }
    }
}

impl core::fmt::Debug for PublicIdentity {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("PublicIdentity")
            .field("public_key", &self.public)
            .finish_non_exhaustive()
    }
}
