//! The audit trail: one event for each request to the API, and no request without one.

use std::{
    io,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
};

use axum::http::StatusCode;
use insta::assert_snapshot;
use sealpost_gateway::{
    audit::{AuditFile, AuditSink},
    auth::Denied,
};
use serde_json::Value;

use crate::harness::{AGENT, GOOD, PROJECT, World, short_limits, world_of};

#[derive(Debug, Default)]
struct Memory {
    full: AtomicBool,
    text: Mutex<String>,
}

impl AuditSink for Memory {
    fn write_line(&self, line: &[u8]) -> io::Result<()> {
        if self.full.load(Ordering::SeqCst) {
            return Err(io::ErrorKind::StorageFull.into());
        }
        self.text
            .lock()
            .unwrap()
            .push_str(std::str::from_utf8(line).unwrap());
        Ok(())
    }
}

impl Memory {
    /// Every line so far, without what the clock of the test can't hold still.
    fn take(&self) -> String {
        let text = std::mem::take(&mut *self.text.lock().unwrap());
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
    {"agent":"a2048","duration_ms":0,"event":"request","issuer":"https://issuer.example","name":"my-secret","outcome":"stored","project":"0b9c4f6e-7d1a-4a52-8f37-1a2b3c4d5e6f","request_id":"test-request-1","status":201,"subject":"tester","time":"2033-05-18T03:33:20Z"}
    {"agent":"a2048","duration_ms":0,"event":"request","issuer":"https://issuer.example","name":"my-secret","outcome":"stored","project":null,"request_id":"test-request-1","status":201,"subject":"tester","time":"2033-05-18T03:33:20Z"}
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
async fn without_a_trail_nothing_is_stored() {
    let (world, sink) = audited();
    sink.full.store(true, Ordering::SeqCst);
    // The first is under way before anybody knows.
    assert_eq!(world.post(AGENT, GOOD).await.status, 201);
    let other = GOOD.replace("my-secret", "other");
    for _ in 0..2 {
        let answer = world.post(AGENT, other.clone()).await;
        assert_eq!(answer.problem(), "internal");
    }
    let ready = axum::http::Request::get("/readyz")
        .body(axum::body::Body::empty())
        .unwrap();
    let answer = crate::harness::send(&world.operations, ready).await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(answer.body, r#"{"ready":false,"missing":["audit-trail"]}"#);

    sink.full.store(false, Ordering::SeqCst);
    assert_eq!(
        world.post(AGENT, other).await.status,
        201,
        "it was not stored before"
    );
    assert_snapshot!(sink.take(), @r##"
    {"event":"gap","lost":1,"time":"2033-05-18T03:33:20Z"}
    {"agent":"a2048","duration_ms":0,"event":"request","issuer":"https://issuer.example","name":"other","outcome":"stored","project":null,"request_id":"test-request-1","status":201,"subject":"tester","time":"2033-05-18T03:33:20Z"}
    "##);
}

#[tokio::test]
async fn a_file_keeps_it() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("audit.jsonl");
    let file = Arc::new(AuditFile::open(&path).unwrap());
    let world = world_of(short_limits(), |gateway| gateway.with_audit(file));
    world.post(AGENT, GOOD).await;
    let text = std::fs::read_to_string(&path).unwrap();
    let event: Value = serde_json::from_str(text.trim_end()).unwrap();
    assert_eq!(event["name"], "my-secret");
    assert_eq!(text.lines().count(), 1);
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
