//! Keyed digests of what stands in lines.

use aws_lc_rs::{hmac, rand};
use zeroize::Zeroizing;

use crate::error::Failure;

/// The first half of an HMAC-SHA-256.
pub(super) type Digest = [u8; 16];

/// Returns a random key.
pub(super) fn random_key() -> Result<Zeroizing<[u8; 32]>, Failure> {
    let mut key = Zeroizing::new([0; 32]);
    rand::fill(&mut *key).map_err(|_| {
        Failure::usage("the operating system returned no random numbers").hint("try again")
    })?;
    Ok(key)
}

/// Returns the digest of these parts, each with its presence and length, so that no two sequences of parts are alike.
pub(super) fn digest<'a>(
    key: &hmac::Key,
    parts: impl IntoIterator<Item = Option<&'a [u8]>>,
) -> Digest {
    let mut context = hmac::Context::with_key(key);
    for part in parts {
        let length = part.map_or(u64::MAX, |part| {
            u64::try_from(part.len()).unwrap_or(u64::MAX - 1)
        });
        context.update(&length.to_be_bytes());
        context.update(part.unwrap_or_default());
    }
    let mut half = [0; 16];
    for (to, from) in half.iter_mut().zip(context.sign().as_ref()) {
        *to = *from;
    }
    half
}
