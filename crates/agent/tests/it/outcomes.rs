//! What becomes of a request that a trusted gateway has signed. The agent believes it no more than its signature.

use sealpost_channel::{Kind, Outcome};
use sealpost_vault::error::{CreateError, VaultFailure};

use crate::harness::{Fault, MAX_VALUE, owned, world};

const VALUE: &[u8] = br#"{"password":"P@ss","user":"ada"}"#;

fn violations(outcome: Outcome) -> Vec<String> {
    match outcome {
        Outcome::Refused(violations) => violations,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn stored_and_resolved() {
    let world = world();
    let context = world.context("db");
    let context = owned(context.borrow().with_unchecked_key("user"));
    let outcome = world.ask(&world.request(context, VALUE)).await;
    assert_eq!(
        outcome,
        Outcome::Stored {
            resolver_ref: "secret:db#user".into(),
            vault_secret_name: "db".into()
        }
    );
    let resolved = world.resolver.resolve("secret:db#user").await.unwrap();
    assert_eq!(resolved.as_json(), b"\"ada\"");
    let whole = world.resolver.resolve("secret:db").await.unwrap();
    assert_eq!(whole.as_json(), VALUE);
    assert!(!format!("{whole:?} {:?}", world.agent).contains("ada"));
}

#[tokio::test]
async fn the_same_message_again_gets_its_own_answer() {
    let world = world();
    let request = world.request(world.context("db"), VALUE);
    let message = world.sign(&request);
    let first = world.play(&message).await;
    assert!(matches!(first, Outcome::Stored { .. }));
    assert_eq!(world.play(&message).await, first);
    // The same request in another message is another attempt, even under the same id.
    assert_eq!(world.ask(&request).await, Outcome::Exists);
}

#[tokio::test]
async fn the_context_is_checked_before_the_key_is_used() {
    let world = world();
    // The JWE is none: with a rule broken it is not looked at.
    for kind in [Kind::Clear, Kind::Jwe] {
        let mut request = world.request(world.context("db"), b"nonsense");
        request.kind = kind;
        let broken = ["a\u{7}b", "a\u{7}b", "no type"];
        request.names = Some(broken.map(|text| Some(text.to_owned())));
        let violations = violations(world.ask(&request).await);
        let places: Vec<_> = violations
            .iter()
            .map(|v| v.split(": ").next().unwrap())
            .collect();
        assert_eq!(places, ["#/secret/name", "#/secret/key", "#/secret/type"]);
    }
}

#[tokio::test]
async fn the_value_is_validated_again() {
    let world = world();
    let cases: [(&[u8], &str); 7] = [
        (b"[]", "#/secret/value: "),
        (b"{", "#/secret/value: "),
        (b"{\"a\":1,\"a\":2}", "#/secret/value: "),
        (b"{\"a\":\"\xff\"}", "#/secret/value"),
        (b"{\"a\":\"\\ud800\"}", "#/secret/value"),
        (b"{\"a\":1} x", "#/secret/value: "),
        (b"\xef\xbb\xbf{}", "#/secret/value: "),
    ];
    for (value, start) in cases {
        let violations = violations(world.ask(&world.request(world.context("db"), value)).await);
        assert!(violations[0].starts_with(start), "{violations:?}");
    }
    assert!(world.vault.secrets.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_reply_names_no_members() {
    let world = world();
    let context = world.context("db");
    let context = owned(context.borrow().with_unchecked_key("pin"));
    let violations = violations(world.ask(&world.request(context, VALUE)).await);
    assert!(
        violations[0].starts_with("#/secret/key: "),
        "{violations:?}"
    );
    assert!(
        !violations[0].contains("user") && !violations[0].contains("password"),
        "{violations:?}"
    );
}

#[tokio::test]
async fn the_vaults_limit_is_a_violation() {
    let world = world();
    let value = |length: usize| format!("{{\"p\":\"{}\"}}", "x".repeat(length - 8)).into_bytes();
    let fits = world.request(world.context("fits"), &value(MAX_VALUE));
    assert!(matches!(world.ask(&fits).await, Outcome::Stored { .. }));
    let long = world.request(world.context("long"), &value(MAX_VALUE + 1));
    let violations = violations(world.ask(&long).await);
    assert!(
        violations[0].starts_with("#/secret/value: has 25001 bytes"),
        "{violations:?}"
    );
}

#[tokio::test]
async fn the_agent_checks_the_name_against_its_vaults_limit_as_well() {
    let world = world();
    *world.vault.max_name.lock().unwrap() = Some(10);
    let fits = world.request(world.context("ten-bytes-"), b"{}");
    assert!(matches!(world.ask(&fits).await, Outcome::Stored { .. }));
    let long = world.request(world.context("eleven-byte"), b"{}");
    let violations = violations(world.ask(&long).await);
    let expected =
        "#/secret/name: has 11 bytes in the agent's vault, which takes 10; choose a shorter one";
    assert_eq!(violations, [expected]);
}

#[tokio::test]
async fn what_the_vault_says_is_passed_on() {
    let world = world();
    let refused = Outcome::Refused(vec![
        "#/secret/value: the agent's vault does not take it (at most 498 members); store another value"
            .into(),
    ]);
    let answers = [
        (CreateError::Exists, Outcome::Exists),
        (CreateError::PendingDeletion, Outcome::PendingDeletion),
        (
            CreateError::ValueRefused {
                limit: "at most 498 members".into(),
            },
            refused,
        ),
    ];
    let failures = [
        VaultFailure::Denied {
            permission: "permission-canary".into(),
        },
        VaultFailure::unauthenticated("cause-canary"),
        VaultFailure::Throttled { wait: None },
        VaultFailure::Full,
        VaultFailure::unavailable("cause-canary"),
        VaultFailure::unusable("cause-canary"),
    ]
    .map(|failure| (CreateError::Failed(failure), Outcome::Failed));
    for (error, expected) in answers.into_iter().chain(failures) {
        *world.vault.fault.lock().unwrap() = Some(Fault::Create(error));
        assert_eq!(
            world.ask(&world.request(world.context("db"), VALUE)).await,
            expected
        );
    }
}
