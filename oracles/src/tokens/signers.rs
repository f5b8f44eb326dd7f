//! Whoever signs tokens: an issuer with a key of each kind, and those who would like to be one.

use std::sync::LazyLock;

use aws_lc_rs::{
    hmac,
    rand::SystemRandom,
    rsa,
    signature::{
        self, ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _,
        RsaEncoding, UnparsedPublicKey, VerificationAlgorithm,
    },
};
use base64ct::{Base64UrlUnpadded, Encoding as _};
use serde_json::{Value, json};

use crate::keys::{self, PRIVATE_KEY};

/// The keys of the set have the ids `ed`, `rsa` and `ec`.
pub(super) static SIGNERS: LazyLock<Signers> = LazyLock::new(|| {
    let (_, rsa) = pem_rfc7468::decode_vec(PRIVATE_KEY).expect("it is well formed");
    Signers {
        ed: Ed25519KeyPair::from_pkcs8(&keys::pkcs8()).expect("it is a key"),
        stranger: Ed25519KeyPair::from_seed_unchecked(&[8; 32]).expect("it is a seed"),
        rsa: rsa::KeyPair::from_pkcs8(&rsa).expect("it is a key"),
        ec: EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).expect("there is randomness"),
    }
});

pub(super) struct Signers {
    ed: Ed25519KeyPair,
    stranger: Ed25519KeyPair,
    rsa: rsa::KeyPair,
    ec: EcdsaKeyPair,
}

impl Signers {
    /// A token that is made as `how` says: the letter of who signs, and perhaps which byte is changed afterwards, and
    /// which of its bits. `None` if nobody is to.
    pub(super) fn token(&self, how: &[u8], header: &[u8], claims: &[u8]) -> Option<Vec<u8>> {
        let (who, change) = how.split_first()?;
        let mut token = format!("{}.{}", encode(header), encode(claims));
        let signature = self.sign(*who, token.as_bytes())?;
        token.push('.');
        token.push_str(&encode(&signature));
        let mut token = token.into_bytes();
        if let [high, low, bit, ..] = change {
            let at = usize::from(u16::from_be_bytes([*high, *low])) % token.len();
            token[at] ^= 1 << (bit & 7);
        }
        Some(token)
    }

    fn sign(&self, who: u8, message: &[u8]) -> Option<Vec<u8>> {
        let rng = SystemRandom::new();
        let rsa = |padding: &'static dyn RsaEncoding| {
            let mut signature = vec![0; self.rsa.public_modulus_len()];
            let signed = self.rsa.sign(padding, &rng, message, &mut signature);
            signed.map(|()| signature).expect("it can sign")
        };
        Some(match who {
            b'e' => self.ed.sign(message).as_ref().to_vec(),
            b'r' => rsa(&signature::RSA_PKCS1_SHA256),
            b'p' => rsa(&signature::RSA_PSS_SHA256),
            b'c' => {
                let signed = self.ec.sign(&rng, message);
                signed.expect("it can sign").as_ref().to_vec()
            }
            b'E' => self.stranger.sign(message).as_ref().to_vec(),
            // A public key taken for a secret one (RFC 8725 §2.1).
            b'h' => {
                let key = hmac::Key::new(hmac::HMAC_SHA256, self.ed.public_key().as_ref());
                hmac::sign(&key, message).as_ref().to_vec()
            }
            b'n' => Vec::new(),
            _ => return None,
        })
    }

    /// Whether the key with this id, used with this algorithm, has signed it.
    pub(super) fn signed(&self, kid: &str, alg: &str, message: &[u8], signature: &[u8]) -> bool {
        let (algorithm, key): (&'static dyn VerificationAlgorithm, &[u8]) = match (kid, alg) {
            ("ed", "EdDSA") => (&signature::ED25519, self.ed.public_key().as_ref()),
            ("rsa", "RS256") => (
                &signature::RSA_PKCS1_2048_8192_SHA256,
                self.rsa.public_key().as_ref(),
            ),
            ("ec", "ES256") => (
                &signature::ECDSA_P256_SHA256_FIXED,
                self.ec.public_key().as_ref(),
            ),
            _ => return false,
        };
        let key = UnparsedPublicKey::new(algorithm, key);
        key.verify(message, signature).is_ok()
    }

    /// The public keys.
    pub(super) fn jwks(&self) -> String {
        let keys = [
            ("ed", self.ed_jwk()),
            ("rsa", self.rsa_jwk()),
            ("ec", self.ec_jwk()),
        ];
        let keys = keys.map(|(kid, mut jwk)| {
            jwk["kid"] = kid.into();
            jwk
        });
        json!({ "keys": keys }).to_string()
    }

    pub(super) fn ed_jwk(&self) -> Value {
        json!({"kty": "OKP", "crv": "Ed25519", "x": encode(self.ed.public_key().as_ref())})
    }

    pub(super) fn rsa_jwk(&self) -> Value {
        // RFC 8017 §A.1.1: with 2,048 bits the modulus stands here, and the exponent is 65537.
        let modulus = &self.rsa.public_key().as_ref()[9..265];
        json!({"kty": "RSA", "n": encode(modulus), "e": "AQAB"})
    }

    pub(super) fn ec_jwk(&self) -> Value {
        // SEC 1 §2.3.3: uncompressed.
        let point = self.ec.public_key().as_ref();
        json!({"kty": "EC", "crv": "P-256", "x": encode(&point[1..33]), "y": encode(&point[33..])})
    }
}

fn encode(bytes: &[u8]) -> String {
    Base64UrlUnpadded::encode_string(bytes)
}
