//! JWS, compact form (RFC 7515 §7.1): exactly what both directions share.

use base64::{
    Engine as _,
    engine::{Simd, general_purpose::NO_PAD},
};
use jsonwebtoken::{Algorithm, Header, Validation, decode, decode_header, errors::ErrorKind};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

use crate::{
    MAX_MESSAGE, SigningKey, VerifyError, VerifyKeys,
    keys::{SignError, VerifyKey},
};

/// `BASE64URL(header) . BASE64URL(claims) . BASE64URL(Ed25519(key, header . claims))`
pub(crate) fn sign<T: Serialize>(
    typ: &str,
    claims: &T,
    key: &SigningKey,
) -> Result<Vec<u8>, SignError> {
    // Not with the library's `encode`: it would read the key from its encoding each time, which costs as much as
    // the signature.
    let mut text = String::new();
    part(&header(typ, key.thumbprint()), &mut text)?;
    text.push('.');
    part(claims, &mut text)?;
    let signature = key.pair.sign(text.as_bytes());
    text.push('.');
    Simd::url_safe(NO_PAD).encode_string(signature.as_ref(), &mut text);
    Ok(text.into_bytes())
}

fn part<T: Serialize>(part: &T, text: &mut String) -> Result<(), SignError> {
    let json = serde_json::to_vec(part).map_err(|_| SignError)?;
    Simd::url_safe(NO_PAD).encode_string(json, text);
    Ok(())
}

/// The claims, and the trusted key that signed them. Times, issuer and audience are the caller's to check.
pub(crate) fn verify<'k, T: DeserializeOwned + Serialize>(
    typ: &str,
    message: &[u8],
    keys: &'k VerifyKeys,
) -> Result<(T, &'k VerifyKey), VerifyError> {
    if message.len() > MAX_MESSAGE {
        return Err(VerifyError::TooLong {
            length: message.len(),
        });
    }
    let found = decode_header(message).map_err(|_| VerifyError::Header)?;
    let kid = found.kid.as_deref().ok_or(VerifyError::Header)?;
    // The whole header at once: `crit`, `jwk`, `zip` or anything else in it is refused as well.
    if found != header(typ, kid) {
        return Err(VerifyError::Header);
    }
    let key = keys.find(kid).ok_or(VerifyError::UnknownKey)?;
    match decode(message, &key.key, &signature_only()) {
        Ok(data) if is_as_written(message, &data.claims) => Ok((data.claims, key)),
        Ok(_) => Err(VerifyError::Claims),
        Err(error) => Err(match error.kind() {
            ErrorKind::InvalidSignature => VerifyError::Signature,
            _ => VerifyError::Claims,
        }),
    }
}

/// What is derived to read an object reads an array of its values, too, and null for what is left out: here is one spelling
/// of everything.
fn is_as_written<T: Serialize>(message: &[u8], claims: &T) -> bool {
    let read = || -> Option<Value> {
        let claims = message.split(|byte| *byte == b'.').nth(1)?;
        let json = Simd::url_safe(NO_PAD).decode(claims).ok()?;
        serde_json::from_slice(&json).ok()
    };
    read().is_some_and(|read| serde_json::to_value(claims).is_ok_and(|written| written == read))
}

fn header(typ: &str, kid: &str) -> Header {
    let mut header = Header::new(Algorithm::EdDSA);
    header.typ = Some(typ.to_owned());
    header.kid = Some(kid.to_owned());
    header
}

/// The library checks claims against the host's clock and takes them as optional: that is done here instead,
/// with the time as an argument and every claim required.
fn signature_only() -> Validation {
    let mut validation = Validation::new(Algorithm::EdDSA);
    validation.required_spec_claims.clear();
    validation.validate_exp = false;
    validation.validate_nbf = false;
    validation.validate_aud = false;
    validation
}
