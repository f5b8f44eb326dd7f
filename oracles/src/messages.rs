//! Messages between gateway and agent. The input is what the peer claims, which is signed here: a fuzzer can't.

use std::{sync::LazyLock, time::Duration};

use aws_lc_rs::signature::Ed25519KeyPair;
use base64ct::{Base64, Base64UrlUnpadded, Encoding as _};
use sealpost_context::{PropertyKey, SecretName, SecretType};
use sealpost_envelope::UnixTime;
use sealpost_protocol::{
    AgentId, MAX_MESSAGE, MessageId, Received, Sealed, SigningKey, StoreReply, StoreRequest,
    VerifyKeys,
    context::{OwnedContext, SecretId},
};
use serde_json::Value;

use crate::{allocations::bounded, contexts::distinct, keys::NOW};

/// Claims that are believed are those of this peer, for this one and in time, as another reader of JSON reads them; they
/// are read the same after they were written again, no message is believed that was changed, and none that nobody
/// signed.
pub(crate) fn check(claims: &[u8]) {
    let keys = &*KEYS;
    assert!(request(keys, claims).is_none(), "nobody signed it");
    assert!(reply(keys, claims).is_none(), "nobody signed it");

    let message = keys.sign(&keys.request_header, claims);
    assert!(reply(keys, &message).is_none(), "it is of the other kind");
    if let Some(received) = request(keys, &message) {
        let again = received.sign(&keys.signing, NOW, Duration::from_secs(30));
        let again = request(keys, &again.expect("it can be signed"));
        assert_eq!(again.as_ref(), Some(&received));
        changed(&message, |message| request(keys, message).is_none());
    }

    let message = keys.sign(&keys.reply_header, claims);
    assert!(request(keys, &message).is_none(), "it is of the other kind");
    if let Some(outcome) = reply(keys, &message) {
        let again = StoreReply {
            in_reply_to: keys.id,
            outcome: outcome.clone(),
        };
        let gateway = keys.signing.gateway_name();
        let again = again.sign(&keys.signing, &keys.agent, gateway, NOW);
        let again = reply(keys, &again.expect("it can be signed"));
        assert_eq!(again, Some(outcome));
        changed(&message, |message| reply(keys, message).is_none());
    }
}

fn request(keys: &Keys, message: &[u8]) -> Option<StoreRequest> {
    let received = bounded(message.len(), 16, ERROR, || {
        StoreRequest::verify(
            message,
            &keys.trusted,
            &keys.agent,
            NOW,
            Duration::from_secs(LEEWAY),
        )
    });
    let received = received.ok()?;
    let claims = claims(message);
    let name = keys.signing.gateway_name();
    assert_eq!(claims["iss"], name.to_string());
    assert_eq!(claims["aud"], keys.agent.urn());
    let (_, sealed) = claims["sealed"]
        .as_object()
        .and_then(|kinds| kinds.iter().next())
        .expect("an object of one kind");
    let owner = sealed.get("owner").unwrap_or(&sealed["context"]);
    assert_eq!(owner["agent"], keys.agent.as_str());
    let (lifetime, expires_at) = times(&claims, StoreRequest::MAX_LIFETIME.as_secs());
    match received {
        Received::Request {
            request,
            gateway,
            lifetime: told,
            expires_at: end,
        } => {
            assert_eq!(gateway, name);
            assert_eq!(claims["jti"], request.id.to_string());
            assert_eq!(claims["request_id"], request.request_id);
            assert_eq!(request.sealed.agent(), &keys.agent);
            assert_eq!((told.as_secs(), end), (lifetime, expires_at));
            assert!(expires_at > NOW, "it is late");
            Some(request)
        }
        Received::Refused {
            id,
            gateway,
            violations,
        } => {
            assert_eq!(gateway, name);
            assert_eq!(claims["jti"], id.to_string());
            assert!(expires_at > NOW, "it is late");
            let context = &sealed["context"];
            let broken = ["name", "key", "type"].map(|member| {
                let text = context.get(member)?.as_str()?;
                let place = format!("#/secret/{member}: ");
                let told = violations.iter().any(|line| line.starts_with(&place));
                let sound = match member {
                    "name" => SecretName::try_from(text).is_ok(),
                    "key" => PropertyKey::try_from(text).is_ok(),
                    _ => SecretType::try_from(text).is_ok(),
                };
                assert_eq!(told, !sound, "{violations:?}");
                told.then_some(())
            });
            let broken = broken.into_iter().flatten().count();
            assert!(broken > 0 && broken == violations.len(), "{violations:?}");
            None
        }
        Received::Late { id, gateway } => {
            assert_eq!(gateway, name);
            assert_eq!(claims["jti"], id.to_string());
            assert!(expires_at <= NOW, "it is in time");
            None
        }
    }
}

fn reply(keys: &Keys, message: &[u8]) -> Option<sealpost_protocol::Outcome> {
    let gateway = keys.signing.gateway_name();
    let outcome = bounded(message.len(), 16, ERROR, || {
        let agent = (&keys.agent, &keys.trusted);
        StoreReply::verify(
            message,
            agent,
            &gateway,
            keys.id,
            NOW,
            Duration::from_secs(LEEWAY),
        )
    });
    let outcome = outcome.ok()?;
    let claims = claims(message);
    assert_eq!(claims["iss"], keys.agent.urn());
    assert_eq!(claims["aud"], gateway.to_string());
    assert_eq!(claims["in_reply_to"], ID);
    let (_, expires_at) = times(&claims, REPLY_LIFETIME);
    assert!(expires_at > NOW, "it has expired");
    Some(outcome)
}

/// The claims of a message that is believed, by another reader of JSON; no name is in there twice.
fn claims(message: &[u8]) -> Value {
    assert!(message.len() <= MAX_MESSAGE);
    let text = str::from_utf8(message).expect("base64url and dots");
    let claims = text.split('.').nth(1).expect("three parts");
    let claims = Base64UrlUnpadded::decode_vec(claims).expect("base64url without padding");
    distinct(&claims);
    serde_json::from_slice(&claims).expect("what is believed is JSON")
}

/// How long the claims say that a message is good for, and until when with leeway; neither may be made up.
fn times(claims: &Value, longest: u64) -> (u64, UnixTime) {
    let time = |name: &str| claims[name].as_u64().expect("a time in seconds");
    let (issued, expires) = (time("iat"), time("exp"));
    assert!(issued <= NOW.as_secs() + LEEWAY, "issued in the future");
    let lifetime = expires.checked_sub(issued).expect("it expires later");
    assert!(lifetime <= longest, "{lifetime} s are too long");
    (
        lifetime,
        UnixTime::from_secs(expires.saturating_add(LEEWAY)),
    )
}

/// A bit of each part, and of each dot.
fn changed(message: &[u8], refused: impl Fn(&[u8]) -> bool) {
    let mut message = message.to_vec();
    let step = message.len() / 16 + 1;
    for at in (0..message.len()).step_by(step) {
        message[at] ^= 1;
        assert!(refused(&message), "believed although byte {at} was changed");
        message[at] ^= 1;
    }
}

struct Keys {
    signing: SigningKey,
    pair: Ed25519KeyPair,
    trusted: VerifyKeys,
    agent: AgentId,
    id: MessageId,
    request_header: String,
    reply_header: String,
}

impl Keys {
    /// `header . BASE64URL(claims) . BASE64URL(signature)` (RFC 7515 §3.1)
    fn sign(&self, header: &str, claims: &[u8]) -> Vec<u8> {
        let mut message = format!("{header}.{}", Base64UrlUnpadded::encode_string(claims));
        let signature = self.pair.sign(message.as_bytes());
        message.push('.');
        message.push_str(&Base64UrlUnpadded::encode_string(signature.as_ref()));
        message.into_bytes()
    }
}

static KEYS: LazyLock<Keys> = LazyLock::new(|| {
    let signing = signing_key();
    let pair = Ed25519KeyPair::from_pkcs8(&pkcs8()).expect("it is a key");
    let agent: AgentId = "agent-1".parse().expect("it is an id");
    let id: MessageId = serde_json::from_str(&format!("{ID:?}")).expect("it is an id");
    let request = StoreRequest {
        id,
        request_id: String::new(),
        idempotency: None,
        sealed: Sealed::Native {
            context: OwnedContext::new(agent, SecretId::new("n".try_into().expect("it is a name"))),
            envelope: String::new(),
        },
    };
    let request = request
        .sign(&signing, NOW, Duration::from_secs(30))
        .expect("it can be signed");
    let reply = StoreReply {
        in_reply_to: id,
        outcome: sealpost_protocol::Outcome::Exists,
    };
    let reply = reply.sign(&signing, &agent, signing.gateway_name(), NOW);
    let header = |message: &[u8]| {
        let text = str::from_utf8(message).expect("base64url and dots");
        text.split('.').next().unwrap_or_default().to_owned()
    };
    Keys {
        request_header: header(&request),
        reply_header: header(&reply.expect("it can be signed")),
        trusted: [signing.verify_key()].into_iter().collect(),
        signing,
        pair,
        agent,
        id,
    }
});

/// A gateway's key.
pub(crate) fn signing_key() -> SigningKey {
    let pem = format!(
        "-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n",
        Base64::encode_string(&pkcs8())
    );
    SigningKey::from_pkcs8_pem(pem.as_bytes()).expect("it is a key")
}

/// An Ed25519 key.
pub(crate) fn pkcs8() -> Vec<u8> {
    // RFC 8410 §7: PKCS#8 of an Ed25519 key is this and its 32 bytes.
    const PKCS8: &[u8] = b"\x30\x2e\x02\x01\x00\x30\x05\x06\x03\x2b\x65\x70\x04\x22\x04\x20";
    [PKCS8, &[9; 32]].concat()
}

/// Claims of either kind that are believed, and some that are wrong in one place: a check that is gone shows at once.
pub(crate) fn seeds() -> Vec<(String, Vec<u8>)> {
    let requests = [
        (
            "request",
            r#"{"native":{"context":{"agent":"agent-1","name":"n"},"envelope":"sealpost.v1.AAAA"}}"#,
        ),
        (
            "request_cms",
            r#"{"cms":{"owner":{"agent":"agent-1"},"cms":"MAA="}}"#,
        ),
        (
            "request_all",
            r#"{"jwe":{"context":{"agent":"agent-1","project":"0b9c4f6e-7d1a-4a52-8f37-1a2b3c4d5e6f","name":"n","key":"k","type":"PASSWORD"},"jwe":"a.b.c.d.e"}}"#,
        ),
    ]
    .map(|(name, sealed)| (name.into(), request_claims(sealed)));
    let replies = [
        ("reply_exists", r#""exists""#),
        (
            "reply_stored",
            r#"{"stored":{"resolver-ref":"secret:n","vault-secret-name":"n"}}"#,
        ),
        (
            "reply_refused",
            r##"{"refused":{"violations":["#/secret/name: x"]}}"##,
        ),
    ]
    .map(|(name, outcome)| (name.into(), reply_claims(outcome)));
    let good = requests.into_iter().chain(replies);
    good.chain(wrong())
        .map(|(name, claims): (String, _)| (name, claims.into_bytes()))
        .collect()
}

fn request_claims(sealed: &str) -> String {
    let (gateway, agent) = (KEYS.signing.gateway_name(), KEYS.agent.urn());
    let now = NOW.as_secs();
    format!(
        r#"{{"iss":"{gateway}","aud":"{agent}","jti":"{ID}","iat":{now},"exp":{exp},"request_id":"r","sealed":{sealed}}}"#,
        exp = now + 30
    )
}

fn reply_claims(outcome: &str) -> String {
    let (gateway, agent) = (KEYS.signing.gateway_name(), KEYS.agent.urn());
    let now = NOW.as_secs();
    format!(
        r#"{{"iss":"{agent}","aud":"{gateway}","jti":"{ID}","iat":{now},"exp":{exp},"in_reply_to":"{ID}","outcome":{outcome}}}"#,
        exp = now + 30
    )
}

/// Claims with one of them wrong.
fn wrong() -> Vec<(String, String)> {
    let now = NOW.as_secs();
    let times = |iat: u64, exp: u64| [("iat", iat.to_string()), ("exp", exp.to_string())];
    let past = times(now - 60, now - LEEWAY);
    let future = times(now + LEEWAY + 1, now + LEEWAY + 2);
    let backwards = times(now, now - 1);
    let sealed =
        |agent: &str| format!(r#"{{"cms":{{"owner":{{"agent":"{agent}"}},"cms":"MAA="}}}}"#);
    let kinds = [
        (
            "request",
            request_claims(&sealed("agent-1")),
            StoreRequest::MAX_LIFETIME.as_secs(),
        ),
        ("reply", reply_claims(r#""exists""#), REPLY_LIFETIME),
    ];
    let mut seeds = vec![(
        "request_wrong_sealed".into(),
        request_claims(&sealed("agent-2")),
    )];
    for (kind, claims, longest) in kinds {
        let other = |name| [(name, r#""urn:sealpost:agent:agent-2""#.to_owned())];
        let id = r#""5c8ad1f0-1111-4222-8333-444455556667""#.to_owned();
        let mut changes: Vec<(&str, Vec<(&str, String)>)> = vec![
            ("iss", other("iss").into()),
            ("aud", other("aud").into()),
            ("past", past.to_vec()),
            ("future", future.to_vec()),
            ("backwards", backwards.to_vec()),
            ("long", times(now, now + longest + 1).into()),
        ];
        if kind == "reply" {
            changes.push(("in_reply_to", vec![("in_reply_to", id)]));
        }
        for (what, members) in changes {
            let changed = members
                .iter()
                .fold(claims.clone(), |claims, (name, value)| {
                    with(&claims, name, value)
                });
            seeds.push((format!("{kind}_wrong_{what}"), changed));
        }
    }
    seeds
}

/// The same object but for the value of one member, which holds no comma.
fn with(object: &str, name: &str, value: &str) -> String {
    let name = format!("\"{name}\":");
    let (before, rest) = object.split_once(&name).expect("it is there");
    let (_, after) = rest.split_once(',').expect("it is not the last");
    format!("{before}{name}{value},{after}")
}

const ID: &str = "5c8ad1f0-1111-4222-8333-444455556666";
const LEEWAY: u64 = 5;
/// Bytes of an error of the JSON reader and its text, which grows as it is written: the same for a header of one digit.
const ERROR: usize = 256;
/// The longest that a reply may be valid, in seconds.
const REPLY_LIFETIME: u64 = 60;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seeds_are_believed_unless_they_are_wrong() {
        for (name, claims) in seeds() {
            let header = match name.starts_with("request") {
                true => &KEYS.request_header,
                false => &KEYS.reply_header,
            };
            let message = KEYS.sign(header, &claims);
            let believed = request(&KEYS, &message).is_some() || reply(&KEYS, &message).is_some();
            assert_eq!(believed, !name.contains("wrong"), "{name}");
        }
    }
}
