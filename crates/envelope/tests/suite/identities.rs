//! Private keys as people have them.

use std::process::{Command, Stdio};

use sealpost_envelope::{Backend, Identity, IdentityError, PublicKeyError};

use super::{identity, test_file};

pub(crate) fn pkcs8_and_pkcs1_are_one_identity<B: Backend>() {
    let pkcs8 = identity::<B>("a2048");
    let pkcs1 = openssl(&["rsa", "-traditional"], &test_file("agent-a2048.key.pem"));
    assert!(pkcs1.starts_with(b"-----BEGIN RSA PRIVATE KEY-----"));
    assert_eq!(
        Identity::<B>::from_pem(&pkcs1).unwrap().public_key(),
        pkcs8.public_key()
    );

    // Together with its certificate, in either order.
    let (key, certificate) = (
        test_file("agent-a2048.key.pem"),
        test_file("agent-a2048.pem"),
    );
    for file in [
        [&key[..], &certificate].concat(),
        [&certificate[..], &key].concat(),
    ] {
        assert_eq!(
            Identity::<B>::from_pem(&file).unwrap().public_key(),
            pkcs8.public_key()
        );
    }
}

pub(crate) fn wrong_files_are_named<B: Backend>() {
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

    let encrypted = openssl(&["pkcs8", "-topk8", "-passout", "pass:x"], &key);
    assert_eq!(parse(&encrypted), IdentityError::Encrypted);
    let encrypted = openssl(
        &["rsa", "-traditional", "-aes256", "-passout", "pass:x"],
        &key,
    );
    assert_eq!(parse(&encrypted), IdentityError::Encrypted);

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
    assert_eq!(
        parse(&ec),
        IdentityError::PublicKey(PublicKeyError::Algorithm)
    );
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
        IdentityError::PublicKey(PublicKeyError::Algorithm)
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

fn openssl(arguments: &[&str], input: &[u8]) -> Vec<u8> {
    let mut child = Command::new("openssl")
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("these tests need the `openssl` command: install it");
    std::io::Write::write_all(&mut child.stdin.take().unwrap(), input).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "openssl {arguments:?}");
    output.stdout
}
