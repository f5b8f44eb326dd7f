//! The digests by which an agent recognises a retry.

use std::fmt;

use aws_lc_rs::{
    hmac::{self, HMAC_SHA256},
    rand,
};
use sealpost_channel::{CallerKey, CallerTag, Marks};
use sealpost_context::{AgentId, OwnedContext, Owner};

use super::key::IdempotencyKey;
use crate::auth::Principal;

/// The key of the digests of requests with an idempotency key, and of the tags by which agents tell callers apart. Its
/// `Debug` shows nothing.
///
/// Gateways that share it recognise each other's retries. It must be random, and known to gateways alone: an attacker
/// who has it can confirm guesses of values from what agents remember for 24 hours.
#[derive(Clone)]
pub struct IdempotencySecret {
    digests: hmac::Key,
    callers: CallerKey,
}

impl IdempotencySecret {
    /// Creates a secret that several gateways share.
    #[must_use]
    pub fn from_bytes(bytes: &[u8; 32]) -> Self {
        Self {
            digests: hmac::Key::new(HMAC_SHA256, bytes),
            callers: CallerKey::new(bytes),
        }
    }

    /// Creates a secret for this process: it recognises retries that reach it, but not retries at another gateway or after
    /// a restart.
    ///
    /// # Panics
    ///
    /// Panics if the operating system has no randomness.
    #[must_use]
    pub fn random() -> Self {
        let mut bytes = zeroize::Zeroizing::new([0; 32]);
        rand::fill(bytes.as_mut_slice()).expect("the operating system has randomness");
        Self::from_bytes(&bytes)
    }

    /// Returns the digest of a key, of the caller who gave it, and of where it is used.
    pub(crate) fn scope(&self, caller: &Principal, key: &IdempotencyKey, owner: &Owner) -> Mac {
        let mut digest = Digest::new(&self.digests, SCOPE);
        digest.part(caller.issuer.as_bytes());
        digest.optional(caller.subject.as_deref().map(str::as_bytes));
        digest.owner(owner);
        digest.part(key.as_str().as_bytes());
        digest.finish()
    }

    /// Returns the digest of a value in clear and of its context.
    pub(crate) fn clear_payload(&self, context: &OwnedContext, value: &[u8]) -> Mac {
        let mut digest = Digest::new(&self.digests, CLEAR);
        digest.owner(context.owner());
        digest.part(context.name().as_str().as_bytes());
        digest.optional(context.key().map(|key| key.as_str().as_bytes()));
        digest.optional(context.secret_type().map(|t| t.as_str().as_bytes()));
        digest.part(value);
        digest.finish()
    }

    /// Returns the digest of a value that the caller has sealed: of its bytes, so a retry must send the same.
    pub(crate) fn sealed_payload(&self, owner: &Owner, sealed: &[u8]) -> Mac {
        let mut digest = Digest::new(&self.digests, SEALED);
        digest.owner(owner);
        digest.part(sealed);
        digest.finish()
    }

    /// Returns the tag by which the agent knows the caller.
    pub(crate) fn tag(&self, agent: &AgentId, caller: &Principal) -> CallerTag {
        self.callers
            .tag(agent, &caller.issuer, caller.subject.as_deref())
    }

    /// Returns both digests of a request.
    pub(crate) fn marks(
        &self,
        caller: &Principal,
        key: &IdempotencyKey,
        owner: &Owner,
        payload: Mac,
    ) -> Marks {
        Marks {
            scope: self.scope(caller, key, owner),
            payload,
        }
    }
}

impl fmt::Debug for IdempotencySecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("IdempotencySecret")
    }
}

/// HMAC-SHA-256.
type Mac = [u8; 32];

/// `HMAC-SHA-256(secret, label ‖ parts)`, each part with its length, so that no two lists of parts give the same text.
struct Digest(hmac::Context);

impl Digest {
    fn new(key: &hmac::Key, label: &[u8]) -> Self {
        let mut context = hmac::Context::with_key(key);
        context.update(label);
        Self(context)
    }

    fn part(&mut self, part: &[u8]) {
        self.0.update(&(part.len() as u64).to_be_bytes());
        self.0.update(part);
    }

    fn optional(&mut self, part: Option<&[u8]>) {
        self.0.update(&[u8::from(part.is_some())]);
        part.into_iter().for_each(|part| self.part(part));
    }

    fn owner(&mut self, owner: &Owner) {
        self.part(owner.agent.as_str().as_bytes());
        self.optional(owner.project.as_ref().map(|p| p.as_bytes().as_slice()));
    }

    fn finish(self) -> Mac {
        let mut mac = [0; 32];
        mac.copy_from_slice(self.0.sign().as_ref());
        mac
    }
}

const SCOPE: &[u8] = b"sealpost/idempotency/1/scope";
const CLEAR: &[u8] = b"sealpost/idempotency/1/clear";
const SEALED: &[u8] = b"sealpost/idempotency/1/sealed";

#[cfg(test)]
mod tests {
    use axum::http::HeaderMap;

    use sealpost_context::SecretId;

    use super::*;

    fn key_of(text: &str) -> IdempotencyKey {
        let mut headers = HeaderMap::new();
        headers.insert(IdempotencyKey::HEADER, text.parse().unwrap());
        IdempotencyKey::from_headers(&headers).unwrap().unwrap()
    }

    #[test]
    fn digests_differ_in_every_part() {
        let secret = IdempotencySecret::from_bytes(&[1; 32]);
        let scope = |issuer: &str, subject: Option<&str>, key: &str, owner: &Owner| {
            let caller = Principal {
                issuer: issuer.into(),
                subject: subject.map(Into::into),
                ..Principal::default()
            };
            secret.scope(&caller, &key_of(key), owner)
        };
        let owner = |agent: &str, project: Option<&str>| Owner {
            agent: agent.parse().unwrap(),
            project: project.map(|p| p.parse().unwrap()),
        };
        let id = "0b9c4f6e-7d1a-4a52-8f37-1a2b3c4d5e6f";
        let name = SecretId::new("n".try_into().unwrap());
        let context = |secret: &SecretId| OwnedContext::new(owner("a", None), secret.clone());
        let keyed = context(&name.clone().with_key("k".try_into().unwrap()));
        let typed = context(&name.clone().with_type("k".try_into().unwrap()));
        let context = context(&name);
        let digests = [
            scope("i", Some("s"), "k", &owner("a", None)),
            scope("is", Some(""), "k", &owner("a", None)),
            scope("i", None, "k", &owner("a", None)),
            scope("i", Some("s"), "l", &owner("a", None)),
            scope("i", Some("s"), "k", &owner("b", None)),
            scope("i", Some("s"), "k", &owner("a", Some(id))),
            secret.clear_payload(&context, b"{}"),
            secret.clear_payload(&context, b"{ }"),
            secret.clear_payload(&keyed, b"{}"),
            secret.clear_payload(&typed, b"{}"),
            secret.sealed_payload(&owner("a", None), b"{}"),
            IdempotencySecret::random().clear_payload(&context, b"{}"),
        ];
        for (n, digest) in digests.iter().enumerate() {
            assert!(!digests[..n].contains(digest), "{n}");
        }
        assert_eq!(digests[6], secret.clear_payload(&context, b"{}"));
        assert_eq!(format!("{secret:?}"), "IdempotencySecret");
    }
}
