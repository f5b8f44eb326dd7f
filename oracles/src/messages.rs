//! Messages between gateway and agent. The input is what the peer claims, which is signed here: a fuzzer can't.

use std::sync::LazyLock;

use aws_lc_rs::signature::Ed25519KeyPair;
use base64ct::{Base64, Base64UrlUnpadded, Encoding as _};
use sealpost_envelope::UnixTime;
use sealpost_protocol::{
    AgentId, Context, MAX_MESSAGE, MessageId, Received, Sealed, SigningKey, StoreReply,
    StoreRequest, VerifyKeys,
};

use crate::{allocations::bounded, keys::NOW};

/// Claims that are believed are read the same after they were written again, no message is believed that was changed,
/// and none that nobody signed.
pub(crate) fn check(claims: &[u8]) {
    let keys = &*KEYS;
    assert!(request(keys, claims).is_none(), "nobody signed it");
    assert!(reply(keys, claims).is_none(), "nobody signed it");

    let message = keys.sign(&keys.request_header, claims);
    assert!(reply(keys, &message).is_none(), "it is of the other kind");
    if let Some(received) = request(keys, &message) {
        let again = received.sign(&keys.signing, NOW, 30);
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
    let received = bounded(message.len(), 16, 128, || {
        StoreRequest::verify(message, &keys.trusted, &keys.agent, NOW, LEEWAY)
    });
    match received.ok()? {
        Received::Request {
            request, gateway, ..
        } => {
            assert_eq!(gateway, keys.signing.gateway_name());
            assert_eq!(request.sealed.agent(), &keys.agent);
            assert!(message.len() <= MAX_MESSAGE);
            Some(request)
        }
        Received::Late { .. } => None,
    }
}

fn reply(keys: &Keys, message: &[u8]) -> Option<sealpost_protocol::Outcome> {
    let gateway = keys.signing.gateway_name();
    bounded(message.len(), 16, 128, || {
        let agent = (&keys.agent, &keys.trusted);
        StoreReply::verify(message, agent, &gateway, keys.id, NOW, LEEWAY)
    })
    .ok()
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
            context: Context::new(agent.clone(), "n"),
            envelope: String::new(),
        },
    };
    let request = request.sign(&signing, NOW, 30).expect("it can be signed");
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

/// Claims of either kind that are believed.
pub(crate) fn seeds() -> Vec<(String, Vec<u8>)> {
    let keys = &*KEYS;
    let gateway = keys.signing.gateway_name();
    let now = NOW.as_secs();
    let exp = UnixTime::from_secs(now + 30).as_secs();
    let request = |sealed: &str| {
        format!(
            r#"{{"iss":"{gateway}","aud":"{agent}","jti":"{ID}","iat":{now},"exp":{exp},"request_id":"r","sealed":{sealed}}}"#,
            agent = keys.agent.urn(),
        )
    };
    let reply = |outcome: &str| {
        format!(
            r#"{{"iss":"{agent}","aud":"{gateway}","jti":"{ID}","iat":{now},"exp":{exp},"in_reply_to":"{ID}","outcome":{outcome}}}"#,
            agent = keys.agent.urn(),
        )
    };
    [
        (
            "request",
            request(
                r#"{"native":{"context":{"agent":"agent-1","name":"n"},"envelope":"sealpost.v1.AAAA"}}"#,
            ),
        ),
        (
            "request_cms",
            request(r#"{"cms":{"owner":{"agent":"agent-1"},"cms":"MAA="}}"#),
        ),
        (
            "request_all",
            request(
                r#"{"jwe":{"context":{"agent":"agent-1","project":"0b9c4f6e-7d1a-4a52-8f37-1a2b3c4d5e6f","name":"n","key":"k","type":"PASSWORD"},"jwe":"a.b.c.d.e"}}"#,
            ),
        ),
        ("reply_exists", reply(r#""exists""#)),
        (
            "reply_stored",
            reply(r#"{"stored":{"resolver-ref":"secret:n","vault-secret-name":"n"}}"#),
        ),
        (
            "reply_refused",
            reply(r##"{"refused":{"violations":["#/secret/name: x"]}}"##),
        ),
    ]
    .map(|(name, claims)| (name.to_owned(), claims.into_bytes()))
    .into()
}

const ID: &str = "5c8ad1f0-1111-4222-8333-444455556666";
const LEEWAY: u64 = 5;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seeds_are_believed() {
        for (name, claims) in seeds() {
            let header = match name.starts_with("request") {
                true => &KEYS.request_header,
                false => &KEYS.reply_header,
            };
            let message = KEYS.sign(header, &claims);
            let believed = request(&KEYS, &message).is_some() || reply(&KEYS, &message).is_some();
            assert!(believed, "{name}");
        }
    }
}
