//! `Idempotency-Key`, from the header to the ledger.

use axum::{body::Body, http::Request};
use insta::assert_snapshot;

use crate::harness::{AGENT, Answer, GOOD, PROJECT, World, world};

impl World {
    fn keyed(&self, path: &str, key: &str, body: impl Into<Body>) -> Request<Body> {
        let mut request = self.request(path, body);
        request
            .headers_mut()
            .insert("idempotency-key", key.parse().unwrap());
        request
    }

    async fn post_keyed(&self, path: &str, key: &str, body: impl Into<Body>) -> Answer {
        self.send(self.keyed(path, key, body)).await
    }
}

#[tokio::test]
async fn a_retry_gets_the_same_201() {
    let world = world();
    let first = world.post_keyed(AGENT, "\"k-1\"", GOOD).await.to_string();
    assert!(first.starts_with("201"), "{first}");
    // With or without quotes, and with other white space around the same value.
    assert_eq!(
        world.post_keyed(AGENT, "k-1", GOOD).await.to_string(),
        first
    );
    let spaced = GOOD.replace("\"secret\":{", "\"secret\" : {\n");
    assert_eq!(
        world.post_keyed(AGENT, "k-1", spaced).await.to_string(),
        first
    );
    // Without the key it is another request.
    assert_eq!(world.post(AGENT, GOOD).await.status, 409);
    assert_eq!(world.post_keyed(AGENT, "k-2", GOOD).await.status, 409);
    assert_eq!(
        world.post_keyed(AGENT, "k-1", GOOD).await.to_string(),
        first
    );
}

#[tokio::test]
async fn the_same_key_with_another_payload_is_a_400() {
    let world = world();
    assert_eq!(world.post_keyed(AGENT, "k", GOOD).await.status, 201);
    for (what, to) in [
        ("P@ssw0rd123", "P@ssw0rd124"),
        ("my-secret", "my-other"),
        ("PASSWORD", "TOKEN"),
        ("\"key\":\"password\",", ""),
    ] {
        let answer = world.post_keyed(AGENT, "k", GOOD.replace(what, to)).await;
        assert_eq!(answer.problem(), "idempotency-key-reused", "{answer}");
    }
    // In another project it is another key.
    let path = format!("{AGENT}?projectId={PROJECT}");
    assert_eq!(world.post_keyed(&path, "k", GOOD).await.status, 201);
}

#[tokio::test]
async fn a_key_is_its_callers_own() {
    let world = world();
    assert_eq!(world.post_keyed(AGENT, "k", GOOD).await.status, 201);
    let mut request = world.keyed(AGENT, "k", GOOD.replace("my-secret", "theirs"));
    let other = world
        .issuer
        .token_with(|_, claims| claims["sub"] = "somebody else".into());
    let other = format!("Bearer {other}").parse().unwrap();
    request.headers_mut().insert("authorization", other);
    assert_eq!(world.send(request).await.status, 201);
}

#[tokio::test]
async fn a_key_that_is_none_is_a_violation() {
    let answer = world().post_keyed("not+an+agent", "\"a", GOOD).await;
    assert_snapshot!(answer, @r##"
    400 Bad Request
    cache-control: no-store
    content-length: 549
    content-type: application/problem+json
    x-content-type-options: nosniff
    x-request-id: test-request-1

    {"type":"urn:sealpost:problem:invalid-parameter","title":"A parameter in the path, the query or a header is wrong","status":400,"detail":"There are 2 violations: fix them and resend the request.","instance":"urn:sealpost:request:test-request-1","violations":["agentId: must be 1 to 64 ASCII letters, digits, `_` or `-`; give the id that the agent has","Idempotency-Key: must be 1 to 255 printable ASCII characters in double quotes, such as \"8e03978e-40d5-43dd-bc93-6894a57f9324\"; give a random one for each request, and the same for its retries"]}
    "##);
    // It comes before those of the body.
    let answer = world().post_keyed(AGENT, "a b", r#"{"secret":{}}"#).await;
    assert_eq!(answer.problem(), "invalid-request");
    let violations = answer.violations();
    assert!(
        violations[0].starts_with("Idempotency-Key: "),
        "{violations:?}"
    );
    assert!(violations[1].starts_with("#/secret"), "{violations:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_at_a_time_all_get_the_same() {
    let world = world();
    let requests = (0..16).map(|_| {
        let (router, request) = (world.router.clone(), world.keyed(AGENT, "k", GOOD));
        tokio::spawn(async move { crate::harness::send(&router, request).await.to_string() })
    });
    let mut answers = Vec::new();
    for request in requests.collect::<Vec<_>>() {
        answers.push(request.await.unwrap());
    }
    answers.dedup();
    assert_eq!(answers.len(), 1, "{answers:?}");
    assert!(answers[0].starts_with("201"), "{answers:?}");
}
