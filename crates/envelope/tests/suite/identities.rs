//! Private keys as people have them.

use std::process::{Command, Stdio};

use sealpost_envelope::{
    Certificate, Identity,
    backend::Backend,
    certificate::CertificateError,
    key::{FileKind, IdentityError, OtherAlgorithm, PublicKeyError, SkippedReason},
    open, seal,
};

use super::{CONTEXT, has_openssl, identity, recipient, rng, test_file};

pub(crate) fn pkcs8_and_pkcs1_are_one_identity<B: Backend>() {
    if !has_openssl() {
        return;
    }
    let pkcs8 = identity::<B>("a2048");
    let pkcs1 = openssl(&["rsa", "-traditional"], &test_file("agent-a2048.key.pem"));
    assert!(pkcs1.starts_with(b"-----BEGIN RSA PRIVATE KEY-----"));
    assert_eq!(
        Identity::<B>::from_pem(&pkcs1).unwrap().public_key(),
        pkcs8.public_key()
    );
}

pub(crate) fn every_form_gives_the_same_key<B: Backend>() {
    if !has_openssl() {
        return;
    }
    let expected = identity::<B>("a2048");
    let pem = test_file("agent-a2048.key.pem");
    let (_, pkcs8) = pem_rfc7468::decode_vec(&pem).unwrap();
    let pkcs1 = openssl(&["rsa", "-traditional", "-outform", "DER"], &pem);
    let crlf = String::from_utf8(pem.clone())
        .unwrap()
        .replace('\n', "\r\n");
    let forms: [(&str, Vec<u8>); 8] = [
        ("PEM", pem.clone()),
        ("CRLF", crlf.into_bytes()),
        (
            "text around",
            [b"# our key\n\n", &pem[..], b"\nthe end"].concat(),
        ),
        ("PKCS#8 DER", pkcs8),
        ("PKCS#1 DER", pkcs1.clone()),
        ("attributes", one_asymmetric_key(&pkcs1, 0, &attributes())),
        (
            "version 2",
            one_asymmetric_key(&pkcs1, 1, &public_key_field()),
        ),
        (
            "version 2, attributes",
            one_asymmetric_key(&pkcs1, 1, &[attributes(), public_key_field()].concat()),
        ),
    ];
    for (form, bytes) in forms {
        let identity =
            Identity::<B>::from_pem_or_der(&bytes).unwrap_or_else(|e| panic!("{form}: {e}"));
        assert_eq!(identity.public_key(), expected.public_key(), "{form}");
        assert!(identity.certificates().is_empty(), "{form}");
        // The private half is the same too.
        let sealed = seal(&[recipient::<B>("a2048")], &CONTEXT, b"x", &mut rng(1)).unwrap();
        assert_eq!(
            &*open(&identity, &sealed, &CONTEXT, &mut rng(2)).unwrap(),
            b"x"
        );
    }
}

pub(crate) fn certificates_come_along<B: Backend>() {
    if !has_openssl() {
        return;
    }
    let key = test_file("agent-a2048.key.pem");
    let own = test_file("agent-a2048.pem");
    let issuer = openssl(
        &[
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:P-256",
            "-nodes",
            "-keyout",
            "/dev/null",
            "-subj",
            "/CN=ca",
        ],
        b"",
    );
    let other = test_file("agent-b2048.pem");
    let fingerprint = Certificate::from_pem(&own).unwrap().fingerprint();
    for (file, certificates) in [
        (vec![&key], 0),
        (vec![&key, &own], 1),
        (vec![&own, &key], 1),
        // With the chain, and with the one before the renewal; an agent's other certificate is no harm.
        (vec![&key, &own, &issuer], 1),
        (vec![&issuer, &other, &key, &own, &own], 2),
    ] {
        let identity = Identity::<B>::from_pem(&joined(&file)).unwrap();
        assert_eq!(identity.certificates().len(), certificates);
        for certificate in identity.certificates() {
            assert_eq!(certificate.fingerprint(), fingerprint);
        }
    }

    let mismatch = IdentityError::CertificateMismatch {
        key_id: identity::<B>("a2048").key_id(),
    };
    // With those of others alone it opens, and says so.
    let other_key = SkippedReason::OtherKey {
        key_id: identity::<B>("a2048").key_id(),
    };
    for file in [
        vec![&key, &other],
        vec![&issuer, &key],
        vec![&other, &issuer, &key],
    ] {
        let identity = Identity::<B>::from_pem(&joined(&file)).unwrap();
        assert_eq!(identity.certificates().len(), 0);
        let [skipped] = identity.skipped_certificates() else {
            panic!("{:?}", identity.skipped_certificates());
        };
        assert_eq!((skipped.number, skipped.reason), (1, other_key));
    }
    // One that is not read is left out, whosever it is.
    let broken = String::from_utf8(own.clone())
        .unwrap()
        .replacen("MII", "MIJ", 1);
    for file in [
        [&own[..], broken.as_bytes(), &key],
        [&key, &own, broken.as_bytes()],
    ] {
        let identity = Identity::<B>::from_pem(&file.concat()).unwrap();
        assert_eq!(identity.certificates().len(), 1);
        let [skipped] = identity.skipped_certificates() else {
            panic!("{:?}", identity.skipped_certificates());
        };
        assert_eq!(
            (skipped.number, skipped.reason),
            (2, SkippedReason::Certificate(CertificateError::Malformed))
        );
    }

    // In a file of its own.
    let mut identity = identity::<B>("a2048");
    let add = |identity: &mut Identity<B>, pem: &[u8]| {
        identity.add_certificate(Certificate::from_pem(pem).unwrap())
    };
    assert_eq!(add(&mut identity, &other), Err(mismatch));
    assert_eq!(identity.certificates().len(), 0);
    assert_eq!(add(&mut identity, &own), Ok(()));
    assert_eq!(identity.certificates()[0].fingerprint(), fingerprint);
}

pub(crate) fn pkcs12_is_named_and_can_be_converted<B: Backend>() {
    if !has_openssl() {
        return;
    }
    let pem = [
        test_file("agent-a2048.key.pem"),
        test_file("agent-a2048.pem"),
    ]
    .concat();
    let pkcs12 = openssl(&["pkcs12", "-export", "-passout", "pass:"], &pem);
    let error = Identity::<B>::from_pem_or_der(&pkcs12).unwrap_err();
    assert_eq!(error, IdentityError::File(FileKind::Pkcs12));
    // As the error says.
    let converted = openssl(&["pkcs12", "-nodes", "-passin", "pass:"], &pkcs12);
    let identity = Identity::<B>::from_pem(&converted).unwrap();
    assert_eq!(identity.key_id(), super::identity::<B>("a2048").key_id());
    assert_eq!(identity.certificates().len(), 1);
}

pub(crate) fn wrong_files_are_named<B: Backend>() {
    if !has_openssl() {
        return;
    }
    let parse = |file: &[u8]| Identity::<B>::from_pem(file).unwrap_err();
    let key = test_file("agent-a2048.key.pem");
    assert_eq!(parse(b""), IdentityError::NoPrivateKey);
    assert_eq!(
        parse(&test_file("agent-a2048.pem")),
        IdentityError::NoPrivateKey
    );
    assert_eq!(
        parse(&[&key[..], &key].concat()),
        IdentityError::SeveralPrivateKeys
    );
    // One that does not end, and one behind a block without a name, are keys, too.
    for second in [
        &key[..100],
        &[b"-----BEGIN \xff-----\n-----END \xff-----\n", &key[..]].concat(),
    ] {
        assert_eq!(
            parse(&[&key[..], second].concat()),
            IdentityError::SeveralPrivateKeys
        );
    }

    let encrypted = openssl(&["pkcs8", "-topk8", "-passout", "pass:x"], &key);
    assert_eq!(parse(&encrypted), IdentityError::File(FileKind::Encrypted));
    let encrypted = openssl(
        &["rsa", "-traditional", "-aes256", "-passout", "pass:x"],
        &key,
    );
    assert_eq!(parse(&encrypted), IdentityError::File(FileKind::Encrypted));

    let ec = openssl(
        &[
            "genpkey",
            "-algorithm",
            "EC",
            "-pkeyopt",
            "ec_paramgen_curve:P-256",
        ],
        b"",
    );
    assert_eq!(parse(&ec), other_algorithm(OtherAlgorithm::EllipticCurve));
    let short = openssl(
        &[
            "genpkey",
            "-algorithm",
            "RSA",
            "-pkeyopt",
            "rsa_keygen_bits:1024",
        ],
        b"",
    );
    assert_eq!(
        parse(&short),
        IdentityError::PublicKey(PublicKeyError::Modulus { bits: 1024 })
    );
    let pss = openssl(
        &[
            "genpkey",
            "-algorithm",
            "RSA-PSS",
            "-pkeyopt",
            "rsa_keygen_bits:2048",
        ],
        b"",
    );
    assert_eq!(
        parse(&pss),
        IdentityError::PublicKey(PublicKeyError::SignatureOnly)
    );

    for (label, algorithm) in [
        ("EC", OtherAlgorithm::EllipticCurve),
        ("DSA", OtherAlgorithm::Dsa),
        ("ANY OTHER", OtherAlgorithm::Unknown),
    ] {
        let file = format!(
            "-----BEGIN {label} PRIVATE KEY-----\nAAAA\n-----END {label} PRIVATE KEY-----\n"
        );
        assert_eq!(parse(file.as_bytes()), other_algorithm(algorithm));
    }
    assert_eq!(
        parse(b"-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----\n"),
        IdentityError::File(FileKind::SshOther)
    );
    // A character that is lost, and one that is not base64.
    let text = String::from_utf8(key.clone()).unwrap();
    for (from, to) in [("MII", "MI"), ("MII", "M-I"), ("MII", "")] {
        let text = text.replacen(from, to, 1);
        assert_eq!(parse(text.as_bytes()), IdentityError::Malformed);
    }
    let text = String::from_utf8(openssl(&["rsa", "-traditional"], &key)).unwrap();
    assert_eq!(
        parse(text.replacen("MII", "!!!", 1).as_bytes()),
        IdentityError::Malformed
    );

    // Two halves that don't belong together: the modulus of one key in another.
    let (_, mut der) = pem_rfc7468::decode_vec(&key).unwrap();
    let at = der.len() / 2;
    der[at] ^= 1;
    assert_eq!(
        Identity::<B>::from_pkcs8_der(&der).unwrap_err(),
        IdentityError::Refused
    );
    assert_eq!(
        Identity::<B>::from_pkcs8_der(&der[..at]).unwrap_err(),
        IdentityError::Malformed
    );
}

pub(crate) fn wrong_der_is_named<B: Backend>() {
    if !has_openssl() {
        return;
    }
    let parse = |der: &[u8]| Identity::<B>::from_pem_or_der(der).unwrap_err();
    let key = test_file("agent-a2048.key.pem");
    let algorithm = other_algorithm(OtherAlgorithm::EllipticCurve);

    let encrypted = ["pkcs8", "-topk8", "-outform", "DER", "-passout", "pass:x"];
    let file = |kind| IdentityError::File(kind);
    assert_eq!(parse(&openssl(&encrypted, &key)), file(FileKind::Encrypted));
    let (_, certificate) = pem_rfc7468::decode_vec(&test_file("agent-a2048.pem")).unwrap();
    assert_eq!(parse(&certificate), file(FileKind::Certificate));
    let spki = identity::<B>("a2048").public_key().spki_der().to_vec();
    assert_eq!(parse(&spki), file(FileKind::PublicKey));

    let curve = [
        "genpkey",
        "-algorithm",
        "EC",
        "-pkeyopt",
        "ec_paramgen_curve:P-256",
        "-outform",
        "DER",
    ];
    let ec = openssl(&curve, b"");
    assert_eq!(parse(&ec), algorithm);
    assert_eq!(
        parse(&openssl(&["ec", "-inform", "DER", "-outform", "DER"], &ec)),
        algorithm
    );
    let ed25519 = openssl(
        &["genpkey", "-algorithm", "ED25519", "-outform", "DER"],
        b"",
    );
    assert_eq!(parse(&ed25519), other_algorithm(OtherAlgorithm::Ed25519));

    for (noise, error) in [
        (&b""[..], file(FileKind::Empty)),
        // The digit 0 is how DER begins, too.
        (b"0", file(FileKind::Text)),
        (b"\x30\x80", IdentityError::Malformed),
        (b"\x30\x03\x02\x01\x03", file(FileKind::Der)),
        (b"key", file(FileKind::Text)),
        (&[b'0'; 40], file(FileKind::Text)),
    ] {
        assert_eq!(parse(noise), error, "{noise:?}");
    }
    let pkcs1 = openssl(&["rsa", "-traditional", "-outform", "DER"], &key);
    for length in 2..pkcs1.len() {
        assert_eq!(parse(&pkcs1[..length]), IdentityError::Malformed);
    }
    assert_eq!(
        parse(&[&pkcs1[..], b"\0"].concat()),
        IdentityError::TrailingBytes {
            length: 1,
            in_pem: false
        }
    );
}

pub(crate) fn numbers_that_do_not_fit_are_refused<B: Backend>() {
    if !has_openssl() {
        return;
    }
    let key = test_file("agent-a2048.key.pem");
    let pkcs1 = openssl(&["rsa", "-traditional", "-outform", "DER"], &key);
    // RFC 8017 appendix A.1.2: version, n, e, d, p, q, dP, dQ, qInv.
    let numbers = integers(&pkcs1);
    assert_eq!(numbers.len(), 9);
    // The last three are not tried: `rsa` computes them anew and never looks at those in the file.
    for number in [1, 3, 4, 5] {
        let mut changed = pkcs1.clone();
        changed[numbers[number].end - 1] ^= 2;
        assert_eq!(
            Identity::<B>::from_pkcs1_der(&changed).unwrap_err(),
            IdentityError::Refused,
            "number {number}"
        );
    }
    // e = 65539 instead of 65537.
    let mut changed = pkcs1.clone();
    changed[numbers[2].end - 1] = 3;
    assert_eq!(
        Identity::<B>::from_pkcs1_der(&changed).unwrap_err(),
        IdentityError::Refused
    );

    let three_primes = [
        "genpkey",
        "-algorithm",
        "RSA",
        "-pkeyopt",
        "rsa_keygen_bits:2048",
        "-pkeyopt",
        "rsa_keygen_primes:3",
    ];
    assert_eq!(
        Identity::<B>::from_pem(&openssl(&three_primes, b"")).unwrap_err(),
        IdentityError::MultiPrime
    );
}

pub(crate) fn debug_shows_no_key<B: Backend>() {
    let identity = identity::<B>("a2048");
    assert_eq!(
        format!("{identity:?}"),
        format!(
            "Identity {{ public_key: PublicKey({}, 2048 bits), .. }}",
            identity.key_id()
        )
    );
}

fn joined(files: &[&Vec<u8>]) -> Vec<u8> {
    files.iter().flat_map(|file| file.iter().copied()).collect()
}

/// RFC 5958 §2: OneAsymmetricKey ::= SEQUENCE { version, algorithm, OCTET STRING, [0] …, [1] … }
fn one_asymmetric_key(pkcs1: &[u8], version: u8, optional: &[u8]) -> Vec<u8> {
    let rsa_encryption = b"\x30\x0d\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01\x05\x00";
    let fields = [
        &tlv(0x02, &[version])[..],
        rsa_encryption,
        &tlv(0x04, pkcs1),
        optional,
    ];
    tlv(0x30, &fields.concat())
}

/// A friendlyName (RFC 2985 §5.5.1), as Windows writes it.
fn attributes() -> Vec<u8> {
    let oid = b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x09\x14";
    let values = tlv(0x31, &tlv(0x1e, b"\0k\0e\0y"));
    tlv(0xa0, &tlv(0x30, &[&oid[..], &values].concat()))
}

/// The public key as a BIT STRING.
fn public_key_field() -> Vec<u8> {
    tlv(0x81, b"\0public")
}

fn tlv(tag: u8, value: &[u8]) -> Vec<u8> {
    let length = u16::try_from(value.len()).unwrap().to_be_bytes();
    let header = match value.len() {
        0..0x80 => vec![tag, length[1]],
        0x80..0x100 => vec![tag, 0x81, length[1]],
        _ => vec![tag, 0x82, length[0], length[1]],
    };
    [&header[..], value].concat()
}

/// Where the values of the INTEGERs in a SEQUENCE with a two-byte length are.
fn integers(der: &[u8]) -> Vec<std::ops::Range<usize>> {
    let mut found = Vec::new();
    let mut at = 4;
    while at < der.len() {
        assert_eq!(der[at], 0x02);
        let (start, length) = match der[at + 1] {
            0x81 => (at + 3, der[at + 2].into()),
            0x82 => (
                at + 4,
                u16::from_be_bytes([der[at + 2], der[at + 3]]).into(),
            ),
            short => (at + 2, usize::from(short)),
        };
        at = start + length;
        found.push(start..at);
    }
    found
}

fn openssl(arguments: &[&str], input: &[u8]) -> Vec<u8> {
    let mut child = Command::new("openssl")
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("has_openssl said that it is there");
    std::io::Write::write_all(&mut child.stdin.take().unwrap(), input).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "openssl {arguments:?}");
    output.stdout
}

fn other_algorithm(algorithm: OtherAlgorithm) -> IdentityError {
    IdentityError::PublicKey(PublicKeyError::Algorithm(algorithm))
}
