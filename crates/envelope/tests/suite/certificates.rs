//! Certificates and trust.

use sealpost_envelope::{
    Backend, Certificate, CertificateError, Fingerprint, Recipient, Trust, UnixTime,
};

use super::{NOW, test_file};

fn der(pem: &[u8]) -> Vec<u8> {
    pem_rfc7468::decode_vec(pem).unwrap().1
}

pub(crate) fn pem_and_der_give_the_same<B: Backend>() {
    let pem = test_file("agent-a2048.pem");
    let from_pem = Certificate::from_pem::<B>(&pem).unwrap();
    let from_der = Certificate::from_der::<B>(&der(&pem)).unwrap();
    assert_eq!(from_pem.fingerprint(), from_der.fingerprint());
    assert_eq!(from_pem.public_key(), from_der.public_key());
    assert!(from_pem.agent_ids().eq(["a2048"]));
    assert_eq!(from_pem.public_key().modulus_bits(), 2048);

    // Text and other blocks around it, and CRLF line ends.
    let key = test_file("agent-a2048.key.pem");
    let file = [
        b"subject: a2048\n".as_slice(),
        &key,
        b"\n",
        &pem,
        b"\ntext\n",
    ]
    .concat();
    let crlf = String::from_utf8(file).unwrap().replace('\n', "\r\n");
    let certificate = Certificate::from_pem_or_der::<B>(crlf.as_bytes()).unwrap();
    assert_eq!(certificate.fingerprint(), from_der.fingerprint());
}

pub(crate) fn pins_decide<B: Backend>() {
    let pem = test_file("agent-a2048.pem");
    let fingerprint = Certificate::from_pem::<B>(&pem).unwrap().fingerprint();
    let other = Fingerprint::from_bytes([7; 32]);
    Recipient::<B>::from_certificate_pem(&pem, &Trust::Pinned(&[other, fingerprint]), NOW).unwrap();
    for pins in [&[][..], &[other]] {
        let error =
            Recipient::<B>::from_certificate_pem(&pem, &Trust::Pinned(pins), NOW).unwrap_err();
        assert_eq!(error, CertificateError::NotPinned { fingerprint });
    }
}

pub(crate) fn validity_has_two_ends<B: Backend>() {
    let certificate = Certificate::from_pem::<B>(&test_file("agent-a2048.pem")).unwrap();
    let (first, last) = (certificate.not_before(), certificate.not_after());
    let check =
        |now: u64| certificate.check(&Trust::DangerAnyCertificate, UnixTime::from_secs(now));
    check(first.as_secs()).unwrap();
    check(last.as_secs()).unwrap();
    assert!(matches!(
        check(first.as_secs() - 1),
        Err(CertificateError::NotYetValid { .. })
    ));
    assert!(matches!(
        check(last.as_secs() + 1),
        Err(CertificateError::Expired { .. })
    ));
}

pub(crate) fn wrong_files_are_named<B: Backend>() {
    let parse = |bytes: &[u8]| Certificate::from_pem_or_der::<B>(bytes).unwrap_err();
    let pem = test_file("agent-a2048.pem");
    let der = der(&pem);
    assert_eq!(parse(b""), CertificateError::Malformed);
    assert_eq!(
        parse(&test_file("agent-a2048.key.pem")),
        CertificateError::NoCertificate
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
