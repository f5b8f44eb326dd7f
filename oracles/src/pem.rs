//! PEM as people have it: lines of any width, white space, other blocks and text around it. What it holds is read as the DER
//! is.

use arbitrary::{Result, Unstructured};
use sealpost_envelope::{AwsLc, Certificate, Identity, key::IdentityError};

use crate::{allocations::bounded, keys};

pub(crate) fn check(bytes: &[u8]) {
    // As it is: no panic, no more memory than there is reason for.
    let limit = |read: &dyn Fn()| bounded(bytes.len(), 8, 256, read);
    limit(&|| drop(Certificate::from_pem(bytes)));
    limit(&|| drop(Identity::<AwsLc>::from_pem(bytes)));
    let _ = written(&mut Unstructured::new(bytes));
}

fn written(input: &mut Unstructured<'_>) -> Result<()> {
    let (file, label): (&[u8], _) = if input.arbitrary()? {
        (keys::CERTIFICATE, "CERTIFICATE")
    } else {
        (keys::PRIVATE_KEY, "PRIVATE KEY")
    };
    let (_, mut der) = pem_rfc7468::decode_vec(file).expect("it is well formed");
    for _ in 0..input.int_in_range(0..=3)? {
        let at = input.choose_index(der.len())?;
        der[at] = input.arbitrary()?;
    }
    // RFC 7468 §2 says 64; others write what they like, as long as it is a multiple of four.
    let width = 4 * input.int_in_range(1..=40)?;
    let ending = *input.choose(&["\n", "\r\n"])?;
    let before: String = around(input)?;
    let after: String = around(input)?;
    let body = base64(&der)
        .as_bytes()
        .chunks(width)
        .map(|line| str::from_utf8(line).expect("base64"))
        .collect::<Vec<_>>()
        .join(ending);
    let mut body = body;
    for _ in 0..input.int_in_range(0..=4)? {
        // RFC 7468 §2: W, of base64, which is ASCII.
        let at = input.int_in_range(0..=body.len())?;
        body.insert(at, *input.choose(&[' ', '\t', '\r', '\n', '\x0b', '\x0c'])?);
    }
    let pem = format!(
        "{before}-----BEGIN {label}-----{ending}{body}{ending}-----END {label}-----{ending}{after}"
    );
    if label == "CERTIFICATE" {
        let read = Certificate::from_pem(pem.as_bytes());
        let expected = Certificate::from_der(&der);
        let print = |certificate: Certificate| certificate.fingerprint();
        assert_eq!(read.map(print), expected.map(print), "{pem}");
    } else {
        let read = Identity::<AwsLc>::from_pem(pem.as_bytes());
        let expected = Identity::<AwsLc>::from_pkcs8_der(&der);
        let id = |identity: Identity<AwsLc>| identity.key_id();
        match (read.map(id), expected.map(id)) {
            // A file is told more of.
            (
                Err(IdentityError::Label | IdentityError::TrailingBytes { .. }),
                Err(IdentityError::Malformed),
            ) => {}
            (read, expected) => assert_eq!(read, expected, "{pem}"),
        }
    }
    Ok(())
}

/// Text that is no block nor the beginning of one, and ends its line.
fn around(input: &mut Unstructured<'_>) -> Result<String> {
    let text: &str = input.arbitrary()?;
    let text = text.replace("--", "- ");
    Ok(if text.is_empty() {
        text
    } else {
        format!("{text}\n")
    })
}

fn base64(der: &[u8]) -> String {
    use base64ct::{Base64, Encoding as _};
    Base64::encode_string(der)
}
