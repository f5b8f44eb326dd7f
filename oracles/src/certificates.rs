//! Certificates, and whom to trust.

use std::{collections::BTreeSet, sync::LazyLock};

use sealpost_envelope::{
    AwsLc, Certificate, CertificateError, ChainPolicy, Fingerprint, RustCrypto, Trust, TrustAnchors,
};

use crate::{allocations::bounded, input, keys::NOW, seeds};

/// Certificates, PEM and DER: the same answer with both libraries, and a pin is a pin.
pub(crate) fn certificate(bytes: &[u8]) {
    // Each certificate is decoded, parsed into parts, and kept in DER.
    let aws = bounded(bytes.len(), 8, 256, || {
        Certificate::from_pem_or_der::<AwsLc>(bytes)
    });
    let rust = Certificate::from_pem_or_der::<RustCrypto>(bytes);
    match (aws, rust) {
        (Ok(aws), Ok(rust)) => {
            assert_eq!(aws.fingerprint(), rust.fingerprint());
            assert_eq!(aws.public_key(), rust.public_key());
            assert!((2048..=8192).contains(&aws.public_key().modulus_bits()));
            let any = aws.check(&Trust::DangerAnyCertificate, NOW);
            assert_eq!(any, rust.check(&Trust::DangerAnyCertificate, NOW));
            let own = [aws.fingerprint()];
            assert_eq!(any, aws.check(&Trust::Pinned(&own), NOW));
            let other = [Fingerprint::from_bytes([0; 32])];
            assert!(aws.check(&Trust::Pinned(&other), NOW).is_err());
            assert!(aws.check(&Trust::Pinned(&[]), NOW).is_err());
            if any.is_ok() {
                assert!(aws.not_before() <= NOW && NOW <= aws.not_after());
            }
        }
        (Err(aws), Err(rust)) => assert_eq!(aws, rust),
        (aws, rust) => panic!("{aws:?} and {rust:?}"),
    }
}

/// A file of authorities and a certificate: only one that was issued is trusted, and only for the agent it names.
pub(crate) fn trust(bytes: &[u8]) {
    let Some((anchors, presented)) = input::two(bytes) else {
        return;
    };
    let anchors = bounded(anchors.len(), 12, 256, || {
        TrustAnchors::from_pem_or_der(anchors)
    });
    let certificate = Certificate::from_pem_or_der::<AwsLc>(presented);
    let (Ok(anchors), Ok(certificate)) = (anchors, certificate) else {
        return;
    };
    for agent in ["a2048", "b2048"] {
        let policy = ChainPolicy::new(&anchors, agent);
        let unnamed = policy.danger_accept_certificate_without_agent_id();
        let strict = check(&certificate, policy);
        let loose = check(&certificate, unnamed);
        if strict.is_ok() {
            assert!(certificate.agent_ids().any(|named| named == agent));
            assert_eq!(loose, Ok(()));
        }
        if loose.is_ok() {
            let mut named = certificate.agent_ids().peekable();
            assert!(named.peek().is_none() || named.any(|named| named == agent));
            assert_eq!(certificate.check(&Trust::DangerAnyCertificate, NOW), Ok(()));
            assert!(
                ISSUED.contains(&certificate.fingerprint()),
                "a certificate is trusted that nobody issued"
            );
        }
    }
}

fn check(certificate: &Certificate, policy: ChainPolicy<'_>) -> Result<(), CertificateError> {
    certificate.check(&Trust::Chain(policy), NOW)
}

/// Every certificate that there is a signature for.
static ISSUED: LazyLock<BTreeSet<Fingerprint>> = LazyLock::new(|| {
    seeds::certificates()
        .iter()
        .filter_map(|(_, file)| Certificate::from_pem_or_der::<AwsLc>(file).ok())
        .map(|certificate| certificate.fingerprint())
        .collect()
});
