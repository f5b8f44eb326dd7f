//! Metrics and health.

use std::sync::Arc;

use axum::{
    body::Body,
    http::{Method, Request},
};
use insta::assert_snapshot;
use sealpost_gateway::Metrics;

use crate::harness::{AGENT, Answer, GOOD, OFFLINE, World, send, short_limits, world, world_of};

async fn get(world: &World, path: &str) -> Answer {
    let request = Request::get(path).body(Body::empty()).unwrap();
    send(&world.operations, request).await
}

#[tokio::test]
async fn health() {
    let world = world();
    assert_snapshot!(get(&world, "/healthz").await, @"");
    assert_snapshot!(get(&world, "/readyz").await, @"");
    let answer = get(&world, "/").await;
    assert_eq!(answer.problem(), "not-found");
    let request = Request::builder().method(Method::POST).uri("/metrics");
    let answer = send(&world.operations, request.body(Body::empty()).unwrap()).await;
    assert_eq!(answer.problem(), "method-not-allowed");
}

#[tokio::test]
async fn requests_are_counted_and_nothing_of_them_is_shown() {
    let metrics = Arc::new(Metrics::new());
    metrics.watch_failed_opens(AGENT.parse().unwrap(), || 7);
    metrics.watch_failed_opens(OFFLINE.parse().unwrap(), || 0);
    let world = world_of(short_limits(), |gateway| gateway.with_metrics(metrics));
    world.post(AGENT, GOOD).await;
    world.post(AGENT, GOOD).await;
    world.post(AGENT, "{").await;
    world.post("nobody-here", GOOD).await;
    for token in ["x", "", "y"] {
        let mut request = world.request(AGENT, GOOD);
        request
            .headers_mut()
            .insert("authorization", format!("Bearer {token}").parse().unwrap());
        world.send(request).await;
    }
    let answer = get(&world, "/metrics").await;
    assert_eq!(
        answer.headers["content-type"],
        "application/openmetrics-text; version=1.0.0; charset=utf-8"
    );
    for secret in [
        "my-secret",
        "tester",
        "nobody-here",
        "P@ssw0rd123",
        "issuer.example",
    ] {
        assert!(!answer.body.contains(secret), "{secret} is in the metrics");
    }
    // Times and the order of labels vary.
    let mut lines: Vec<&str> = answer
        .body
        .lines()
        .filter(|line| !line.contains("duration_seconds_sum") && !line.contains("_bucket"))
        .collect();
    let end = lines.pop();
    assert_eq!(end, Some("# EOF"));
    lines.sort_by_key(|line| (!line.starts_with('#')).then_some(*line));
    assert_snapshot!(lines.join("\n"), @"");
}
