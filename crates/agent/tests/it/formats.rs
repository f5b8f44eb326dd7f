//! Values that were sealed at the source: what is taken, and everything that is not.

use base64ct::Encoding as _;
use sealpost_agent::{Accept, LocalKeyring};
use sealpost_channel::{Kind, Outcome, RefusalCode, gateway::Answer};
use sealpost_context::{OwnedContext, SecretContext};
use sealpost_envelope::{AwsLcRng, UnixTime, binding::Binding, cms, jwe, wrapper};

use crate::harness::{
    Ask, CERTIFICATE, KEY, NOW, OTHER_CERTIFICATE, World, identity, jwe_for, owned, recipient,
    send, used, world, world_of, world_with,
};

const VALUE: &[u8] = br#" {"password": "P@ss", "n": 1.50} "#;
const OBJECT: &[u8] = br#"{"password": "P@ss", "n": 1.50}"#;

fn all() -> World {
    world_with(|agent| agent.with_accept(Accept::parse(["native", "jwe", "cms"]).unwrap()))
}

fn context(world: &World) -> OwnedContext {
    owned(
        SecretContext::unchecked(world.id.as_str(), "db")
            .with_project(PROJECT.parse().unwrap())
            .with_unchecked_key("password")
            .with_unchecked_type("PASSWORD"),
    )
}

const PROJECT: &str = "0b9c4f6e-7d1a-4a52-8f37-1a2b3c4d5e6f";

fn stored() -> Outcome {
    Outcome::Stored {
        resolver_ref: "secret:p0b9c4f6e7d1a4a528f371a2b3c4d5e6f-db#password".into(),
        vault_secret_name: "p0b9c4f6e7d1a4a528f371a2b3c4d5e6f-db".into(),
    }
}

#[tokio::test]
async fn jwe_and_cms_are_stored_as_they_were_sealed() {
    for format in ["jwe", "cms"] {
        let world = all();
        let context = context(&world);
        let request = match format {
            "jwe" => world.jwe(context, "j-1", VALUE),
            _ => world.cms(&context, "j-1", VALUE),
        };
        assert_eq!(world.ask(&request).await, stored());
        let resolver_ref = "secret:p0b9c4f6e7d1a4a528f371a2b3c4d5e6f-db";
        let secret = world.resolver.resolve(resolver_ref).await.unwrap();
        assert_eq!(secret.as_json(), OBJECT);
    }
}

#[tokio::test]
async fn only_what_the_policy_names_is_taken() {
    let world = world();
    let accepted = vec![Kind::Clear.number(), Kind::Jwe.number()];
    let request = world.cms(&world.context("db"), "j", VALUE);
    assert_eq!(world.ask(&request).await, Outcome::NotAccepted(accepted));

    let cms_alone = world_with(|agent| agent.with_accept(Accept::parse(["cms"]).unwrap()));
    let context = cms_alone.context("db");
    for request in [
        cms_alone.request(context.clone(), VALUE),
        cms_alone.jwe(context.clone(), "j", VALUE),
    ] {
        let outcome = cms_alone.ask(&request).await;
        assert!(matches!(outcome, Outcome::NotAccepted(_)), "{outcome:?}");
    }
    let request = cms_alone.cms(&context, "j", VALUE);
    assert!(matches!(
        cms_alone.ask(&request).await,
        Outcome::Stored { .. }
    ));
}

#[tokio::test]
async fn another_context_is_told_before_the_key_is_used() {
    let world = all();
    let good = context(&world);
    let project = PROJECT.parse().unwrap();
    let bare = SecretContext::unchecked(world.id.as_str(), "db");
    let (key, secret_type) = ("password", "PASSWORD");
    let full = good.borrow();
    let others = [
        SecretContext::unchecked(world.id.as_str(), "db2")
            .with_project(project)
            .with_unchecked_key(key)
            .with_unchecked_type(secret_type),
        bare.with_unchecked_key(key)
            .with_unchecked_type(secret_type),
        bare.with_project(project).with_unchecked_type(secret_type),
        full.with_unchecked_key("user"),
        bare.with_project(project).with_unchecked_key(key),
    ];
    for other in others {
        let jwe = jwe_for(&used(&good, "j"), VALUE);
        let request = Ask::new(Kind::Jwe, &owned(other), jwe.as_bytes());
        let outcome = world.ask(&request).await;
        assert!(
            matches!(outcome, Outcome::ContextMismatch(_)),
            "{outcome:?}"
        );
    }
    assert_eq!(world.failed_opens(), 0);
    assert!(world.vault.secrets.lock().unwrap().is_empty());
}

#[tokio::test]
async fn cms_for_another_owner_is_refused_after_opening() {
    let world = all();
    let good = context(&world);
    let sealed_for = |context: SecretContext<'_>| {
        owned(
            context
                .with_unchecked_key("password")
                .with_unchecked_type("PASSWORD"),
        )
    };
    let other_project = sealed_for(SecretContext::unchecked(world.id.as_str(), "db"));
    let other_agent = SecretContext::unchecked("b2048", "db");
    let other_agent = sealed_for(other_agent.with_project(PROJECT.parse().unwrap()));
    for (inside, violation) in [(other_project, "projectId: "), (other_agent, "agentId: ")] {
        let wrapped = wrapper::wrap(&used(&inside, "j"), VALUE);
        match world.ask(&world.wrapped(&wrapped, &good)).await {
            Outcome::ContextMismatch(violations) => {
                assert!(violations[0].starts_with(violation), "{violations:?}");
            }
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn bare_cms_is_never_taken() {
    let world = all();
    let context = world.context("db");
    for inside in [
        VALUE,
        br#"{"value":{"password":"x"}}"#,
        br#"{"sealpost":{"agent":"a2048","name":"db"},"value":{},"x":1}"#,
        b"hunter2",
        b"",
    ] {
        match world.ask(&world.wrapped(inside, &context)).await {
            Outcome::Refused(violations) => {
                assert!(violations[0].contains("wrapper"), "{violations:?}");
                assert!(!violations[0].contains("hunter2"), "{violations:?}");
            }
            other => panic!("{other:?}"),
        }
    }
    assert!(world.vault.secrets.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_use_and_its_time_are_needed() {
    let world = all();
    let context = world.context("db");
    let seconds = |seconds: i64| {
        let time = NOW.as_secs().checked_add_signed(seconds).unwrap();
        let binding = Binding::new(&context.borrow());
        binding.with_use("j", UnixTime::from_secs(time)).unwrap()
    };
    for binding in [
        Binding::new(&context.borrow()),
        seconds(-60),
        seconds(24 * 3600 + 61),
    ] {
        let jwe = Ask::new(Kind::Jwe, &context, jwe_for(&binding, VALUE).as_bytes());
        let cms = world.wrapped(&wrapper::wrap(&binding, VALUE), &context);
        for request in [jwe, cms] {
            match world.ask(&request).await {
                Outcome::Refused(violations) => assert!(
                    violations.iter().all(|v| v.starts_with("#/sealpost/")),
                    "{violations:?}"
                ),
                other => panic!("{other:?}"),
            }
        }
    }
}

#[tokio::test]
async fn what_is_inside_is_validated_and_never_repeated() {
    let world = all();
    let context = world.context("db");
    let context = owned(context.borrow().with_unchecked_key("absent"));
    for value in [
        &br#"["hunter2"]"#[..],
        br#"{"hunter2":1}"#,
        br#"{"absent":1,"absent":"hunter2"}"#,
    ] {
        for request in [
            world.jwe(context.clone(), "j", value),
            world.cms(&context, "j", value),
        ] {
            match world.ask(&request).await {
                Outcome::Refused(violations) => {
                    assert!(violations[0].starts_with("#/secret/"), "{violations:?}");
                    assert!(!violations.join(" ").contains("hunter2"), "{violations:?}");
                }
                other => panic!("{other:?}"),
            }
        }
    }
    // A name that may not be, which the gateway would have refused.
    let control = SecretContext::unchecked(world.id.as_str(), "a\u{7}b");
    let binding = Binding::new(&control);
    let until = UnixTime::from_secs(NOW.as_secs() + 600);
    let binding = binding.with_use("j", until).unwrap();
    let cms = world.wrapped(&wrapper::wrap(&binding, b"{}"), &context);
    let mut jwe = world.jwe(world.context("db"), "j", b"{}");
    jwe.content = jwe_for(&binding, b"{}").into_bytes();
    jwe.names = Some([Some("a\u{7}b".into()), None, None]);
    for request in [cms, jwe] {
        match world.ask(&request).await {
            Outcome::Refused(violations) => assert!(
                violations[0].starts_with("#/secret/name: has a control character"),
                "{violations:?}"
            ),
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn no_key_is_guessed_and_no_other_tried() {
    let world = all();
    let context = world.context("db");
    let sealing = used(&context, "j");
    let to_another = jwe::seal(
        &[recipient(OTHER_CERTIFICATE)],
        Some(&sealing),
        jwe::Serialization::Compact,
        VALUE,
        &mut AwsLcRng,
    );
    let unbound = jwe::seal(
        &[recipient(CERTIFICATE)],
        None,
        jwe::Serialization::Compact,
        VALUE,
        &mut AwsLcRng,
    );
    let der = cms::seal(&[recipient(OTHER_CERTIFICATE)], VALUE, &mut AwsLcRng).unwrap();
    let jwe = |jwe: String| Ask::new(Kind::Jwe, &context, jwe.as_bytes());
    let cms = |der: &[u8]| Ask::new(Kind::Cms, &context, der);
    for request in [
        jwe(to_another.unwrap()),
        jwe(unbound.unwrap()),
        jwe(unnamed(&sealing)),
        jwe("a.b.c".into()),
        cms(&der),
        cms(b"nonsense"),
        cms(b"-----BEGIN CMS-----"),
    ] {
        match world.ask(&request).await {
            Outcome::Unreadable(reason) => assert!(reason.len() > 20, "{reason}"),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(world.failed_opens(), 0);
}

/// A JWE to the agent's key that does not say so.
fn unnamed(binding: &Binding) -> String {
    let named = jwe_for(binding, VALUE);
    let (header, rest) = named.split_once('.').unwrap();
    let header = base64ct::Base64UrlUnpadded::decode_vec(header).unwrap();
    let header = String::from_utf8(header).unwrap();
    let start = header.find("\"kid\"").unwrap();
    let end = header.find("\"sealpost\"").unwrap();
    let header = format!("{}{}", &header[..start], &header[end..]);
    let header = base64ct::Base64UrlUnpadded::encode_string(header.as_bytes());
    format!("{header}.{rest}")
}

#[tokio::test]
async fn what_does_not_open_says_nothing_and_is_counted() {
    let world = all();
    let context = world.context("db");
    // The last of the tag's bytes, whose character has no spare bits to notice it by.
    let mut text = jwe_for(&used(&context, "j"), VALUE);
    let tag = text.rfind('.').unwrap() + 1;
    let replacement = if &text[tag..=tag] == "A" { "B" } else { "A" };
    text.replace_range(tag..=tag, replacement);
    let jwe = Ask::new(Kind::Jwe, &context, text.as_bytes());
    let mut cms = world.cms(&context, "j", VALUE);
    *cms.content.last_mut().unwrap() ^= 1;
    for (request, count) in [(jwe, 1), (cms, 2)] {
        assert_eq!(world.ask(&request).await, Outcome::DoesNotOpen);
        assert_eq!(world.failed_opens(), count);
    }
}

#[tokio::test]
async fn old_identities_still_open() {
    let old_key: &[u8] = include_bytes!("../../../../testdata/keys/agent-b2048.key.pem");
    let old = identity(old_key, OTHER_CERTIFICATE);
    let keys = LocalKeyring::with_old(identity(KEY, CERTIFICATE), [old]).unwrap();
    let rotated = world_of(keys, |agent| agent);
    let ask = rotated.request(rotated.context("db"), VALUE);
    let channel = rotated.open(OTHER_CERTIFICATE, &rotated.gateway, rotated.id);
    let outcome = rotated.play(&send(&channel, &ask, NOW)).await;
    assert!(matches!(outcome, Outcome::Stored { .. }), "{outcome:?}");
    let sealing = used(&rotated.context("jwe"), "j");
    let sealed_to_old = jwe::seal(
        &[recipient(OTHER_CERTIFICATE)],
        Some(&sealing),
        jwe::Serialization::Compact,
        VALUE,
        &mut AwsLcRng,
    );
    let ask = Ask::new(
        Kind::Jwe,
        &rotated.context("jwe"),
        sealed_to_old.unwrap().as_bytes(),
    );
    let outcome = rotated.ask(&ask).await;
    assert!(matches!(outcome, Outcome::Stored { .. }), "{outcome:?}");
    let unrotated = world();
    let channel = unrotated.open(OTHER_CERTIFICATE, &unrotated.gateway, unrotated.id);
    let answer = unrotated.answer(&send(&channel, &ask, NOW)).await;
    assert_eq!(answer, Answer::Refused(RefusalCode::OtherKey));
    let outcome = unrotated.ask(&ask).await;
    assert!(matches!(outcome, Outcome::Unreadable(_)), "{outcome:?}");
}
