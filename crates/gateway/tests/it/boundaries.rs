//! Every limit of a request: what is just within it is stored, and what is just beyond is refused.

use serde_json::{Map, Value, json};

use crate::harness::{AGENT, PROJECT, World, world};

/// A request whose `secret` has these members.
fn body(secret: &Value) -> Vec<u8> {
    json!({ "secret": secret }).to_string().into_bytes()
}

async fn stored(world: &World, what: &str, path: &str, body: Vec<u8>) {
    let answer = world.post(path, body).await;
    assert_eq!(answer.status, 201, "{what}: {answer}");
}

async fn refused(world: &World, what: &str, path: &str, body: Vec<u8>, problem: &str, start: &str) {
    let answer = world.post(path, body).await;
    assert_eq!(answer.status, 400, "{what}: {answer}");
    assert_eq!(answer.problem(), problem, "{what}: {answer}");
    let violations = answer.violations();
    assert!(
        violations.iter().any(|v| v.starts_with(start)),
        "{what}: {violations:?}"
    );
}

#[tokio::test]
async fn names_keys_and_types() {
    let world = world();
    let value = json!({"p": "x"});
    for (index, good) in [
        json!({"name": "a", "value": value}),
        json!({"name": "n".repeat(512), "value": value}),
        // Bytes count, not characters.
        json!({"name": "é".repeat(256), "value": value}),
        json!({"name": "😀".repeat(128), "value": value}),
        json!({"name": "k", "key": "k".repeat(256), "value": {"k".repeat(256): 1}}),
        json!({"name": "k1", "key": "k", "value": {"k": 1}}),
        json!({"name": "t", "type": "T", "value": value}),
        json!({"name": "t64", "type": "T".repeat(64), "value": value}),
    ]
    .iter()
    .enumerate()
    {
        stored(&world, &index.to_string(), AGENT, body(good)).await;
    }
    for (bad, start) in [
        (json!({"name": "", "value": value}), "#/secret/name: "),
        (
            json!({"name": "n".repeat(513), "value": value}),
            "#/secret/name: ",
        ),
        (
            json!({"name": format!("{}x", "é".repeat(256)), "value": value}),
            "#/secret/name: ",
        ),
        (
            json!({"name": "k", "key": "k".repeat(257), "value": {"k".repeat(257): 1}}),
            "#/secret/key: ",
        ),
        (
            json!({"name": "k", "key": "", "value": {"": 1}}),
            "#/secret/key: ",
        ),
        (
            json!({"name": "t", "type": "T".repeat(65), "value": value}),
            "#/secret/type: ",
        ),
        (
            json!({"name": "t", "type": "", "value": value}),
            "#/secret/type: ",
        ),
    ] {
        refused(&world, start, AGENT, body(&bad), "invalid-request", start).await;
    }
}

/// A value of exactly so many bytes.
fn value_of(bytes: usize) -> String {
    let frame = r#"{"p":""}"#.len();
    format!(r#"{{"p":"{}"}}"#, "x".repeat(bytes - frame))
}

#[tokio::test]
async fn values_and_bodies() {
    let world = world();
    let with = |value: &str| format!(r#"{{"secret":{{"name":"n","value":{value}}}}}"#).into_bytes();
    refused(
        &world,
        "65,537",
        AGENT,
        with(&value_of(65_537)),
        "too-large",
        "#/secret/value: ",
    )
    .await;
    stored(&world, "65,536", AGENT, with(&value_of(65_536))).await;

    // White space around it counts for the body alone.
    let padded = |bytes: usize| {
        let mut body = br#"{"secret":{"name":"b","value":{}}}"#.to_vec();
        body.resize(bytes, b' ');
        body
    };
    refused(
        &world,
        "131,073",
        AGENT,
        padded(131_073),
        "too-large",
        "#: ",
    )
    .await;
    stored(&world, "131,072", AGENT, padded(131_072)).await;
}

fn members(count: usize) -> Map<String, Value> {
    (0..count)
        .map(|n| (format!("m{n}"), Value::from(1)))
        .collect()
}

#[tokio::test]
async fn numbers_of_members() {
    let world = world();
    // Of `secret`, unknown ones counted.
    let secret = |unknown: usize, name: &str| {
        let mut secret = members(unknown);
        secret.insert("name".into(), name.into());
        secret.insert("value".into(), json!({}));
        body(&Value::Object(secret))
    };
    stored(&world, "64 in secret", AGENT, secret(62, "a")).await;
    refused(
        &world,
        "65 in secret",
        AGENT,
        secret(63, "b"),
        "invalid-request",
        "#/secret",
    )
    .await;

    // Of the request.
    let request = |unknown: usize, name: &str| {
        let mut request = members(unknown);
        request.insert("secret".into(), json!({"name": name, "value": {}}));
        Value::Object(request).to_string().into_bytes()
    };
    stored(&world, "64 in all", AGENT, request(63, "c")).await;
    refused(
        &world,
        "65 in all",
        AGENT,
        request(64, "d"),
        "invalid-request",
        "#",
    )
    .await;

    // Of the value.
    let value = |count: usize, name: &str| body(&json!({"name": name, "value": members(count)}));
    stored(&world, "no members", AGENT, value(0, "e0")).await;
    stored(&world, "1,024 members", AGENT, value(1024, "e")).await;
    refused(
        &world,
        "1,025 members",
        AGENT,
        value(1025, "f"),
        "invalid-request",
        "#/secret/value",
    )
    .await;
}

#[tokio::test]
async fn depth() {
    let world = world();
    // The value is the first level of its own.
    let value = |levels: usize, name: &str| {
        let inner = levels - 1;
        let nested = format!(r#"{{"p":{}{}}}"#, "[".repeat(inner), "]".repeat(inner));
        let nested = if inner == 0 {
            r#"{"p":1}"#.to_owned()
        } else {
            nested
        };
        format!(r#"{{"secret":{{"name":"{name}","value":{nested}}}}}"#).into_bytes()
    };
    stored(&world, "1 level", AGENT, value(1, "a")).await;
    refused(
        &world,
        "65 levels",
        AGENT,
        value(65, "b"),
        "invalid-request",
        "#/secret/value",
    )
    .await;
    stored(&world, "64 levels", AGENT, value(64, "b")).await;
}

#[tokio::test]
async fn parameters() {
    let world = world();
    let good = |name: &str| body(&json!({"name": name, "value": {}}));
    // 64 characters are an id, though nobody's.
    let answer = world.post(&"a".repeat(64), good("a")).await;
    assert_eq!(answer.problem(), "unknown-agent");
    refused(
        &world,
        "65",
        &"a".repeat(65),
        good("a"),
        "invalid-parameter",
        "agentId: ",
    )
    .await;
    let project = format!("{AGENT}?projectId={PROJECT}");
    stored(&world, "project", &project, good("a")).await;
    refused(
        &world,
        "one digit more",
        &format!("{project}0"),
        good("b"),
        "invalid-parameter",
        "projectId: ",
    )
    .await;
    let short = &project[..project.len() - 1];
    refused(
        &world,
        "one digit less",
        short,
        good("b"),
        "invalid-parameter",
        "projectId: ",
    )
    .await;
}

#[tokio::test]
async fn tokens() {
    let world = world();
    let mut tokens: Vec<String> = (5_500..6_200)
        .map(|fill| {
            world
                .issuer
                .token_with(|_, claims| claims["x"] = "x".repeat(fill).into())
        })
        .collect();
    tokens.sort_by_key(String::len);
    // Base64 has no text of every length.
    let beyond = tokens.partition_point(|token| token.len() <= 8_192);
    let (within, beyond) = (&tokens[beyond - 1], &tokens[beyond]);
    assert!(within.len() >= 8_191 && beyond.len() <= 8_194);
    for (token, status) in [(within, 201), (beyond, 403)] {
        let mut request = world.request(AGENT, body(&json!({"name": "a", "value": {}})));
        let value = format!("Bearer {token}").parse().unwrap();
        request.headers_mut().insert("authorization", value);
        let answer = world.send(request).await;
        assert_eq!(answer.status, status, "{}: {answer}", token.len());
    }
}
