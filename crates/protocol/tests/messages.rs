//! What is signed verifies, and nothing else does.
#![allow(clippy::unwrap_used)] // a failed unwrap is a failed test

use std::time::Duration;

use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use proptest::prelude::*;
use sealpost_context::SecretContext;
use sealpost_envelope::UnixTime;
use sealpost_protocol::{
    AgentId, MAX_MESSAGE, MessageId, Outcome, Received, Sealed, SigningKey, StoreReply,
    StoreRequest, VerifyError, VerifyKeys,
    context::{OwnedContext, Owner},
    idempotency::{Idempotency, Mac},
};
use serde_json::{Value, json};

const NOW: UnixTime = UnixTime::from_secs(1_900_000_000);
const LEEWAY: u64 = 5;

struct Peers {
    gateway: SigningKey,
    agent: SigningKey,
    id: AgentId,
}

fn peers() -> Peers {
    Peers {
        gateway: SigningKey::generate().unwrap(),
        agent: SigningKey::generate().unwrap(),
        id: "agent-1".parse().unwrap(),
    }
}

impl Peers {
    fn request(&self) -> StoreRequest {
        StoreRequest {
            id: MessageId::random(),
            request_id: "r-12345678".into(),
            idempotency: None,
            sealed: Sealed::Native {
                context: self.context(),
                envelope: "sealpost.v1.AAAA".into(),
            },
        }
    }

    fn context(&self) -> OwnedContext {
        self.context_of("näme", "password", "PASSWORD")
    }

    fn context_of(&self, name: &str, key: &str, secret_type: &str) -> OwnedContext {
        let context = SecretContext::unchecked(self.id.as_str(), name)
            .with_project("0b9c4f6e-7d1a-4a52-8f37-1a2b3c4d5e6f".parse().unwrap())
            .with_unchecked_key(key)
            .with_unchecked_type(secret_type);
        OwnedContext::check(&context).unwrap()
    }

    fn read(&self, message: &[u8], now: UnixTime) -> Result<Received, VerifyError> {
        let keys = VerifyKeys::from(self.gateway.verify_key());
        StoreRequest::verify(message, &keys, &self.id, now, Duration::from_secs(LEEWAY))
    }

    fn reply(&self, to: MessageId, outcome: Outcome) -> Vec<u8> {
        let reply = StoreReply {
            in_reply_to: to,
            outcome,
        };
        reply
            .sign(&self.agent, &self.id, self.gateway.gateway_name(), NOW)
            .unwrap()
    }

    fn read_reply(
        &self,
        message: &[u8],
        to: MessageId,
        now: UnixTime,
    ) -> Result<Outcome, VerifyError> {
        let keys = VerifyKeys::from(self.agent.verify_key());
        let name = self.gateway.gateway_name();
        StoreReply::verify(
            message,
            (&self.id, &keys),
            &name,
            to,
            now,
            Duration::from_secs(LEEWAY),
        )
    }
}

fn at(seconds: i64) -> UnixTime {
    UnixTime::from_secs(NOW.as_secs().checked_add_signed(seconds).unwrap())
}

#[test]
fn a_request_comes_through() {
    let peers = peers();
    let request = peers.request();
    let message = request
        .sign(&peers.gateway, NOW, Duration::from_secs(30))
        .unwrap();
    match peers.read(&message, NOW).unwrap() {
        Received::Request {
            request: received,
            gateway,
            lifetime,
            expires_at,
        } => {
            assert_eq!(received, request);
            assert_eq!(gateway, peers.gateway.gateway_name());
            assert_eq!(lifetime, Duration::from_secs(30));
            assert_eq!(expires_at, at(35));
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn every_format_comes_through() {
    let peers = peers();
    let owner = Owner::new(peers.id);
    for sealed in [
        Sealed::Jwe {
            context: peers.context(),
            jwe: "{\"protected\":\"…\"}\n".into(),
        },
        Sealed::Cms {
            owner,
            cms: "MIIB+/==".into(),
        },
    ] {
        let request = StoreRequest {
            idempotency: Some(Idempotency {
                scope: Mac::from_bytes([1; 32]),
                payload: Mac::from_bytes([0xfe; 32]),
            }),
            sealed,
            ..peers.request()
        };
        let message = request
            .sign(&peers.gateway, NOW, Duration::from_secs(30))
            .unwrap();
        match peers.read(&message, NOW).unwrap() {
            Received::Request {
                request: received, ..
            } => assert_eq!(received, request),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn the_largest_body_fits_into_a_message() {
    let peers = peers();
    // All of it has to be escaped, and the context is as long as it may be.
    let request = StoreRequest {
        sealed: Sealed::Jwe {
            // Of what a context may hold, quotes take most room.
            context: peers.context_of(&"\"".repeat(512), &"\"".repeat(256), &"T".repeat(64)),
            jwe: "\n".repeat(sealpost_validator::MAX_BODY),
        },
        ..peers.request()
    };
    let message = request
        .sign(&peers.gateway, NOW, Duration::from_secs(30))
        .unwrap();
    assert!(message.len() <= MAX_MESSAGE, "{}", message.len());
    assert!(peers.read(&message, NOW).is_ok());
}

#[test]
fn a_late_request_is_known_for_what_it_is() {
    let peers = peers();
    let request = peers.request();
    let message = request
        .sign(&peers.gateway, NOW, Duration::from_secs(30))
        .unwrap();
    let in_time = |seconds| {
        matches!(
            peers.read(&message, at(seconds)),
            Ok(Received::Request { .. })
        )
    };
    assert!(in_time(34));
    assert!(!in_time(35));
    match peers.read(&message, at(35)).unwrap() {
        Received::Late { id, .. } => assert_eq!(id, request.id),
        other => panic!("{other:?}"),
    }
    // Issued in the future, as far as this clock knows.
    assert!(in_time(-5));
    assert_eq!(
        peers.read(&message, at(-6)).err(),
        Some(VerifyError::Lifetime)
    );
}

#[test]
fn no_request_lasts_for_ever() {
    let peers = peers();
    let message = peers
        .request()
        .sign(&peers.gateway, NOW, Duration::from_secs(1_000_000))
        .unwrap();
    let last = i64::try_from(StoreRequest::MAX_LIFETIME.as_secs() + LEEWAY).unwrap() - 1;
    assert!(matches!(
        peers.read(&message, at(last)),
        Ok(Received::Request { .. })
    ));
    assert!(matches!(
        peers.read(&message, at(last + 1)),
        Ok(Received::Late { .. })
    ));
}

#[test]
fn a_request_for_another_agent_is_refused() {
    let peers = peers();
    let message = peers
        .request()
        .sign(&peers.gateway, NOW, Duration::from_secs(30))
        .unwrap();
    let keys = VerifyKeys::from(peers.gateway.verify_key());
    let other = "agent-2".parse().unwrap();
    let result = StoreRequest::verify(&message, &keys, &other, NOW, Duration::from_secs(LEEWAY));
    assert_eq!(result.err(), Some(VerifyError::Audience));
}

#[test]
fn strangers_are_refused() {
    let peers = peers();
    let stranger = SigningKey::generate().unwrap();
    let message = peers
        .request()
        .sign(&stranger, NOW, Duration::from_secs(30))
        .unwrap();
    assert_eq!(
        peers.read(&message, NOW).err(),
        Some(VerifyError::UnknownKey)
    );
}

#[test]
fn the_two_directions_are_not_mixed_up() {
    let peers = peers();
    // One key for both sides would be a mistake; the types still hold.
    let keys = VerifyKeys::from(peers.agent.verify_key());
    let reply = peers.reply(MessageId::random(), Outcome::Exists);
    let result = StoreRequest::verify(&reply, &keys, &peers.id, NOW, Duration::from_secs(LEEWAY));
    assert_eq!(result.err(), Some(VerifyError::Header));
}

#[test]
fn every_outcome_comes_back() {
    let peers = peers();
    for outcome in [
        Outcome::Stored {
            resolver_ref: "secret:a".into(),
            vault_secret_name: "a".into(),
        },
        Outcome::Refused {
            violations: vec!["#/secret/name: x".into()],
        },
        Outcome::Exists,
        Outcome::PendingDeletion,
        Outcome::Unreadable {
            reason: "cut off".into(),
        },
        Outcome::DoesNotOpen,
        Outcome::NotAccepted {
            accepted: vec!["native".into()],
        },
        Outcome::ContextMismatch {
            violations: vec!["agentId: x".into()],
        },
        Outcome::KeyReused,
        Outcome::Busy,
        Outcome::Expired,
        Outcome::Failed,
    ] {
        let id = MessageId::random();
        let message = peers.reply(id, outcome.clone());
        assert_eq!(peers.read_reply(&message, id, NOW), Ok(outcome));
    }
}

#[test]
fn a_reply_answers_one_request_of_one_gateway_for_a_while() {
    let peers = peers();
    let id = MessageId::random();
    let message = peers.reply(id, Outcome::Exists);
    assert_eq!(
        peers.read_reply(&message, MessageId::random(), NOW),
        Err(VerifyError::InReplyTo)
    );
    assert_eq!(
        peers.read_reply(&message, id, at(65)),
        Err(VerifyError::Expired)
    );
    assert_eq!(
        peers.read_reply(&message, id, at(-6)),
        Err(VerifyError::Lifetime)
    );

    let keys = VerifyKeys::from(peers.agent.verify_key());
    let other = SigningKey::generate().unwrap().gateway_name();
    let result = StoreReply::verify(
        &message,
        (&peers.id, &keys),
        &other,
        id,
        NOW,
        Duration::from_secs(LEEWAY),
    );
    assert_eq!(result, Err(VerifyError::Audience));

    let name = peers.gateway.gateway_name();
    let namesake = "agent-2".parse().unwrap();
    let result = StoreReply::verify(
        &message,
        (&namesake, &keys),
        &name,
        id,
        NOW,
        Duration::from_secs(LEEWAY),
    );
    assert_eq!(result, Err(VerifyError::Issuer));
}

/// Messages that only someone with a trusted key can make, and that signing never makes.
mod crafted {
    use super::*;

    const KEY: &[u8] = b"-----BEGIN PRIVATE KEY-----\n\
        MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g\n\
        -----END PRIVATE KEY-----\n";

    fn encoding_key() -> EncodingKey {
        let (_, der) = pem_rfc7468::decode_vec(KEY).unwrap();
        EncodingKey::from_ed_der(&der)
    }

    struct Craft {
        peers: Peers,
        header: Header,
        claims: Value,
    }

    fn craft() -> Craft {
        let gateway = SigningKey::from_pkcs8_pem(KEY).unwrap();
        let peers = Peers { gateway, ..peers() };
        let name = peers.gateway.gateway_name().to_string();
        let mut header = Header::new(Algorithm::EdDSA);
        header.typ = Some("sealpost-request+jwt".into());
        header.kid = name.strip_prefix("urn:sealpost:gateway:").map(Into::into);
        let claims = json!({
            "iss": name,
            "aud": "urn:sealpost:agent:agent-1",
            "jti": "0b9c4f6e-7d1a-4a52-8f37-1a2b3c4d5e6f",
            "iat": NOW.as_secs(),
            "exp": NOW.as_secs() + 30,
            "request_id": "r",
            "sealed": {"native": {
                "context": {"agent": "agent-1", "name": "n"},
                "envelope": "sealpost.v1.AAAA",
            }},
        });
        Craft {
            peers,
            header,
            claims,
        }
    }

    impl Craft {
        fn error(&self) -> Option<VerifyError> {
            let key = encoding_key();
            let message = encode(&self.header, &self.claims, &key).unwrap();
            self.peers.read(message.as_bytes(), NOW).err()
        }
    }

    #[test]
    fn the_pattern_itself_is_good() {
        assert_eq!(craft().error(), None);
    }

    #[test]
    fn headers_are_exact() {
        let changes: [fn(&mut Header); 8] = [
            |h| h.typ = None,
            |h| h.typ = Some("JWT".into()),
            |h| h.typ = Some("sealpost-reply+jwt".into()),
            |h| h.kid = None,
            |h| h.crit = Some(vec!["exp".into()]),
            |h| h.cty = Some("JWT".into()),
            |h| h.jku = Some("https://example.org".into()),
            |h| h.extras.insert("x", 1),
        ];
        for change in changes {
            let mut craft = craft();
            change(&mut craft.header);
            assert_eq!(
                craft.error(),
                Some(VerifyError::Header),
                "{:?}",
                craft.header
            );
        }
    }

    #[test]
    fn claims_are_exact() {
        let changes: [fn(&mut Value); 20] = [
            |c| c["extra"] = json!(1),
            |c| {
                let native = &c["sealed"]["native"];
                c["sealed"]["native"] = json!([native["context"], native["envelope"]]);
            },
            |c| c["idempotency"] = Value::Null,
            |c| c["sealed"]["native"]["context"]["extra"] = json!(1),
            |c| c["exp"] = json!("soon"),
            |c| c["exp"] = json!(-1),
            |c| c["iat"] = Value::Null,
            |c| c["jti"] = json!("0B9C4F6E-7D1A-4A52-8F37-1A2B3C4D5E6F"),
            |c| c["jti"] = json!("0b9c4f6e7d1a4a528f371a2b3c4d5e6f"),
            |c| c["sealed"]["native"]["context"]["agent"] = json!("a b"),
            |c| {
                c["sealed"]["native"]["context"]["project"] =
                    json!("0b9c4f6e7d1a4a528f371a2b3c4d5e6f");
            },
            |c| c["aud"] = json!(["urn:sealpost:agent:agent-1"]),
            |c| c["sealed"]["native"]["envelope"] = json!(1),
            |c| c["sealed"]["native"]["extra"] = json!(1),
            |c| c["sealed"]["jwe"] = c["sealed"]["native"].clone(),
            |c| c["sealed"] = json!({"pgp": {}}),
            |c| c["idempotency"] = json!({"scope": "AAAA", "payload": "AAAA"}),
            |c| c["idempotency"] = json!({"scope": "A".repeat(43)}),
            |c| {
                c["sealed"] =
                    json!({"cms": {"owner": {"agent": "agent-1", "name": "n"}, "cms": ""}});
            },
            |c| *c = json!([]),
        ];
        for change in changes {
            let mut craft = craft();
            change(&mut craft.claims);
            assert_eq!(
                craft.error(),
                Some(VerifyError::Claims),
                "{:?}",
                craft.claims
            );
        }
        for claim in ["iss", "aud", "jti", "iat", "exp", "request_id", "sealed"] {
            let mut craft = craft();
            craft.claims.as_object_mut().unwrap().remove(claim);
            assert_eq!(craft.error(), Some(VerifyError::Claims), "without {claim}");
        }
    }

    #[test]
    fn a_context_that_breaks_rules_is_told_which() {
        let read = |craft: &Craft| {
            let key = encoding_key();
            let message = encode(&craft.header, &craft.claims, &key).unwrap();
            craft.peers.read(message.as_bytes(), NOW).unwrap()
        };
        for format in ["native", "jwe"] {
            let mut craft = craft();
            let context = json!({"agent": "agent-1", "name": "", "key": "", "type": "1"});
            craft.claims["sealed"] = match format {
                "native" => json!({"native": {"context": context, "envelope": "x"}}),
                _ => json!({"jwe": {"context": context, "jwe": "x"}}),
            };
            match read(&craft) {
                Received::Refused { violations, .. } => {
                    let places = violations.iter().map(|v| v.split(": ").next().unwrap());
                    assert!(places.eq(["#/secret/name", "#/secret/key", "#/secret/type"]));
                }
                other => panic!("{other:?}"),
            }
            // What had expired is late, whatever it holds.
            craft.claims["iat"] = json!(at(-100).as_secs());
            craft.claims["exp"] = json!(at(-50).as_secs());
            assert!(matches!(read(&craft), Received::Late { .. }));
        }
    }

    #[test]
    fn nobody_speaks_for_another() {
        let mut craft = craft();
        craft.claims["iss"] = json!(SigningKey::generate().unwrap().gateway_name());
        assert_eq!(craft.error(), Some(VerifyError::Issuer));
    }

    #[test]
    fn audience_and_context_agree() {
        let mut craft = craft();
        craft.claims["sealed"]["native"]["context"]["agent"] = json!("agent-2");
        assert_eq!(craft.error(), Some(VerifyError::Audience));
    }

    #[test]
    fn lifetimes_are_credible() {
        for (iat, exp) in [(0, 301), (6, 30), (0, -1)] {
            let mut craft = craft();
            craft.claims["iat"] = json!(at(iat).as_secs());
            craft.claims["exp"] = json!(at(exp).as_secs());
            assert_eq!(craft.error(), Some(VerifyError::Lifetime), "{iat} {exp}");
        }
    }

    #[test]
    fn another_algorithm_is_refused() {
        let mut craft = craft();
        craft.header.alg = Algorithm::HS256;
        let secret = EncodingKey::from_secret(b"secret");
        let message = encode(&craft.header, &craft.claims, &secret).unwrap();
        assert_eq!(
            craft.peers.read(message.as_bytes(), NOW).err(),
            Some(VerifyError::Header)
        );
    }
}

#[test]
fn keys_do_not_show() {
    let pem = b"-----BEGIN PRIVATE KEY-----\n\
        MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g\n\
        -----END PRIVATE KEY-----\n";
    let key = SigningKey::from_pkcs8_pem(pem).unwrap();
    let shown = format!("{key:?} {:?} {}", key.verify_key(), key.gateway_name());
    // RFC 8037 appendix A.3 gives the thumbprint of this key.
    assert!(
        shown.contains("kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"),
        "{shown}"
    );
    assert!(
        !shown.contains("nWGxne") && !shown.contains("J1hsZ3v"),
        "{shown}"
    );
}

/// An Ed25519 key in PKCS#8 as OpenSSL writes it, and as other tools and editors leave it.
#[test]
fn a_signing_key_is_read_from_pem_and_from_nothing_else() {
    let base64 = "MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g";
    let pem = |label: &str, base64: &str| {
        format!("-----BEGIN {label}-----\n{base64}\n-----END {label}-----\n")
    };
    let fine = pem("PRIVATE KEY", base64);
    for read in [
        fine.clone(),
        fine.trim_end().to_owned(),
        fine.replace('\n', "\r\n"),
        format!("A gateway's key, made in 2026\n{fine}"),
        // Lines of another length than RFC 7468 has.
        pem(
            "PRIVATE KEY",
            &format!("{}\n{}", &base64[..32], &base64[32..]),
        ),
    ] {
        let key = SigningKey::from_pkcs8_pem(read.as_bytes());
        assert!(key.is_ok(), "{read:?}");
    }
    for refused in [
        String::new(),
        "nothing".to_owned(),
        base64.to_owned(),
        pem("PUBLIC KEY", base64),
        pem("ENCRYPTED PRIVATE KEY", base64),
        pem("PRIVATE KEY", "MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v"),
        pem("PRIVATE KEY", "%"),
        // An X25519 key.
        pem("PRIVATE KEY", &base64.replace("K2Vw", "K2Vu")),
    ] {
        let key = SigningKey::from_pkcs8_pem(refused.as_bytes());
        assert!(key.is_err(), "{refused:?}");
    }
}

#[test]
fn what_is_too_long_is_not_looked_at() {
    let result = peers().read(&vec![b'a'; MAX_MESSAGE + 1], NOW);
    assert_eq!(
        result.err(),
        Some(VerifyError::TooLong {
            length: MAX_MESSAGE + 1
        })
    );
}

proptest! {
    #[test]
    fn a_changed_message_is_refused(position in any::<prop::sample::Index>(), flip in 1u8..=255) {
        let peers = peers();
        let mut message = peers.request().sign(&peers.gateway, NOW, Duration::from_secs(30)).unwrap();
        let position = position.index(message.len());
        message[position] ^= flip;
        prop_assert!(peers.read(&message, NOW).is_err());
    }

    #[test]
    fn a_cut_message_is_refused(position in any::<prop::sample::Index>()) {
        let peers = peers();
        let message = peers.request().sign(&peers.gateway, NOW, Duration::from_secs(30)).unwrap();
        prop_assert!(peers.read(&message[..position.index(message.len())], NOW).is_err());
    }

    #[test]
    fn any_bytes_are_refused(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        prop_assert!(peers().read(&bytes, NOW).is_err());
    }
}
