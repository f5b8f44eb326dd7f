//! Bad input is answered with 400 and a violation that says which and why.

use proptest::prelude::*;

use crate::harness::{AGENT, GOOD, World, world};

async fn refused(world: &World, path: &str, body: impl Into<Vec<u8>>) -> (String, Vec<String>) {
    let answer = world.post(path, body.into()).await;
    assert_eq!(answer.status, 400, "{answer}");
    (answer.problem(), answer.violations())
}

/// A request whose `secret` has these members.
fn secret(members: &str) -> String {
    format!(r#"{{"secret":{{{members}}}}}"#)
}

#[tokio::test]
async fn each_is_named() {
    let world = world();
    let value = r#""value":{"password":"x"}"#;
    let named = |name: &str| secret(&format!(r#""name":{name},{value}"#));
    let cases: Vec<(&str, String, &str, &str)> = vec![
        ("an empty body", String::new(), "malformed-json", "#: "),
        ("an open brace", "{".into(), "malformed-json", "#: "),
        ("an array", "[]".into(), "invalid-request", "#: "),
        ("null", "null".into(), "invalid-request", "#: "),
        ("a megabyte of [", "[".repeat(1 << 20), "too-large", "#: "),
        (
            "deep nesting",
            format!("{{\"x\":{}", "[".repeat(100)),
            "invalid-request",
            "#",
        ),
        (
            "nothing in it",
            "{}".into(),
            "invalid-request",
            "#/secret: ",
        ),
        (
            "secret twice",
            format!(r#"{{"secret":{{"name":"a",{value}}},"secret":{{"name":"a",{value}}}}}"#),
            "invalid-request",
            "#/secret: ",
        ),
        (
            "Secret for secret",
            format!(r#"{{"Secret":{{"name":"a",{value}}}}}"#),
            "invalid-request",
            "#/secret: ",
        ),
        (
            "secret is a text",
            r#"{"secret":"x"}"#.into(),
            "invalid-request",
            "#/secret: ",
        ),
        (
            "name is null",
            named("null"),
            "invalid-request",
            "#/secret/name: ",
        ),
        (
            "name is a number",
            named("1"),
            "invalid-request",
            "#/secret/name: ",
        ),
        (
            "name is empty",
            named("\"\""),
            "invalid-request",
            "#/secret/name: ",
        ),
        (
            "no name",
            secret(value),
            "invalid-request",
            "#/secret/name: ",
        ),
        (
            "a name of 513 bytes",
            named(&format!("\"{}\"", "a".repeat(513))),
            "invalid-request",
            "#/secret/name: ",
        ),
        (
            "a control character",
            named(r#""a\u0007b""#),
            "invalid-request",
            "#/secret/name: ",
        ),
        (
            "half a surrogate pair",
            named(r#""a\ud800""#),
            "invalid-request",
            "#/secret/name: ",
        ),
        (
            "no value",
            secret(r#""name":"a""#),
            "invalid-request",
            "#/secret/value: ",
        ),
        (
            "value is null",
            secret(r#""name":"a","value":null"#),
            "invalid-request",
            "#/secret/value: ",
        ),
        (
            "a member twice in the value",
            secret(r#""name":"a","value":{"p":1,"\u0070":2}"#),
            "invalid-request",
            "#/secret/value/p: ",
        ),
        (
            "a key with a dot",
            secret(&format!(r#""name":"a","key":"a.b",{value}"#)),
            "invalid-request",
            "#/secret/key: ",
        ),
        (
            "a key that is not in the value",
            secret(&format!(r#""name":"a","key":"user",{value}"#)),
            "invalid-request",
            "#/secret/key: ",
        ),
        (
            "a type with a blank",
            secret(&format!(r#""name":"a","type":"A B",{value}"#)),
            "invalid-request",
            "#/secret/type: ",
        ),
        (
            "a value of more than 64 KiB",
            secret(&format!(
                r#""name":"a","value":{{"p":"{}"}}"#,
                "x".repeat(64 * 1024)
            )),
            "too-large",
            "#/secret/value: ",
        ),
        (
            "something after the object",
            format!("{GOOD}x"),
            "malformed-json",
            "#: ",
        ),
    ];
    for (what, body, problem, start) in cases {
        let (found, violations) = refused(&world, AGENT, body).await;
        assert_eq!(found, problem, "{what}: {violations:?}");
        let said = violations
            .iter()
            .any(|v| v.starts_with(start) && v.len() > start.len());
        assert!(said, "{what}: {violations:?}");
    }
}

#[tokio::test]
async fn bytes_that_are_no_text() {
    let world = world();
    let (problem, violations) = refused(
        &world,
        AGENT,
        b"{\"secret\":{\"name\":\"\xff\",\"value\":{}}}".to_vec(),
    )
    .await;
    assert_eq!(problem, "malformed-json", "{violations:?}");
    let (_, violations) = refused(&world, AGENT, format!("\u{feff}{GOOD}")).await;
    assert!(violations[0].contains("byte-order mark"), "{violations:?}");
}

#[tokio::test]
async fn parameters_are_named_first_and_with_the_rest() {
    let world = world();
    let (problem, violations) = refused(&world, &format!("{AGENT}?projectId=x"), GOOD).await;
    assert_eq!(problem, "invalid-parameter");
    assert!(violations[0].starts_with("projectId: "), "{violations:?}");

    for agent in ["a%20b", "%FF", "a%2Fb", "a.b", &"a".repeat(65)] {
        let (problem, violations) = refused(&world, agent, GOOD).await;
        assert_eq!(problem, "invalid-parameter", "{agent}");
        assert!(violations[0].starts_with("agentId: "), "{violations:?}");
    }

    let (problem, violations) = refused(&world, "a.b?projectId=x", "{").await;
    assert_eq!(problem, "malformed-json");
    let starts: Vec<_> = violations
        .iter()
        .map(|v| v.split(": ").next().unwrap())
        .collect();
    assert_eq!(starts, ["agentId", "projectId", "#"], "{violations:?}");
}

#[tokio::test]
async fn an_unknown_agent_is_named_when_all_else_is_in_order() {
    let world = world();
    let (problem, violations) = refused(&world, "nobody", GOOD).await;
    assert_eq!(problem, "unknown-agent");
    assert!(violations[0].starts_with("agentId: "), "{violations:?}");
    let (problem, _) = refused(&world, "nobody", "{}").await;
    assert_eq!(problem, "invalid-request");
}

#[tokio::test]
async fn violations_are_complete_however_many() {
    let world = world();
    let members: String = (0..600).map(|n| format!(r#""m{n}":1,"m{n}":2,"#)).collect();
    let body = format!(r#"{{"secret":{{"name":"","value":{{{members}"x":1}}}}}}"#);
    let (_, violations) = refused(&world, AGENT, body).await;
    assert!(violations[0].starts_with("#/secret/name: "));
    assert!(
        violations
            .iter()
            .any(|v| v.starts_with("#/secret/value/m500: ")),
        "{}",
        violations.len()
    );
}

#[tokio::test]
async fn a_value_is_never_echoed() {
    let world = world();
    for body in [
        secret(r#""name":"a","value":"canary""#),
        secret(r#""name":"a","key":"k","value":{"p":"canary"}"#),
        secret(r#""name":"a","value":{"p":"canary"}} canary"#),
        secret(r#""name":"a","value":{"p":"canary","p":"canary"}"#),
        secret(r#""name":"a","value":{"p":canary}"#),
    ] {
        let answer = world.post(AGENT, body).await;
        assert_eq!(answer.status, 400);
        assert!(!answer.body.contains("canary"), "{}", answer.body);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever is sent is stored or refused with a reason: no panic, no other status.
    #[test]
    fn any_body_gets_an_answer(
        body in prop_oneof![
            prop::collection::vec(any::<u8>(), 0..200),
            (any::<prop::sample::Index>(), any::<u8>()).prop_map(|(place, byte)| {
                let mut body = GOOD.as_bytes().to_vec();
                let place = place.index(body.len());
                body[place] = byte;
                body
            }),
            any::<prop::sample::Index>().prop_map(|end| GOOD.as_bytes()[..end.index(GOOD.len())].to_vec()),
        ],
        agent in prop_oneof![Just(AGENT.to_owned()), "[a-zA-Z0-9._~%-]{1,70}"],
        query in prop_oneof![Just(String::new()), "[a-zA-Z0-9&=%+_-]{0,60}"],
    ) {
        // A lone % in a path or query is a URI that clients can send and libraries take.
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let status = runtime.block_on(async {
            let world = world();
            let answer = world.post(&format!("{agent}?{query}"), body).await;
            if answer.status == 400 {
                assert!(!answer.violations().is_empty());
            }
            answer.status.as_u16()
        });
        prop_assert!(matches!(status, 201 | 400), "{status}");
    }
}
