//! What an application with a certificate sends instead of a secret: a JWT (RFC 7519, RFC 7523) signed with PS256, and the
//! certificate's SHA-256 in its header.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeyPair;
use aws_lc_rs::signature::RSA_PSS_SHA256;
use base64ct::{Base64UrlUnpadded, Encoding as _};
use zeroize::Zeroizing;

/// Returns the assertion.
///
/// # Errors
///
/// What is wrong with the file, which holds certificate and key in PEM.
pub(super) fn signed(
    pem: &[u8],
    client_id: &str,
    audience: &str,
) -> Result<Zeroizing<Vec<u8>>, &'static str> {
    let (certificate, key) = parts(pem).ok_or(FILE)?;
    let key = KeyPair::from_pkcs8(&key).map_err(|_| KEY)?;
    let thumbprint = encoded(digest(&SHA256, &certificate).as_ref());
    let header = format!(r#"{{"alg":"PS256","typ":"JWT","x5t#S256":"{thumbprint}"}}"#);
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    let (begin, end) = (now.as_secs(), (now + LIFETIME).as_secs());
    // Of what is in it, nothing needs an escape.
    let claims = format!(
        r#"{{"aud":"{audience}","iss":"{client_id}","sub":"{client_id}","jti":"{}","nbf":{begin},"exp":{end}}}"#,
        uuid::Uuid::new_v4()
    );
    let message = format!(
        "{}.{}",
        encoded(header.as_bytes()),
        encoded(claims.as_bytes())
    );
    let mut signature = vec![0; key.public_modulus_len()];
    key.sign(
        &RSA_PSS_SHA256,
        &SystemRandom::new(),
        message.as_bytes(),
        &mut signature,
    )
    .map_err(|_| KEY)?;
    Ok(Zeroizing::new(
        format!("{message}.{}", encoded(&signature)).into_bytes(),
    ))
}

/// Returns certificate and key in DER.
fn parts(pem: &[u8]) -> Option<(Vec<u8>, Zeroizing<Vec<u8>>)> {
    let text = std::str::from_utf8(pem).ok()?;
    let (mut certificate, mut key) = (None, None);
    for (begin, _) in text.match_indices("-----BEGIN ") {
        let rest = &text[begin..];
        let end = rest.find("-----END ")?;
        let end = end + "-----END ".len() + rest[end + "-----END ".len()..].find("-----")? + 5;
        let (label, der) = pem_rfc7468::decode_vec(&rest.as_bytes()[..end]).ok()?;
        let der = Zeroizing::new(der);
        match label {
            // The first is the application's; those that issued it may follow.
            "CERTIFICATE" if certificate.is_none() => certificate = Some(der.to_vec()),
            "PRIVATE KEY" if key.is_none() => key = Some(der),
            _ => {}
        }
    }
    Some((certificate?, key?))
}

fn encoded(bytes: &[u8]) -> String {
    Base64UrlUnpadded::encode_string(bytes)
}

const FILE: &str =
    "does not hold a certificate and its private key without a password (PKCS#8), both in PEM";
const KEY: &str = "has a key that is not RSA of 2,048 bits or more";
const LIFETIME: Duration = Duration::from_secs(300);
