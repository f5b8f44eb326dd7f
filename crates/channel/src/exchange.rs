//! X25519 (RFC 7748): the part of a reply's key that the RSA key does not give away.

use std::fmt;

use aws_lc_rs::agreement::{self, PrivateKey, UnparsedPublicKey, X25519};
use rand_core::TryCryptoRng;
use subtle::Choice;
use thiserror::Error;
use zeroize::Zeroizing;

use crate::labels::Secret;

/// A private scalar with its public value. The library wipes it.
pub struct Scalar {
    private: PrivateKey,
    public: [u8; 32],
}

impl Scalar {
    /// Creates a scalar of random bytes.
    ///
    /// # Errors
    ///
    /// [`ScalarError`] if the random number generator or the cryptographic library fails.
    pub fn random<R: TryCryptoRng + ?Sized>(rng: &mut R) -> Result<Self, ScalarError> {
        let mut bytes = Zeroizing::new([0; 32]);
        rng.try_fill_bytes(bytes.as_mut_slice())
            .map_err(|_| ScalarError)?;
        Self::from_bytes(&bytes)
    }

    pub(crate) fn from_bytes(bytes: &[u8; 32]) -> Result<Self, ScalarError> {
        let private = PrivateKey::from_private_key(&X25519, bytes).map_err(|_| ScalarError)?;
        let public = private.compute_public_key().map_err(|_| ScalarError)?;
        let public = public.as_ref().try_into().map_err(|_| ScalarError)?;
        Ok(Self { private, public })
    }

    /// The public value.
    #[must_use]
    pub fn public(&self) -> &[u8; 32] {
        &self.public
    }

    /// The shared secret, and whether it is one: it is not if the peer's value is a point of small order. Zeros stand in
    /// its place then.
    pub(crate) fn agree(&self, peer: &[u8; 32]) -> (Choice, Secret) {
        let mut shared = Secret::default();
        let peer = UnparsedPublicKey::new(&X25519, peer);
        // The library's check for zeros; the peer's value is public, and so is whether it is good.
        let agreed = agreement::agree(&self.private, peer, (), |secret| {
            shared.copy_from_slice(secret);
            Ok(())
        });
        (Choice::from(u8::from(agreed.is_ok())), shared)
    }
}

impl fmt::Debug for Scalar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Scalar")
    }
}

/// The random number generator or the cryptographic library failed.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[error("no key for an exchange could be made: randomness or memory is wanting")]
pub struct ScalarError;

#[cfg(test)]
mod tests {
    use super::*;

    /// Computed by another library (pyca/cryptography, OpenSSL).
    #[test]
    fn both_sides_agree_on_what_another_library_gives() {
        let (a, b) = (
            Scalar::from_bytes(&[7; 32]).unwrap(),
            Scalar::from_bytes(&[9; 32]).unwrap(),
        );
        assert_eq!(a.public()[..4], [19, 190, 79, 234]);
        assert_eq!(b.public()[..4], [87, 219, 75, 53]);
        for (agreed, shared) in [a.agree(b.public()), b.agree(a.public())] {
            assert!(bool::from(agreed));
            assert_eq!(shared[..8], [47, 254, 50, 91, 42, 38, 97, 27]);
        }
    }

    #[test]
    fn a_point_of_small_order_is_not_agreed_on() {
        let scalar = Scalar::from_bytes(&[7; 32]).unwrap();
        let mut one = [0; 32];
        one[0] = 1;
        // The order 8 point of RFC 7748's curve with the smaller u.
        let order_8 = [
            224, 235, 122, 124, 59, 65, 184, 174, 22, 86, 227, 250, 241, 159, 196, 106, 218, 9,
            141, 235, 156, 50, 177, 253, 134, 98, 5, 22, 95, 73, 184, 0,
        ];
        for peer in [[0; 32], one, order_8] {
            let (agreed, shared) = scalar.agree(&peer);
            assert!(!bool::from(agreed));
            assert_eq!(*shared, [0; 32]);
        }
    }
}
