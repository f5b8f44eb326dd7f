//! Certificates and trust.

use sealpost_envelope::{
    Certificate, Fingerprint, Recipient, Trust, backend::Backend, trust::TrustError,
};

use super::{NOW, test_file};

pub(crate) fn pins_decide<B: Backend>() {
    let pem = test_file("agent-a2048.pem");
    let fingerprint = Certificate::from_pem(&pem).unwrap().fingerprint();
    let other = Fingerprint::from_bytes([7; 32]);
    Recipient::<B>::from_certificate_pem(&pem, &Trust::Pinned(&[other, fingerprint]), NOW).unwrap();
    for pins in [&[][..], &[other]] {
        let error =
            Recipient::<B>::from_certificate_pem(&pem, &Trust::Pinned(pins), NOW).unwrap_err();
        assert_eq!(error, TrustError::NotPinned { fingerprint });
    }
}
