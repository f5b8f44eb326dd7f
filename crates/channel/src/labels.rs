//! Hashes and derived keys, each with a label of its own.
//!
//! ```text
//! D(L)       = u8(|x|) ‖ x,  x = "sealpost/v1/channel/" ‖ L
//! H(L, x)    = SHA-256(D(L) ‖ x)
//! X(p, L, c) = HKDF-Expand(p, u8(|L|) ‖ L ‖ c, 32)
//! ```

use sealpost_envelope::{AwsLc, backend::Backend};
use zeroize::Zeroizing;

/// A pseudorandom key, wiped when dropped.
pub(crate) type Prk = <AwsLc as Backend>::Prk;
/// 32 secret bytes.
pub(crate) type Secret = Zeroizing<[u8; 32]>;

/// `H(label, part₀ ‖ part₁ ‖ …)`
pub(crate) fn hash(label: &str, parts: &[&[u8]]) -> [u8; 32] {
    let domain = domain(label);
    let mut all = Vec::with_capacity(1 + parts.len());
    all.push(domain.as_slice());
    all.extend_from_slice(parts);
    AwsLc::sha256(&all)
}

/// `D(label)`, which precedes what is hashed or signed.
pub(crate) fn domain(label: &str) -> Vec<u8> {
    let mut domain = vec![length(PREFIX.len() + label.len())];
    domain.extend_from_slice(PREFIX.as_bytes());
    domain.extend_from_slice(label.as_bytes());
    domain
}

/// `HKDF-Extract(H(label, salt), ikm)`
pub(crate) fn extract(label: &str, salt: &[u8], ikm: &[u8]) -> Prk {
    AwsLc::hkdf_extract(&hash(label, &[salt]), ikm)
}

/// `X(prk, label, part₀ ‖ part₁ ‖ …)`
pub(crate) fn expand(prk: &Prk, label: &str, parts: &[&[u8]]) -> Secret {
    let length = [length(label.len())];
    let mut info = Vec::with_capacity(2 + parts.len());
    info.extend_from_slice(&[length.as_slice(), label.as_bytes()]);
    info.extend_from_slice(parts);
    expand_raw(prk, &info)
}

/// `HKDF-Expand(prk, part₀ ‖ part₁ ‖ …, 32)`
pub(crate) fn expand_raw(prk: &Prk, info: &[&[u8]]) -> Secret {
    let mut key = Secret::default();
    AwsLc::hkdf_expand(prk, info, key.as_mut_slice())
        .expect("32 bytes are fewer than HKDF can give");
    key
}

fn length(length: usize) -> u8 {
    u8::try_from(length).expect("labels are short")
}

const PREFIX: &str = "sealpost/v1/channel/";
