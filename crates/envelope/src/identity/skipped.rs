//! Certificates in an identity's file that are not used.

use core::fmt;

#[cfg(feature = "std")]
use crate::file_kind::{FileKind, NotACertificate};
use crate::{certificate::CertificateError, fingerprint::KeyId, pem};

/// A certificate in an identity's file that is not used. Opening goes on without it: none is needed, but some messages in
/// JWE and CMS name a key by its certificate alone.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct SkippedCertificate {
    /// Its place among the file's blocks that are certificates, in whatever format, from 1.
    pub number: usize,
    /// Why it is not used.
    pub reason: SkippedReason,
}

/// Why a certificate in an identity's file is not used.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum SkippedReason {
    /// It can't be read.
    Certificate(CertificateError),
    /// It is in another format.
    #[cfg(feature = "std")]
    #[cfg_attr(docsrs, doc(cfg(feature = "std")))]
    File(FileKind),
    /// It is the first of those in the file, and none of them is for the key.
    OtherKey {
        /// The private key.
        key_id: KeyId,
    },
}

#[cfg(feature = "std")]
impl SkippedCertificate {
    /// `None` if the block is of no kind.
    pub(super) fn of_kind(number: usize, block: &pem::Block<'_>) -> Option<Self> {
        let reason = SkippedReason::File(FileKind::of_label(block)?);
        Some(Self { number, reason })
    }
}

/// Returns whether somebody put this block in for a certificate.
pub(super) fn is_meant_as_certificate(block: &pem::Block<'_>) -> bool {
    #[cfg(feature = "std")]
    {
        block.is_certificate()
            || matches!(
                FileKind::of_label(block),
                Some(FileKind::TrustedCertificate | FileKind::Pkcs7)
            )
    }
    #[cfg(not(feature = "std"))]
    block.is_certificate()
}

impl fmt::Display for SkippedCertificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { number, reason } = self;
        match reason {
            SkippedReason::Certificate(reason) => write!(
                f,
                "certificate {number} in the file is left out, messages that name it do not open: {reason}"
            ),
            #[cfg(feature = "std")]
            SkippedReason::File(kind) => write!(
                f,
                "certificate {number} in the file is left out, messages that name it do not open: {}",
                NotACertificate::block(*kind)
            ),
            SkippedReason::OtherKey { key_id } => write!(
                f,
                "none of the certificates in the file is for its private key {key_id}: the key opens, but not what names \
                 it by its certificate; put the one in that was issued for this key, or leave all out"
            ),
        }
    }
}
