//! What a file presents to the chain policy.

use alloc::vec::Vec;

use rustls_pki_types::CertificateDer;
use zeroize::Zeroizing;

/// An agent's certificate in DER, and those that came with it.
#[derive(Clone)]
pub(crate) struct Presented {
    pub(crate) leaf: CertificateDer<'static>,
    pub(crate) intermediates: Vec<CertificateDer<'static>>,
}

impl Presented {
    pub(super) fn new(leaf: &[u8]) -> Self {
        Self {
            leaf: CertificateDer::from(leaf.to_vec()),
            intermediates: Vec::new(),
        }
    }

    pub(super) fn with_intermediates(self, intermediates: &[Zeroizing<Vec<u8>>]) -> Self {
        let intermediates = intermediates.iter();
        Self {
            intermediates: intermediates
                .map(|der| CertificateDer::from(der.to_vec()))
                .collect(),
            ..self
        }
    }
}
