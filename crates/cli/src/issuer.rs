//! A token issuer for one machine: an Ed25519 key, and tokens that the gateway checks like any other.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_lc_rs::encoding::{AsDer as _, Pkcs8V1Der};
use aws_lc_rs::signature::Ed25519KeyPair;
use jsonwebtoken::jwk::{Jwk, PublicKeyUse, ThumbprintHash};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde::Serialize;
use x509_cert::der::pem;
use zeroize::Zeroizing;

use crate::error::Failure;
use crate::render::armored;

/// Issues tokens that permit to write secrets to every agent and project.
pub(crate) struct Issuer {
    key: EncodingKey,
    public: Jwk,
}

/// A JWT's claims (RFC 7519 §4.1, RFC 8693 §4.2 for the scope).
#[derive(Serialize)]
struct Claims {
    iss: &'static str,
    sub: &'static str,
    aud: &'static str,
    iat: u64,
    exp: u64,
    scope: &'static str,
}

impl Issuer {
    pub(crate) const NAME: &str = "urn:sealpost:dev-issuer";
    pub(crate) const AUDIENCE: &str = "urn:sealpost:dev-gateway";

    /// Creates a key, as PKCS#8 in PEM.
    pub(crate) fn generate() -> Result<Zeroizing<Vec<u8>>, Failure> {
        let pair = Ed25519KeyPair::generate().map_err(|_| unusable("no key could be created"))?;
        let der: Pkcs8V1Der<'_> = pair
            .as_der()
            .map_err(|_| unusable("no key could be created"))?;
        armored("PRIVATE KEY", der.as_ref())
    }

    pub(crate) fn from_pem(pem: &[u8]) -> Result<Self, Failure> {
        const INVALID: &str = "not an Ed25519 key (PKCS#8 in PEM)";
        let invalid = |_| unusable(INVALID);
        let (label, der) = pem::decode_vec(pem).map_err(|_| unusable(INVALID))?;
        let der = Zeroizing::new(der);
        if label != "PRIVATE KEY" {
            return Err(unusable(INVALID));
        }
        let key = EncodingKey::from_ed_der(&der);
        let mut public = Jwk::from_encoding_key(&key, Algorithm::EdDSA).map_err(invalid)?;
        public.common.key_id = Some(public.thumbprint(ThumbprintHash::SHA256).map_err(invalid)?);
        public.common.public_key_use = Some(PublicKeyUse::Signature);
        Ok(Self { key, public })
    }

    /// The public key as a JWK set (RFC 7517 §5).
    pub(crate) fn jwks(&self) -> Vec<u8> {
        serde_json::json!({ "keys": [self.public] })
            .to_string()
            .into_bytes()
    }

    /// Signs a token that is valid for 24 hours from now.
    pub(crate) fn token(&self) -> Result<Zeroizing<String>, Failure> {
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0, |elapsed| elapsed.as_secs());
        let mut header = Header::new(Algorithm::EdDSA);
        header.kid.clone_from(&self.public.common.key_id);
        let claims = Claims {
            iss: Self::NAME,
            sub: "dev",
            aud: Self::AUDIENCE,
            iat: now,
            exp: now + LIFETIME.as_secs(),
            scope: "secrets:write",
        };
        let token = jsonwebtoken::encode(&header, &claims, &self.key);
        token
            .map(Zeroizing::new)
            .map_err(|_| unusable("no token could be signed"))
    }
}

fn unusable(what: &str) -> Failure {
    Failure::usage(format!("the token issuer: {what}")).hint(
        "remove issuer.pem and start again: a new key is created, and tokens of the old one end",
    )
}

const LIFETIME: Duration = Duration::from_secs(24 * 60 * 60);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_that_was_created_is_read_again_and_nothing_else_is() {
        let pem = Issuer::generate().unwrap();
        let issuer = Issuer::from_pem(&pem).unwrap();
        assert!(issuer.token().unwrap().starts_with("ey"));

        let text = std::str::from_utf8(&pem).unwrap();
        let x25519 = text.replace("K2Vw", "K2Vu");
        let encrypted = text.replace("PRIVATE", "ENCRYPTED PRIVATE");
        for wrong in ["", "nothing", &text[..60], &x25519, &encrypted] {
            assert!(Issuer::from_pem(wrong.as_bytes()).is_err(), "{wrong}");
        }
    }
}
