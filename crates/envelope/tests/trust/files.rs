//! Files of certificates.

use sealpost_envelope::{
    Certificate, Trust, UnixTime, certificate::CertificateError, key::FileKind, trust::TrustError,
};

use super::forgery::test_file;

fn der(pem: &[u8]) -> Vec<u8> {
    pem_rfc7468::decode_vec(pem).unwrap().1
}

#[test]
fn pem_and_der_give_the_same() {
    let pem = test_file("keys/agent-a2048.pem");
    let from_pem = Certificate::from_pem(&pem).unwrap();
    let from_der = Certificate::from_der(&der(&pem)).unwrap();
    assert_eq!(from_pem.fingerprint(), from_der.fingerprint());
    assert_eq!(from_pem.public_key(), from_der.public_key());
    assert!(from_pem.agent_ids().eq(["a2048"]));
    assert_eq!(from_pem.public_key().modulus_bits(), 2048);

    // Text and other blocks around it, and CRLF line ends.
    let key = test_file("keys/agent-a2048.key.pem");
    let file = [
        b"subject: a2048\n".as_slice(),
        &key,
        b"\n",
        &pem,
        b"\ntext\n",
    ]
    .concat();
    let crlf = String::from_utf8(file).unwrap().replace('\n', "\r\n");
    let certificate = Certificate::from_pem_or_der(crlf.as_bytes()).unwrap();
    assert_eq!(certificate.fingerprint(), from_der.fingerprint());
}

#[test]
fn validity_has_two_ends() {
    let certificate = Certificate::from_pem(&test_file("keys/agent-a2048.pem")).unwrap();
    let (first, last) = (certificate.not_before(), certificate.not_after());
    let check =
        |now: u64| Trust::DangerAnyCertificate.check(&certificate, UnixTime::from_secs(now));
    check(first.as_secs()).unwrap();
    check(last.as_secs()).unwrap();
    assert!(matches!(
        check(first.as_secs() - 1),
        Err(TrustError::NotYetValid { .. })
    ));
    assert!(matches!(
        check(last.as_secs() + 1),
        Err(TrustError::Expired { .. })
    ));
}

#[test]
fn wrong_files_are_named() {
    let parse = |bytes: &[u8]| Certificate::from_pem_or_der(bytes).unwrap_err();
    let pem = test_file("keys/agent-a2048.pem");
    let der = der(&pem);
    assert_eq!(parse(b""), CertificateError::File(FileKind::Empty));
    assert_eq!(
        parse(&test_file("keys/agent-a2048.key.pem")),
        CertificateError::File(FileKind::PrivateKey)
    );
    assert_eq!(
        parse(&[&der[..], &[0]].concat()),
        CertificateError::TrailingBytes { length: 1 }
    );
    assert_eq!(parse(&der[..der.len() - 1]), CertificateError::Malformed);
    assert_eq!(
        parse(&vec![0x30; 1 << 20]),
        CertificateError::TooLong { length: 1 << 20 }
    );
    let broken = String::from_utf8(pem).unwrap().replacen("MII", "M?I", 1);
    assert_eq!(parse(broken.as_bytes()), CertificateError::Malformed);
}
