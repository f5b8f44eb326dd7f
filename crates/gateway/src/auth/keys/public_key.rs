//! Public keys from their numbers. What is returned verifies what its private key signs, and nothing else.
//!
//! The library that checks tokens looks at a key when it has a signature to verify, and then tells only that the signature
//! is wrong. So everything that it would refuse is refused here, with a reason.

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents,
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use curve25519_dalek::edwards::CompressedEdwardsY;
use jsonwebtoken::DecodingKey;

use super::left_out::Unusable;

/// RFC 7518 §6.3.1. Leading zero octets are removed: RFC 7518 notes that libraries write one.
pub(super) fn rsa(n: &str, e: &str) -> Result<DecodingKey, Unusable> {
    let (n, e) = (decode("n", n)?, decode("e", e)?);
    let [n, e] = [&n, &e].map(|number| &number[number.iter().take_while(|b| **b == 0).count()..]);
    let bits = bit_length(n);
    if !(2048..=8192).contains(&bits) {
        return Err(Unusable::ModulusBits { bits });
    }
    if !is_odd(n) {
        return Err(Unusable::EvenModulus);
    }
    if has_small_factor(n) {
        return Err(Unusable::SmallFactor);
    }
    // An exponent of more bits is refused by the library: it would only cost time.
    if !is_odd(e) || e == [1] || bit_length(e) > 33 {
        return Err(Unusable::Exponent);
    }
    RsaPublicKeyComponents { n, e }
        .to_parsed_public_key(&RSA_PKCS1_2048_8192_SHA256)
        .map_err(|_| Unusable::Refused)?;
    Ok(DecodingKey::from_rsa_raw_components(n, e))
}

/// RFC 7518 §6.2.1. Both coordinates have the full length.
pub(super) fn p256(x: &str, y: &str) -> Result<DecodingKey, Unusable> {
    let (x, y) = (decode_32("x", x)?, decode_32("y", y)?);
    // SEC 1 §2.3.3: uncompressed. The point at infinity has no such form.
    let point = [&[4][..], &x, &y].concat();
    ParsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, &point).map_err(|_| Unusable::NotOnCurve)?;
    Ok(DecodingKey::from_ec_der(&point))
}

/// RFC 8037 §2. With a public key of small order anyone can sign: `S = 0` and a suitable `R` verify.
pub(super) fn ed25519(x: &str) -> Result<DecodingKey, Unusable> {
    let x = decode_32("x", x)?;
    let point = CompressedEdwardsY(x)
        .decompress()
        .filter(|point| point.compress().0 == x)
        .ok_or(Unusable::NotOnCurve)?;
    if point.is_small_order() || !point.is_torsion_free() {
        return Err(Unusable::SmallOrder);
    }
    Ok(DecodingKey::from_ed_der(&x))
}

fn decode(name: &'static str, text: &str) -> Result<Vec<u8>, Unusable> {
    URL_SAFE_NO_PAD
        .decode(text)
        .map_err(|_| Unusable::Encoding(name))
}

fn decode_32(name: &'static str, text: &str) -> Result<[u8; 32], Unusable> {
    let bytes = decode(name, text)?;
    bytes.try_into().map_err(|_| Unusable::Length(name))
}

/// Of a number without leading zero octets.
fn bit_length(number: &[u8]) -> usize {
    let unused = number.first().map_or(0, |first| first.leading_zeros());
    (number.len() * 8).saturating_sub(unused as usize)
}

/// NIST SP 800-56B Rev. 2, §6.4.2.2: no prime below 752 divides a modulus. Whether it has just two prime factors can't be
/// told without the private key.
fn has_small_factor(number: &[u8]) -> bool {
    let divides = |divisor: u32| {
        let rest = |rest: u32, byte: &u8| ((rest << 8) | u32::from(*byte)) % divisor;
        number.iter().fold(0, rest) == 0
    };
    // Those that are not prime cost less than to tell which are.
    (3..752).step_by(2).any(divides)
}

fn is_odd(number: &[u8]) -> bool {
    number.last().is_some_and(|last| last & 1 == 1)
}
