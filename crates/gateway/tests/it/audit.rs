//! The audit trail: one event for each request to the API, and no request without one.

use std::{
    io,
    sync::{Arc, Condvar, Mutex},
    time::{Duration, Instant},
};

use axum::http::StatusCode;
use insta::assert_snapshot;
use sealpost_gateway::{
    audit::{AuditFile, AuditSink},
    auth::Denied,
};
use serde_json::Value;

use crate::harness::{AGENT, GOOD, PROJECT, World, short_limits, world_of};

/// Keeps the trail, unless it is told not to.
#[derive(Debug, Default)]
struct Memory {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    /// No line that contains this can be written.
    refused: Option<&'static str>,
    stalls: bool,
    text: String,
}

impl AuditSink for Memory {
    fn write_line(&self, line: &[u8]) -> io::Result<()> {
        let mut state = self.state.lock().unwrap();
        while state.stalls {
            state = self.changed.wait(state).unwrap();
        }
        let line = std::str::from_utf8(line).unwrap();
        if state.refused.is_some_and(|refused| line.contains(refused)) {
            return Err(io::ErrorKind::StorageFull.into());
        }
        state.text.push_str(line);
        Ok(())
    }
}

impl Memory {
    fn refuse(&self, lines: Option<&'static str>) {
        self.state.lock().unwrap().refused = lines;
    }

    fn stall(&self, stalls: bool) {
        self.state.lock().unwrap().stalls = stalls;
        self.changed.notify_all();
    }

    /// Every line so far, without what the clock of the test can't hold still.
    fn take(&self) -> String {
        let text = std::mem::take(&mut self.state.lock().unwrap().text);
        text.lines()
            .map(|line| {
                let mut event: Value = serde_json::from_str(line).unwrap();
                if let Some(duration) = event.get_mut("duration_ms") {
                    assert!(duration.as_f64().unwrap() >= 0.0);
                    *duration = 0.into();
                }
                format!("{event}\n")
            })
            .collect()
    }

    /// The kind and the outcome of every line so far.
    fn outcomes(&self) -> Vec<String> {
        let text = self.take();
        let events = text.lines().map(|line| serde_json::from_str(line).unwrap());
        let outcomes = events.map(|event: Value| match event["event"].as_str().unwrap() {
            "gap" => format!("gap {}", event["lost"]),
            "request" => event["outcome"].as_str().unwrap().to_owned(),
            kind => kind.to_owned(),
        });
        outcomes.collect()
    }
}

/// The answers of `/healthz` and `/readyz`.
async fn health(world: &World) -> (StatusCode, StatusCode, String) {
    let get = async |path: &str| {
        let request = axum::http::Request::get(path).body(axum::body::Body::empty());
        crate::harness::send(&world.operations, request.unwrap()).await
    };
    let (alive, ready) = (get("/healthz").await, get("/readyz").await);
    (alive.status, ready.status, ready.body)
}

fn is_ready(health: &(StatusCode, StatusCode, String)) -> bool {
    assert_eq!(health.0, StatusCode::OK);
    if health.1 == StatusCode::SERVICE_UNAVAILABLE {
        assert_eq!(health.2, r#"{"ready":false,"missing":["audit-trail"]}"#);
    }
    health.1 == StatusCode::OK
}

fn audited() -> (World, Arc<Memory>) {
    let sink = Arc::new(Memory::default());
    let kept: Arc<dyn AuditSink> = sink.clone();
    (
        world_of(short_limits(), |gateway| gateway.with_audit(kept)),
        sink,
    )
}

#[tokio::test]
async fn every_request_leaves_an_event() {
    let (world, sink) = audited();
    world
        .post(&format!("{AGENT}?projectId={PROJECT}"), GOOD)
        .await;
    world.post(AGENT, GOOD).await;
    world.post(AGENT, GOOD).await;
    world.post(AGENT, "{").await;
    world.post("nobody", GOOD).await;
    let mut refused = world.request(AGENT, GOOD);
    refused.headers_mut().remove("authorization");
    world.send(refused).await;
    let mut limited = world.request(AGENT, GOOD);
    let token = world
        .issuer
        .token_with(|_, claims| claims["sealpost_agents"] = serde_json::json!([]));
    limited
        .headers_mut()
        .insert("authorization", format!("Bearer {token}").parse().unwrap());
    world.send(limited).await;
    let trail = sink.take();
    assert!(!trail.contains("P@ssw0rd123"), "a value is in the trail");
    assert_snapshot!(trail, @r##"
    {"event":"start","time":"2033-05-18T03:33:20Z"}
    {"agent":"a2048","event":"intent","issuer":"https://issuer.example","name":"my-secret","project":"0b9c4f6e-7d1a-4a52-8f37-1a2b3c4d5e6f","request_id":"test-request-1","subject":"tester","time":"2033-05-18T03:33:20Z"}
    {"agent":"a2048","duration_ms":0,"event":"request","issuer":"https://issuer.example","name":"my-secret","outcome":"stored","project":"0b9c4f6e-7d1a-4a52-8f37-1a2b3c4d5e6f","request_id":"test-request-1","status":201,"subject":"tester","time":"2033-05-18T03:33:20Z"}
    {"agent":"a2048","event":"intent","issuer":"https://issuer.example","name":"my-secret","project":null,"request_id":"test-request-1","subject":"tester","time":"2033-05-18T03:33:20Z"}
    {"agent":"a2048","duration_ms":0,"event":"request","issuer":"https://issuer.example","name":"my-secret","outcome":"stored","project":null,"request_id":"test-request-1","status":201,"subject":"tester","time":"2033-05-18T03:33:20Z"}
    {"agent":"a2048","event":"intent","issuer":"https://issuer.example","name":"my-secret","project":null,"request_id":"test-request-1","subject":"tester","time":"2033-05-18T03:33:20Z"}
    {"agent":"a2048","duration_ms":0,"event":"request","issuer":"https://issuer.example","name":"my-secret","outcome":"secret-exists","project":null,"request_id":"test-request-1","status":409,"subject":"tester","time":"2033-05-18T03:33:20Z"}
    {"agent":"a2048","duration_ms":0,"event":"request","issuer":"https://issuer.example","name":null,"outcome":"malformed-json","project":null,"request_id":"test-request-1","status":400,"subject":"tester","time":"2033-05-18T03:33:20Z"}
    {"agent":"nobody","duration_ms":0,"event":"request","issuer":"https://issuer.example","name":"my-secret","outcome":"unknown-agent","project":null,"request_id":"test-request-1","status":400,"subject":"tester","time":"2033-05-18T03:33:20Z"}
    {"agent":"a2048","denied":"no-token","duration_ms":0,"event":"request","issuer":null,"name":null,"outcome":"forbidden","project":null,"request_id":"test-request-1","status":403,"subject":null,"time":"2033-05-18T03:33:20Z"}
    {"agent":"a2048","denied":"agent","duration_ms":0,"event":"request","issuer":"https://issuer.example","name":null,"outcome":"forbidden","project":null,"request_id":"test-request-1","status":403,"subject":"tester","time":"2033-05-18T03:33:20Z"}
    "##);

    // What leads nowhere is no request to the API.
    let request = axum::http::Request::get("/nowhere").body(axum::body::Body::empty());
    world.send(request.unwrap()).await;
    assert_eq!(sink.take(), "");
}

#[tokio::test]
async fn an_intent_that_can_not_be_written_stores_nothing() {
    let (world, sink) = audited();
    sink.refuse(Some(""));
    for _ in 0..2 {
        let answer = world.post(AGENT, GOOD).await;
        assert_eq!(answer.problem(), "internal");
    }
    // Nothing is said without a record of it, be it that a token is refused or a body is malformed.
    let mut refused = world.request(AGENT, GOOD);
    refused.headers_mut().remove("authorization");
    assert_eq!(world.send(refused).await.problem(), "internal");
    assert_eq!(world.post(AGENT, "{").await.problem(), "internal");
    assert!(!is_ready(&health(&world).await));

    sink.refuse(None);
    assert!(is_ready(&health(&world).await), "a probe lets it recover");
    let answer = world.post(AGENT, GOOD).await;
    assert_eq!(answer.status, 201, "it was not stored before");
    assert_eq!(sink.outcomes(), ["start", "gap 4", "intent", "stored"]);
}

#[tokio::test]
async fn a_request_lets_the_trail_recover_too() {
    let (world, sink) = audited();
    sink.refuse(Some(""));
    assert_eq!(world.post(AGENT, GOOD).await.problem(), "internal");
    sink.refuse(None);
    assert_eq!(world.post(AGENT, GOOD).await.status, 201);
    assert_eq!(sink.outcomes(), ["start", "gap 1", "intent", "stored"]);
}

#[tokio::test]
async fn an_intent_without_completion_is_a_gap() {
    let (world, sink) = audited();
    sink.refuse(Some("\"event\":\"request\""));
    // The secret is stored, and the answer says so.
    assert_eq!(world.post(AGENT, GOOD).await.status, 201);
    sink.refuse(None);
    assert_eq!(world.post(AGENT, GOOD).await.status, 409);
    assert_eq!(
        sink.outcomes(),
        ["start", "intent", "gap 1", "intent", "secret-exists"]
    );
}

#[tokio::test]
async fn what_only_reads_has_no_intent() {
    let (world, sink) = audited();
    let uri = format!("/v1/agents/{AGENT}/certificate");
    let token = format!("Bearer {}", world.issuer.token());
    let request = || {
        axum::http::Request::get(&uri)
            .header("authorization", &token)
            .body(axum::body::Body::empty())
            .unwrap()
    };
    assert_eq!(world.send(request()).await.status, 200);
    assert_eq!(sink.outcomes(), ["start", "served"]);
    sink.refuse(Some(""));
    assert_eq!(world.send(request()).await.problem(), "internal");
}

/// On one thread, which a sink that stalls must not stop.
#[tokio::test(flavor = "current_thread")]
async fn a_sink_that_stalls_ends_in_500_while_health_and_resolver_answer() {
    let (world, sink) = audited();
    assert_eq!(world.post(AGENT, GOOD).await.status, 201);
    sink.stall(true);
    let started = Instant::now();
    let other = GOOD.replace("my-secret", "other");
    let stalled = world.post(AGENT, other.clone());
    let meanwhile = async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        assert_eq!(health(&world).await.0, StatusCode::OK);
        let resolved = world.resolver.resolve("secret:my-secret#password").await;
        assert_eq!(resolved.unwrap().to_plain().as_slice(), b"P@ssw0rd123");
        assert!(started.elapsed() < Duration::from_secs(1));
    };
    let (answer, ()) = tokio::join!(stalled, meanwhile);
    assert_eq!(answer.problem(), "internal");
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert!(!is_ready(&health(&world).await));
    // Those that come then are answered, too, and store nothing.
    assert_eq!(world.post(AGENT, other.clone()).await.problem(), "internal");
    assert!(started.elapsed() < Duration::from_secs(30));

    sink.stall(false);
    let answer = loop {
        tokio::time::sleep(Duration::from_millis(20)).await;
        let answer = world.post(AGENT, other.clone()).await;
        if answer.status != 500 {
            break answer;
        }
    };
    assert_eq!(answer.status, 201, "it was not stored before");
    assert!(is_ready(&health(&world).await));
    let outcomes = sink.outcomes();
    assert_eq!(outcomes[..3], ["start", "intent", "stored"]);
    assert_eq!(outcomes[outcomes.len() - 2..], ["intent", "stored"]);
}

#[tokio::test]
async fn a_file_keeps_it() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("audit.jsonl");
    let file = Arc::new(AuditFile::open(&path).unwrap());
    let world = world_of(short_limits(), |gateway| gateway.with_audit(file));
    world.post(AGENT, GOOD).await;
    let text = std::fs::read_to_string(&path).unwrap();
    let events: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let kinds: Vec<_> = events.iter().map(|event| &event["event"]).collect();
    assert_eq!(kinds, ["start", "intent", "request"]);
    let events = &events[1..];
    for member in [
        "request_id",
        "issuer",
        "subject",
        "agent",
        "project",
        "name",
    ] {
        assert_eq!(events[0][member], events[1][member]);
    }
    assert_eq!(events[0]["name"], "my-secret");
}

#[test]
fn reasons_have_names_of_their_own() {
    let all = [
        Denied::NoToken,
        Denied::NotBearer,
        Denied::TooLong { limit: 1 },
        Denied::Malformed,
        Denied::Type,
        Denied::Critical,
        Denied::Algorithm,
        Denied::UnknownKey,
        Denied::Signature,
        Denied::Claims,
        Denied::Issuer,
        Denied::Audience,
        Denied::Expired,
        Denied::NotYetValid,
        Denied::Scope { needed: "s" },
        Denied::Agent,
        Denied::Project,
    ];
    let names: std::collections::HashSet<_> = all.iter().map(|reason| reason.name()).collect();
    assert_eq!(names.len(), all.len());
}
