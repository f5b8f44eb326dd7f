//! A token issuer with a key of each kind.

use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode, jwk::Jwk};
use rsa::{RsaPrivateKey, pkcs1::EncodeRsaPrivateKey as _, pkcs8::DecodePrivateKey as _};
use serde_json::{Value, json};

pub(crate) struct Issuer {
    keys: Vec<(&'static str, Algorithm, EncodingKey)>,
    pub(crate) now: u64,
}

impl Issuer {
    pub(crate) const NAME: &str = "https://issuer.example";
    pub(crate) const AUDIENCE: &str = "https://gateway.example";

    pub(crate) fn new(now: u64) -> Self {
        let ed = Ed25519KeyPair::generate().unwrap().to_pkcs8v1().unwrap();
        let ec = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
        let ec = ec.to_pkcs8v1().unwrap();
        let rsa = include_str!("../../../../testdata/keys/agent-a3072.key.pem");
        let rsa = RsaPrivateKey::from_pkcs8_pem(rsa).unwrap();
        let keys = vec![
            (
                "ed",
                Algorithm::EdDSA,
                EncodingKey::from_ed_der(ed.as_ref()),
            ),
            (
                "ec",
                Algorithm::ES256,
                EncodingKey::from_ec_der(ec.as_ref()),
            ),
            (
                "rsa",
                Algorithm::RS256,
                EncodingKey::from_rsa_der(rsa.to_pkcs1_der().unwrap().as_bytes()),
            ),
        ];
        Self { keys, now }
    }

    /// The public keys, without `alg`, so that the RSA key serves RS256 and PS256.
    pub(crate) fn jwks(&self) -> Vec<u8> {
        let jwk = |(id, algorithm, key): &(&str, Algorithm, EncodingKey)| {
            let mut jwk = Jwk::from_encoding_key(key, *algorithm).unwrap();
            jwk.common.key_id = Some((*id).to_owned());
            jwk.common.key_algorithm = None;
            jwk
        };
        let keys: Vec<Jwk> = self.keys.iter().map(jwk).collect();
        json!({ "keys": keys }).to_string().into_bytes()
    }

    /// A token that is good.
    pub(crate) fn token(&self) -> String {
        self.token_with(|_, _| ())
    }

    /// A token that was good before this change. Its key is the one that the header's `alg` asks for.
    pub(crate) fn token_with(&self, change: impl FnOnce(&mut Header, &mut Value)) -> String {
        let mut header = Header::new(Algorithm::EdDSA);
        header.kid = Some("ed".into());
        let mut claims = json!({
            "iss": Self::NAME,
            "aud": Self::AUDIENCE,
            "sub": "tester",
            "iat": self.now,
            "exp": self.now + 3600,
            "scope": "secrets:write",
        });
        change(&mut header, &mut claims);
        encode(&header, &claims, self.key(header.alg)).unwrap()
    }

    pub(crate) fn key(&self, algorithm: Algorithm) -> &EncodingKey {
        let fits = |key: &&(_, Algorithm, _)| key.1.family() == algorithm.family();
        &self.keys.iter().find(fits).unwrap().2
    }
}
