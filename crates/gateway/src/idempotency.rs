//! `Idempotency-Key`: the header, and the marks by which an agent knows a retry.

use std::fmt;

use aws_lc_rs::{
    hmac::{self, HMAC_SHA256},
    rand,
};
use axum::http::{HeaderMap, HeaderName};
use sealpost_protocol::{Idempotency, Mac, OwnedContext, Owner};

use crate::Principal;

/// What the marks of requests with an idempotency key are made with. Its `Debug` shows nothing.
///
/// Gateways that share it know each other's retries. It must be random, and known to gateways alone: whoever has it
/// can confirm guesses of values by what agents remember for 24 hours.
#[derive(Clone)]
pub struct IdempotencySecret(hmac::Key);

impl IdempotencySecret {
    /// A secret that several gateways share.
    #[must_use]
    pub fn from_bytes(bytes: &[u8; 32]) -> Self {
        Self(hmac::Key::new(HMAC_SHA256, bytes))
    }

    /// A secret of this process: retries that reach it are known, those at another gateway or after a restart are
    /// not.
    ///
    /// # Panics
    ///
    /// If the operating system has no randomness.
    #[must_use]
    pub fn random() -> Self {
        let mut bytes = zeroize::Zeroizing::new([0; 32]);
        rand::fill(bytes.as_mut_slice()).expect("the operating system has randomness");
        Self::from_bytes(&bytes)
    }

    /// The mark of a key, for whom it is good, and where it is used.
    pub(crate) fn scope(&self, caller: &Caller, owner: &Owner) -> Mac {
        let mut mark = Mark::new(&self.0, SCOPE);
        mark.part(caller.issuer.as_bytes());
        mark.optional(caller.subject.as_deref().map(str::as_bytes));
        mark.owner(owner);
        mark.part(caller.key.as_str().as_bytes());
        mark.finish()
    }

    /// The mark of a value in clear, and of whose it is.
    pub(crate) fn clear_payload(&self, context: &OwnedContext, value: &[u8]) -> Mac {
        let mut mark = Mark::new(&self.0, CLEAR);
        mark.owner(context.owner());
        mark.part(context.name().as_str().as_bytes());
        mark.optional(context.key().map(|key| key.as_str().as_bytes()));
        mark.optional(context.secret_type().map(|t| t.as_str().as_bytes()));
        mark.part(value);
        mark.finish()
    }

    /// The mark of a value that the caller has sealed: of its bytes, so a retry sends the same.
    pub(crate) fn sealed_payload(&self, owner: &Owner, sealed: &[u8]) -> Mac {
        let mut mark = Mark::new(&self.0, SEALED);
        mark.owner(owner);
        mark.part(sealed);
        mark.finish()
    }

    pub(crate) fn marks(&self, caller: &Caller, owner: &Owner, payload: Mac) -> Idempotency {
        Idempotency {
            scope: self.scope(caller, owner),
            payload,
        }
    }
}

impl fmt::Debug for IdempotencySecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("IdempotencySecret")
    }
}

/// Who gave a key, and which.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    issuer: String,
    /// Tokens without a subject are one caller, their issuer.
    subject: Option<String>,
    key: IdempotencyKey,
}

impl Caller {
    pub(crate) fn new(principal: &Principal, key: IdempotencyKey) -> Self {
        Self {
            issuer: principal.issuer.clone(),
            subject: principal.subject.clone(),
            key,
        }
    }
}

/// A key as the caller gave it, without quotes.
#[derive(Clone, Eq, PartialEq)]
pub(crate) struct IdempotencyKey(String);

impl IdempotencyKey {
    /// The header of `draft-ietf-httpapi-idempotency-key-header`.
    pub(crate) const HEADER: HeaderName = HeaderName::from_static("idempotency-key");

    /// Reads the header, which may be missing. It is a string in quotes (RFC 9651 §3.3.3), or the same text without
    /// them if that needs none: many send it so.
    pub(crate) fn of(headers: &HeaderMap) -> Result<Option<Self>, String> {
        let mut values = headers.get_all(Self::HEADER).iter();
        let Some(value) = values.next() else {
            return Ok(None);
        };
        if values.next().is_some() {
            return Err("Idempotency-Key: is given twice; give it once".into());
        }
        let text = value.to_str().ok().map(|text| text.trim_matches(' '));
        let key = text.and_then(|text| match text.strip_prefix('"') {
            Some(rest) => unquoted(rest),
            None => text.bytes().all(is_bare).then(|| text.to_owned()),
        });
        match key {
            Some(key) if (1..=MAX_KEY).contains(&key.len()) => Ok(Some(Self(key))),
            _ => Err(format!(
                "Idempotency-Key: must be 1 to {MAX_KEY} printable ASCII characters in double quotes, such as \
                 \"8e03978e-40d5-43dd-bc93-6894a57f9324\"; give a random one for each request, and the same for its \
                 retries"
            )),
        }
    }

    fn as_str(&self) -> &str {
        &self.0
    }
}

/// Keys are chosen by callers, and may tell something of them.
impl fmt::Debug for IdempotencyKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("IdempotencyKey")
    }
}

/// RFC 9651 §4.2.5, behind the opening quote. Parameters are not taken: the draft defines none.
fn unquoted(rest: &str) -> Option<String> {
    let mut key = String::with_capacity(rest.len());
    let mut chars = rest.chars();
    loop {
        match chars.next()? {
            '"' => break,
            '\\' => match chars.next()? {
                escaped @ ('"' | '\\') => key.push(escaped),
                _ => return None,
            },
            c @ ' '..='~' => key.push(c),
            _ => return None,
        }
    }
    chars.next().is_none().then_some(key)
}

/// What stands for itself: no blank, and nothing that ends or escapes something in a structured field.
fn is_bare(b: u8) -> bool {
    b.is_ascii_graphic() && !b"\"\\,;".contains(&b)
}

/// `HMAC-SHA-256(secret, label ‖ parts)`, each part with its length, so that no two lists of parts are one text.
struct Mark(hmac::Context);

impl Mark {
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
        Mac::from_bytes(mac)
    }
}

const MAX_KEY: usize = 255;
const SCOPE: &[u8] = b"sealpost/idempotency/1/scope";
const CLEAR: &[u8] = b"sealpost/idempotency/1/clear";
const SEALED: &[u8] = b"sealpost/idempotency/1/sealed";

#[cfg(test)]
mod tests {
    use sealpost_context::SecretId;

    use super::*;

    fn read(values: &[&str]) -> Result<Option<String>, String> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(IdempotencyKey::HEADER, value.parse().unwrap());
        }
        IdempotencyKey::of(&headers).map(|key| key.map(|key| key.0))
    }

    #[test]
    fn a_key_is_read_with_quotes_and_without() {
        assert_eq!(read(&[]), Ok(None));
        let longest = "k".repeat(MAX_KEY);
        for (text, key) in [
            ("\"8e03978e-40d5\"", "8e03978e-40d5"),
            ("8e03978e-40d5", "8e03978e-40d5"),
            (r#""a b\"\\""#, r#"a b"\"#),
            ("  \"a\" ", "a"),
            ("order:4711/a=b+c", "order:4711/a=b+c"),
            (&longest, &longest),
        ] {
            assert_eq!(read(&[text]), Ok(Some(key.into())), "{text}");
        }
    }

    #[test]
    fn anything_else_is_a_violation() {
        let long = "k".repeat(MAX_KEY + 1);
        for values in [
            &[""][..],
            &["\"\""],
            &["\""],
            &["\"a"],
            &["a\""],
            &["\"a\";p=1"],
            &["\"a\", \"b\""],
            &["a,b"],
            &["a b"],
            &[r#""\n""#],
            &["\"\t\""],
            &[&long],
            &["a", "a"],
        ] {
            let violation = read(values).unwrap_err();
            assert!(violation.starts_with("Idempotency-Key: "), "{values:?}");
        }
        let mut headers = HeaderMap::new();
        let latin = axum::http::HeaderValue::from_bytes(b"\xe9").unwrap();
        headers.append(IdempotencyKey::HEADER, latin);
        assert!(IdempotencyKey::of(&headers).is_err());
    }

    #[test]
    fn marks_tell_everything_apart() {
        let secret = IdempotencySecret::from_bytes(&[1; 32]);
        let caller = |issuer: &str, subject: Option<&str>, key: &str| Caller {
            issuer: issuer.into(),
            subject: subject.map(Into::into),
            key: IdempotencyKey(key.into()),
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
        let marks = [
            secret.scope(&caller("i", Some("s"), "k"), &owner("a", None)),
            secret.scope(&caller("is", Some(""), "k"), &owner("a", None)),
            secret.scope(&caller("i", None, "k"), &owner("a", None)),
            secret.scope(&caller("i", Some("s"), "l"), &owner("a", None)),
            secret.scope(&caller("i", Some("s"), "k"), &owner("b", None)),
            secret.scope(&caller("i", Some("s"), "k"), &owner("a", Some(id))),
            secret.clear_payload(&context, b"{}"),
            secret.clear_payload(&context, b"{ }"),
            secret.clear_payload(&keyed, b"{}"),
            secret.clear_payload(&typed, b"{}"),
            secret.sealed_payload(&owner("a", None), b"{}"),
            IdempotencySecret::random().clear_payload(&context, b"{}"),
        ];
        for (n, mark) in marks.iter().enumerate() {
            assert!(!marks[..n].contains(mark), "{n}");
        }
        assert_eq!(marks[6], secret.clear_payload(&context, b"{}"));
        assert_eq!(format!("{secret:?}"), "IdempotencySecret");
    }
}
