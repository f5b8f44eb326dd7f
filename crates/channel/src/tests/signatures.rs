//! Strict Ed25519: what only a lax verifier takes, made by hand.

use curve25519_dalek::{
    EdwardsPoint, Scalar,
    constants::{ED25519_BASEPOINT_POINT, EIGHT_TORSION},
};
use sha2::{Digest as _, Sha512};

use crate::{VerifyKey, labels::domain};

/// A signature over `message` with any R, whose S solves the equation up to the cofactor.
fn sign(
    r: Scalar,
    nonce_point: [u8; 32],
    secret: Scalar,
    public: [u8; 32],
    message: &[u8],
) -> [u8; 64] {
    let hash = Sha512::new()
        .chain_update(nonce_point)
        .chain_update(public)
        .chain_update(message)
        .finalize();
    let k = Scalar::from_bytes_mod_order_wide(&hash.into());
    let s = r + k * secret;
    let mut signature = [0; 64];
    signature[..32].copy_from_slice(&nonce_point);
    signature[32..].copy_from_slice(s.as_bytes());
    signature
}

fn verifies(public: [u8; 32], signature: &[u8; 64]) -> bool {
    let key = VerifyKey::from_bytes(&public).unwrap();
    key.verifies("opening", &[b"message"], signature)
}

fn message() -> Vec<u8> {
    [&domain("opening")[..], b"message"].concat()
}

fn encoded(point: EdwardsPoint) -> [u8; 32] {
    point.compress().to_bytes()
}

#[test]
fn s_is_below_the_order() {
    let (r, secret) = (Scalar::from(77_u64), Scalar::from(123_456_789_u64));
    let public = encoded(secret * ED25519_BASEPOINT_POINT);
    let mut signature = sign(
        r,
        encoded(r * ED25519_BASEPOINT_POINT),
        secret,
        public,
        &message(),
    );
    assert!(verifies(public, &signature), "the genuine one");
    // S + ℓ, which solves the equation as well.
    let order: [u8; 32] = [
        0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde,
        0x14, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
    ];
    let mut carry = 0;
    for (byte, order) in signature[32..].iter_mut().zip(order) {
        let sum = u16::from(*byte) + u16::from(order) + carry;
        [*byte, _] = sum.to_le_bytes();
        carry = sum >> 8;
    }
    assert!(!verifies(public, &signature));
}

/// 8·S·B = 8·R + 8·k·A holds, and S·B = R + k·A does not.
#[test]
fn the_cofactor_is_not_multiplied() {
    let (r, secret) = (Scalar::from(77_u64), Scalar::from(123_456_789_u64));
    let public = encoded(secret * ED25519_BASEPOINT_POINT);
    for torsion in &EIGHT_TORSION[1..] {
        let nonce_point = encoded(r * ED25519_BASEPOINT_POINT + torsion);
        let signature = sign(r, nonce_point, secret, public, &message());
        assert!(!verifies(public, &signature));
    }
}

/// R is the neutral point, spelt y = p + 1 and y = 1.
#[test]
fn r_is_compared_as_bytes() {
    let secret = Scalar::from(123_456_789_u64);
    let public = encoded(secret * ED25519_BASEPOINT_POINT);
    let mut canonical = [0; 32];
    canonical[0] = 1;
    let mut other = [0xff; 32];
    (other[0], other[31]) = (0xee, 0x7f);
    for (nonce_point, good) in [(canonical, true), (other, false)] {
        let signature = sign(Scalar::ZERO, nonce_point, secret, public, &message());
        assert_eq!(verifies(public, &signature), good);
    }
}

#[test]
fn a_label_is_part_of_what_is_signed() {
    let key = crate::SigningKey::from_seed(&[1; 32]).unwrap();
    let signature = key.sign("opening", &[b"mess", b"age"]).unwrap();
    let verify = key.verify_key();
    assert!(verify.verifies("opening", &[b"message"], &signature));
    assert!(!verify.verifies("request", &[b"message"], &signature));
    assert!(!verify.verifies("opening", &[b"messagf"], &signature));
}
