//! Values that the caller has sealed: the road, and every way off it.

use std::{num::NonZeroU32, sync::Arc};

use axum::{body::Body, http::Request};
use base64ct::{Base64, Base64UrlUnpadded, Encoding as _};
use insta::assert_snapshot;
use sealpost_envelope::context::ProjectId;
use sealpost_envelope::{
    AwsLc, AwsLcRng, Recipient, SecretContext, Trust, UnixTime, binding::Binding, cms, jwe, wrapper,
};
use sealpost_gateway::{Limits, limits::RateLimit};
use sealpost_validator::{MAX_BODY, MAX_VALUE};
use tokio::task::JoinSet;

use crate::harness::{AGENT, Answer, CERTIFICATE, OFFLINE, PROJECT, World, world, world_with};

const VALUE: &[u8] = br#"{"password":"P@ssw0rd123"}"#;
pub(crate) const JOSE: &str = "application/jose";
const JOSE_JSON: &str = "application/jose+json";
const PKCS7: &str = "application/pkcs7-mime; smime-type=authEnveloped-data";

fn recipients() -> [Recipient<AwsLc>; 1] {
    let now = UnixTime::from_secs(2_000_000_000);
    [Recipient::from_certificate_pem(CERTIFICATE, &Trust::DangerAnyCertificate, now).unwrap()]
}

fn used(context: &SecretContext<'_>) -> Binding {
    let until = UnixTime::from_secs(2_000_000_600);
    Binding::new(context).with_use("j-1", until).unwrap()
}

fn jwe_of(binding: Option<&Binding>, form: jwe::Serialization, value: &[u8]) -> String {
    jwe::seal(&recipients(), binding, form, value, &mut AwsLcRng).unwrap()
}

pub(crate) fn compact(context: &SecretContext<'_>, value: &[u8]) -> String {
    jwe_of(Some(&used(context)), jwe::Serialization::Compact, value)
}

fn cms_of(context: &SecretContext<'_>, value: &[u8]) -> Vec<u8> {
    let wrapped = wrapper::wrap(&used(context), value);
    cms::seal(&recipients(), &wrapped, &mut AwsLcRng).unwrap()
}

/// The context of most requests here.
fn mine() -> SecretContext<'static> {
    SecretContext::unchecked(AGENT, "my-secret").with_unchecked_key("password")
}

impl World {
    async fn post_as(&self, path: &str, media_type: &str, body: impl Into<Body>) -> Answer {
        let mut request: Request<Body> = self.request(path, body);
        let media_type = media_type.parse().unwrap();
        request.headers_mut().insert("content-type", media_type);
        self.send(request).await
    }
}

#[tokio::test]
async fn created_from_a_jwe() {
    let world = world();
    assert_snapshot!(world.post_as(AGENT, JOSE, compact(&mine(), VALUE)).await, @r##"
    201 Created
    cache-control: no-store
    content-length: 74
    content-type: application/json
    x-content-type-options: nosniff
    x-request-id: test-request-1

    {"resolver_ref":"secret:my-secret#password","vaultSecretName":"my-secret"}
    "##);
    let resolved = world.resolver.resolve("secret:my-secret").await.unwrap();
    assert_eq!(resolved.as_json(), VALUE);
}

#[tokio::test]
async fn every_form_is_taken() {
    let pem = cms::to_pem(&cms_of(&mine(), VALUE));
    let der = cms_of(&mine(), VALUE);
    let base64 = Base64::encode_string(&der);
    let lines: Vec<_> = base64.as_bytes().chunks(76).collect();
    let lines = lines.join(&b"\r\n"[..]);
    let json = |form| jwe_of(Some(&used(&mine())), form, VALUE).into_bytes();
    let with_line_break = format!("{}\n", compact(&mine(), VALUE));
    for (media_type, body) in [
        (JOSE, with_line_break.into_bytes()),
        (JOSE_JSON, json(jwe::Serialization::Flattened)),
        (JOSE_JSON, json(jwe::Serialization::General)),
        (PKCS7, pem.replace('\n', "\r\n").into_bytes()),
        (PKCS7, format!(" {pem}sent by mail\n").into_bytes()),
        (PKCS7, pem.into_bytes()),
        (PKCS7, der),
        (PKCS7, base64.into_bytes()),
        (PKCS7, lines),
    ] {
        let world = world();
        let answer = world.post_as(AGENT, media_type, body).await;
        assert_eq!(answer.status, 201, "{answer}");
        let resolved = world.resolver.resolve("secret:my-secret#password").await;
        assert_eq!(resolved.unwrap().as_json(), b"\"P@ssw0rd123\"");
    }
}

#[tokio::test]
async fn the_largest_values_fit() {
    let value = format!("{{\"p\":\"{}\"}}", "x".repeat(MAX_VALUE - 8)).into_bytes();
    let (name, key) = ("\"".repeat(512), "p");
    let context = SecretContext::unchecked(AGENT, &name).with_unchecked_key(key);
    let flattened = jwe_of(Some(&used(&context)), jwe::Serialization::Flattened, &value);
    let pem = cms::to_pem(&cms_of(&context, &value));
    for (media_type, body) in [
        (JOSE, compact(&context, &value)),
        (JOSE_JSON, flattened),
        (PKCS7, pem),
    ] {
        assert!(body.len() <= MAX_BODY, "{}", body.len());
        let answer = world().post_as(AGENT, media_type, body).await;
        assert_eq!(answer.status, 201, "{answer}");
    }
    let mut long = value;
    long.insert(1, b' ');
    let answer = world().post_as(AGENT, JOSE, compact(&context, &long)).await;
    assert_eq!(answer.problem(), "invalid-request");
    assert!(answer.violations()[0].starts_with("#/secret/value: "));
    let answer = world().post_as(AGENT, JOSE, vec![b'e'; MAX_BODY + 1]).await;
    assert_eq!(answer.problem(), "too-large");
}

#[tokio::test]
async fn another_context_than_the_urls() {
    let world = world();
    let project = [7; 16];
    let context =
        SecretContext::unchecked("another", "n").with_project(ProjectId::from_bytes(project));
    assert_snapshot!(world.post_as(AGENT, JOSE, compact(&context, VALUE)).await, @r##"
    400 Bad Request
    cache-control: no-store
    content-length: 437
    content-type: application/problem+json
    x-content-type-options: nosniff
    x-request-id: test-request-1

    {"type":"urn:sealpost:problem:context-mismatch","title":"The value is sealed for something else","status":400,"detail":"There are 2 violations: fix them and resend the request.","instance":"urn:sealpost:request:test-request-1","violations":["agentId: the value is sealed for another agent; send it to the one that its context names","projectId: the value is sealed for another project, or for none; give the one that its context names"]}
    "##);
    // The project of the query and of the context, each missing in turn.
    let in_project = SecretContext::unchecked(AGENT, "n").with_project(ProjectId::from_bytes(
        *b"\x0b\x9c\x4f\x6e\x7d\x1a\x4a\x52\x8f\x37\x1a\x2b\x3c\x4d\x5e\x6f",
    ));
    let path = format!("{AGENT}?projectId={PROJECT}");
    for (path, context, good) in [
        (AGENT, in_project, false),
        (&path, mine(), false),
        (&path, in_project, true),
    ] {
        for (media_type, body) in [
            (JOSE, compact(&context, br#"{"password":1}"#).into_bytes()),
            (PKCS7, cms_of(&context, br#"{"password":1}"#)),
        ] {
            let world = crate::harness::world();
            let answer = world.post_as(path, media_type, body).await;
            if good {
                assert_eq!(answer.status, 201, "{answer}");
            } else {
                assert_eq!(answer.problem(), "context-mismatch", "{answer}");
                assert!(
                    answer.violations()[0].starts_with("projectId: "),
                    "{answer}"
                );
            }
        }
    }
}

#[tokio::test]
async fn a_context_breaks_the_same_rules() {
    let context = SecretContext::unchecked(AGENT, "a\u{7}")
        .with_unchecked_key("a\u{1}")
        .with_unchecked_type("no type");
    let unused = Binding::new(&context);
    let body = jwe_of(Some(&unused), jwe::Serialization::Compact, VALUE);
    let answer = world().post_as("not+an+agent", JOSE, body).await;
    assert_snapshot!(answer, @r##"
    400 Bad Request
    cache-control: no-store
    content-length: 749
    content-type: application/problem+json
    x-content-type-options: nosniff
    x-request-id: test-request-1

    {"type":"urn:sealpost:problem:invalid-request","title":"The request breaks rules","status":400,"detail":"There are 6 violations: fix them and resend the request.","instance":"urn:sealpost:request:test-request-1","violations":["agentId: must be 1 to 64 ASCII letters, digits, `_` or `-`; give the id that the agent has","#/secret/name: has a control character (U+0000 to U+001F, U+007F); leave it out","#/secret/key: has a control character (U+0000 to U+001F, U+007F); leave it out","#/secret/type: must be an ASCII letter and up to 63 ASCII letters, digits or `_`, such as \"PASSWORD\"","#/sealpost/jti: is missing; seal with a random identifier for each value","#/sealpost/exp: is missing; seal with the time until which the value is to be taken"]}
    "##);
}

#[tokio::test]
async fn what_can_not_be_read_says_why() {
    let good = compact(&mine(), VALUE);
    let (_, rest) = good.split_once('.').unwrap();
    let with_header = |header: &str| {
        let header = Base64UrlUnpadded::encode_string(header.as_bytes());
        format!("{header}.{rest}")
    };
    let context = used(&mine()).to_json();
    let header = |alg: &str, more: &str| {
        with_header(&format!(
            r#"{{"alg":"{alg}","enc":"A256GCM"{more},"sealpost":{context}}}"#
        ))
    };
    let kid = format!(r#","kid":"{}""#, "A".repeat(43));
    let unbound = jwe_of(None, jwe::Serialization::Compact, VALUE);
    let flattened = jwe_of(Some(&used(&mine())), jwe::Serialization::Flattened, VALUE);
    let mut ber = cms_of(&mine(), VALUE);
    ber[1] = 0x80;
    let pem = cms::to_pem(&cms_of(&mine(), VALUE));
    let cases: [(&str, Vec<u8>); 18] = [
        (JOSE, Vec::new()),
        (JOSE, b"a.b.c".to_vec()),
        (JOSE, b"\xff\xfe.b.c.d.e".to_vec()),
        (JOSE, header("RSA1_5", &kid).into()),
        (JOSE, header("dir", &kid).into()),
        (
            JOSE,
            header("RSA-OAEP-256", &format!(r#"{kid},"zip":"DEF""#)).into(),
        ),
        (
            JOSE,
            header("RSA-OAEP-256", &format!(r#"{kid},"crit":["x"]"#)).into(),
        ),
        // Names no key, and one that is not there.
        (JOSE, header("RSA-OAEP-256", "").into()),
        (JOSE, header("RSA-OAEP-256", &kid).into()),
        (JOSE, unbound.into()),
        (JOSE, flattened.into()),
        (JOSE_JSON, good.clone().into()),
        (JOSE_JSON, b"{}".to_vec()),
        (PKCS7, b"nonsense!".to_vec()),
        (PKCS7, b"-----BEGIN CMS-----\nAAAA\n".to_vec()),
        // Coded twice.
        (PKCS7, Base64::encode_string(pem.as_bytes()).into()),
        (PKCS7, ber),
        (PKCS7, vec![0x30; 500]),
    ];
    for (n, (media_type, body)) in cases.into_iter().enumerate() {
        let answer = world().post_as(AGENT, media_type, body).await;
        assert_eq!(answer.status, 400, "{n}: {answer}");
        assert_eq!(answer.problem(), "sealed-unreadable", "{n}: {answer}");
        let violations = answer.violations();
        assert!(
            violations.len() == 1 && violations[0].starts_with("#: "),
            "{n}: {answer}"
        );
    }
    assert_snapshot!(world().post_as(AGENT, JOSE, header("RSA1_5", &kid)).await, @r##"
    400 Bad Request
    cache-control: no-store
    content-length: 326
    content-type: application/problem+json
    x-content-type-options: nosniff
    x-request-id: test-request-1

    {"type":"urn:sealpost:problem:sealed-unreadable","title":"The sealed value can't be read","status":400,"detail":"There is one violation: fix it and resend the request.","instance":"urn:sealpost:request:test-request-1","violations":["#: the JWE's \"alg\" is RSA1_5, which leaks through its padding: seal it with RSA-OAEP-256"]}
    "##);
}

/// A JWE whose tag was changed.
fn changed() -> String {
    let mut jwe = compact(&mine(), VALUE);
    let tag = jwe.rfind('.').unwrap() + 1;
    let replacement = if &jwe[tag..=tag] == "A" { "B" } else { "A" };
    jwe.replace_range(tag..=tag, replacement);
    jwe
}

#[tokio::test]
async fn what_does_not_open_is_dear() {
    let mut limits = Limits::default();
    limits.rate = Some(RateLimit {
        per_second: NonZeroU32::MIN,
        burst: NonZeroU32::new(50).unwrap(),
    });
    let world = world_with(limits);
    for n in 0..3 {
        // What is merely malformed costs as any request.
        let answer = world.post_as(AGENT, JOSE, "a.b.c").await;
        assert_eq!(answer.problem(), "sealed-unreadable", "{n}");
    }
    let answer = world.post_as(AGENT, JOSE, changed()).await;
    assert_eq!(answer.problem(), "sealed-does-not-open");
    let answer = world.post(AGENT, crate::harness::GOOD).await;
    assert_eq!(answer.problem(), "rate-limited", "{answer}");
    let wait: u64 = answer.headers["retry-after"]
        .to_str()
        .unwrap()
        .parse()
        .unwrap();
    // A hundred requests, and one more to send the next; the burst is no bound to the debt.
    assert!((53..=55).contains(&wait), "{answer}");
}

/// All are let in before the first has failed.
#[tokio::test(flavor = "multi_thread")]
async fn parallel_failed_opens_use_the_key_no_oftener_than_their_rate_pays_for() {
    for (burst, uses) in [(50, 1), (250, 3)] {
        let mut limits = Limits::default();
        limits.rate = Some(RateLimit {
            per_second: NonZeroU32::MIN,
            burst: NonZeroU32::new(burst).unwrap(),
        });
        let world = Arc::new(world_with(limits));
        let changed = changed();
        let mut sent = JoinSet::new();
        for _ in 0..40 {
            let (world, changed) = (Arc::clone(&world), changed.clone());
            sent.spawn(async move { world.post_as(AGENT, JOSE, changed).await.problem() });
        }
        let answers = sent.join_all().await;
        let count = |name: &str| answers.iter().filter(|answer| *answer == name).count();
        let opened = count("sealed-does-not-open");
        // As many as one after the other: a new one begins as long as nothing is owed.
        assert_eq!(opened, uses, "burst {burst}");
        assert_eq!(opened + count("rate-limited"), 40);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn parallel_opens_that_succeed_are_not_limited_by_what_they_might_have_cost() {
    let mut limits = Limits::default();
    limits.rate = Some(RateLimit {
        per_second: NonZeroU32::MIN,
        burst: NonZeroU32::new(150).unwrap(),
    });
    let world = Arc::new(world_with(limits));
    let mut sent = JoinSet::new();
    for n in 0..40 {
        let world = Arc::clone(&world);
        sent.spawn(async move {
            let name = format!("n{n}");
            let context = SecretContext::unchecked(AGENT, &name).with_unchecked_key("password");
            let sealed = compact(&context, VALUE);
            world.post_as(AGENT, JOSE, sealed).await.status
        });
    }
    let answers = sent.join_all().await;
    assert!(answers.iter().all(|status| *status == 201), "{answers:?}");
}

#[tokio::test]
async fn what_does_not_open_says_nothing() {
    let changed = changed();
    assert_snapshot!(world().post_as(AGENT, JOSE, changed).await, @r##"
    400 Bad Request
    cache-control: no-store
    content-length: 404
    content-type: application/problem+json
    x-content-type-options: nosniff
    x-request-id: test-request-1

    {"type":"urn:sealpost:problem:sealed-does-not-open","title":"The sealed value does not open","status":400,"detail":"There is one violation: fix it and resend the request. This agent process stored nothing.","instance":"urn:sealpost:request:test-request-1","violations":["#: the value does not open: it was sealed for another context, or it was changed; seal it again to the agent's current certificate"]}
    "##);
}

#[tokio::test]
async fn bare_cms_is_refused() {
    let bare = cms::seal(&recipients(), VALUE, &mut AwsLcRng).unwrap();
    let answer = world().post_as(AGENT, PKCS7, bare).await;
    assert_eq!(answer.problem(), "invalid-request", "{answer}");
    assert!(answer.violations()[0].contains("sealpost wrap"), "{answer}");
    assert!(!answer.body.contains("P@ssw0rd"), "{answer}");
}

#[tokio::test]
async fn a_sealed_value_is_good_once() {
    let world = world();
    let jwe = compact(&mine(), VALUE);
    let first = world.post_as(AGENT, JOSE, jwe.clone()).await.to_string();
    assert!(first.starts_with("201"), "{first}");
    // The same bytes get the same answer; others with the same identifier none.
    assert_eq!(world.post_as(AGENT, JOSE, jwe).await.to_string(), first);
    let other = world.post_as(AGENT, JOSE, compact(&mine(), VALUE)).await;
    assert!(
        other.violations()[0].starts_with("#/sealpost/jti: "),
        "{other}"
    );
    // And it expires.
    world.clock.set(2_000_000_660);
    let late = world.post_as(AGENT, JOSE, compact(&mine(), VALUE)).await;
    assert!(
        late.violations()[0].starts_with("#/sealpost/exp: "),
        "{late}"
    );
}

#[tokio::test]
async fn who_may_not_write_learns_nothing() {
    let world = world();
    let mut request = world.request(AGENT, compact(&mine(), VALUE));
    request
        .headers_mut()
        .insert("content-type", JOSE.parse().unwrap());
    request.headers_mut().remove("authorization");
    assert_eq!(world.send(request).await.status, 403);
    let offline = SecretContext::unchecked(OFFLINE, "n").with_unchecked_key("password");
    let answer = world.post_as(OFFLINE, JOSE, compact(&offline, VALUE)).await;
    assert_eq!(answer.problem(), "agent-offline");
    let nobody = SecretContext::unchecked("nobody", "n");
    let answer = world.post_as("nobody", JOSE, compact(&nobody, VALUE)).await;
    assert_eq!(answer.problem(), "unknown-agent");
}
