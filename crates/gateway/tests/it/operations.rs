//! Metrics and health.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use axum::{
    body::Body,
    http::{Method, Request},
};
use insta::assert_snapshot;
use sealpost_gateway::{Component, Metrics};

use crate::harness::{AGENT, Answer, GOOD, OFFLINE, World, send, short_limits, world, world_of};

async fn get(world: &World, path: &str) -> Answer {
    let request = Request::get(path).body(Body::empty()).unwrap();
    send(&world.operations, request).await
}

#[tokio::test]
async fn health() {
    let world = world();
    assert_snapshot!(get(&world, "/healthz").await, @r##"
    200 OK
    content-length: 14
    content-type: application/json

    {"alive":true}
    "##);
    assert_snapshot!(get(&world, "/readyz").await, @r##"
    200 OK
    content-length: 27
    content-type: application/json

    {"ready":true,"missing":[]}
    "##);
    let answer = get(&world, "/").await;
    assert_eq!(answer.problem(), "not-found");
    let request = Request::builder().method(Method::POST).uri("/metrics");
    let answer = send(&world.operations, request.body(Body::empty()).unwrap()).await;
    assert_eq!(answer.problem(), "method-not-allowed");
}

#[tokio::test]
async fn requests_are_counted_and_nothing_of_them_is_shown() {
    let metrics = Arc::new(Metrics::new());
    let agent = metrics.agent(AGENT.parse().unwrap());
    (0..7).for_each(|_| agent.open_failed());
    let _never = metrics.agent(OFFLINE.parse().unwrap());
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
    assert_snapshot!(lines.join("\n"), @r##"
    # HELP sealpost_requests Requests answered, by status and outcome.
    # TYPE sealpost_requests counter
    # HELP sealpost_request_duration_seconds Time from the headers to the answer.
    # TYPE sealpost_request_duration_seconds histogram
    # HELP sealpost_requests_in_flight Requests being handled.
    # TYPE sealpost_requests_in_flight gauge
    # HELP sealpost_tokens_denied Requests answered with 403, by reason.
    # TYPE sealpost_tokens_denied counter
    # HELP sealpost_connections Connections open.
    # TYPE sealpost_connections gauge
    # HELP sealpost_connections_refused Connections closed because their address had too many.
    # TYPE sealpost_connections_refused counter
    # HELP sealpost_connections_displaced Silent connections closed to make room for others.
    # TYPE sealpost_connections_displaced counter
    # HELP sealpost_tls_handshakes_failed TLS handshakes that failed or took too long.
    # TYPE sealpost_tls_handshakes_failed counter
    # HELP sealpost_jwks_last_success_timestamp_seconds When the issuer's keys were last fetched; 0 for never.
    # TYPE sealpost_jwks_last_success_timestamp_seconds gauge
    # HELP sealpost_jwks_keys Keys of the issuer that tokens are checked with.
    # TYPE sealpost_jwks_keys gauge
    # HELP sealpost_tls_certificate_not_after_timestamp_seconds When the gateway's own certificate expires; 0 without TLS.
    # TYPE sealpost_tls_certificate_not_after_timestamp_seconds gauge
    # HELP sealpost_agent_certificate_not_after_timestamp_seconds When the certificate of an agent expires.
    # TYPE sealpost_agent_certificate_not_after_timestamp_seconds gauge
    # HELP sealpost_channels_opened Channels to agents opened, each with one RSA operation.
    # TYPE sealpost_channels_opened counter
    # HELP sealpost_audit_failures Audit events that could not be written.
    # TYPE sealpost_audit_failures counter
    # HELP sealpost_request_panics Requests to the gateway that ended in a panic, which was contained.
    # TYPE sealpost_request_panics counter
    # HELP sealpost_log_lines_dropped Lines of the log that could not be written.
    # TYPE sealpost_log_lines_dropped counter
    # HELP sealpost_agent_failed_opens Envelopes that did not open at an agent in this process
    # TYPE sealpost_agent_failed_opens counter
    # HELP sealpost_agent_ledger_failures Requests for which the ledger of an agent in this process could not be read or written
    # TYPE sealpost_agent_ledger_failures counter
    # HELP sealpost_agent_panics Requests to an agent in this process that ended in a panic, which was contained
    # TYPE sealpost_agent_panics counter
    # HELP sealpost_agent_channels_opened Channels opened by an agent in this process, each with one operation of the private key
    # TYPE sealpost_agent_channels_opened counter
    # HELP sealpost_agent_replays Messages that came again to an agent in this process
    # TYPE sealpost_agent_replays counter
    # HELP sealpost_agent_alarms Signs of a copied gateway, or of a caller who has the private key used in vain, at an agent in this process
    # TYPE sealpost_agent_alarms counter
    # HELP sealpost_agent_channel_refusals Messages whose channel an agent in this process refused, by code
    # TYPE sealpost_agent_channel_refusals counter
    # HELP sealpost_agent_messages_dropped Messages that got no answer from an agent in this process, by reason
    # TYPE sealpost_agent_messages_dropped counter
    sealpost_agent_alarms_total{agent="a2048"} 0
    sealpost_agent_alarms_total{agent="a3072"} 0
    sealpost_agent_certificate_not_after_timestamp_seconds{agent="a2048"} 4948987672.0
    sealpost_agent_certificate_not_after_timestamp_seconds{agent="a3072"} 4948987672.0
    sealpost_agent_certificate_not_after_timestamp_seconds{agent="b2048"} 4948987672.0
    sealpost_agent_channels_opened_total{agent="a2048"} 0
    sealpost_agent_channels_opened_total{agent="a3072"} 0
    sealpost_agent_failed_opens_total{agent="a2048"} 7
    sealpost_agent_failed_opens_total{agent="a3072"} 0
    sealpost_agent_ledger_failures_total{agent="a2048"} 0
    sealpost_agent_ledger_failures_total{agent="a3072"} 0
    sealpost_agent_panics_total{agent="a2048"} 0
    sealpost_agent_panics_total{agent="a3072"} 0
    sealpost_agent_replays_total{agent="a2048"} 0
    sealpost_agent_replays_total{agent="a3072"} 0
    sealpost_audit_failures_total 0
    sealpost_channels_opened_total 1
    sealpost_connections 0
    sealpost_connections_displaced_total 0
    sealpost_connections_refused_total 0
    sealpost_jwks_keys 0
    sealpost_jwks_last_success_timestamp_seconds 0.0
    sealpost_log_lines_dropped_total 0
    sealpost_request_duration_seconds_count 7
    sealpost_request_panics_total 0
    sealpost_requests_in_flight 0
    sealpost_requests_total{status="201",outcome="stored"} 1
    sealpost_requests_total{status="400",outcome="malformed-json"} 1
    sealpost_requests_total{status="400",outcome="unknown-agent"} 1
    sealpost_requests_total{status="403",outcome="forbidden"} 3
    sealpost_requests_total{status="409",outcome="secret-exists"} 1
    sealpost_tls_certificate_not_after_timestamp_seconds 0.0
    sealpost_tls_handshakes_failed_total 0
    sealpost_tokens_denied_total{reason="malformed"} 2
    sealpost_tokens_denied_total{reason="not-bearer"} 1
    "##);
}

/// A vault that is ready or not.
#[derive(Debug)]
struct Vault(AtomicBool);

impl Component for Vault {
    fn name(&self) -> &str {
        "vault"
    }

    fn is_ready(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }
}

#[tokio::test]
async fn while_a_component_can_not_serve_readyz_is_503_with_its_name() {
    let vault = Arc::new(Vault(AtomicBool::new(true)));
    let component: Arc<dyn Component> = vault.clone();
    let world = world_of(short_limits(), |gateway| {
        gateway.with_components([component])
    });
    for ready in [true, false, true] {
        vault.0.store(ready, Ordering::SeqCst);
        let answer = get(&world, "/readyz").await;
        let (status, missing) = if ready {
            (200, "")
        } else {
            (503, r#""vault""#)
        };
        assert_eq!(answer.status.as_u16(), status);
        assert_eq!(
            answer.body,
            format!(r#"{{"ready":{ready},"missing":[{missing}]}}"#)
        );
        let line = format!(
            "sealpost_component_ready{{component=\"vault\"}} {}\n",
            u8::from(ready)
        );
        assert!(get(&world, "/metrics").await.body.contains(&line), "{line}");
    }
}

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl std::io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test(start_paused = true)]
async fn certificates_that_expire_soon_are_in_the_log_each_day() {
    const NOT_AFTER: u64 = 4_948_987_672;
    const DAY: u64 = 24 * 60 * 60;
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_writer(move || writer.clone())
        .with_ansi(false)
        .finish();
    let _guard = tracing::subscriber::set_default(subscriber);
    let mut watching = None;
    let world = world_of(short_limits(), |gateway| {
        watching = Some(gateway.watch_certificates());
        gateway
    });
    let lines = || {
        let text = String::from_utf8(std::mem::take(&mut *log.0.lock().unwrap())).unwrap();
        let ours = text
            .lines()
            .filter(|line| line.contains("agent's certificate"));
        ours.map(str::to_owned).collect::<Vec<_>>()
    };
    world.clock.set(NOT_AFTER - 31 * DAY);
    let watching = tokio::spawn(watching.unwrap());
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(lines(), Vec::<String>::new());
    world.clock.set(NOT_AFTER - 29 * DAY - 1);
    tokio::time::sleep(Duration::from_secs(DAY)).await;
    let soon = lines();
    assert_eq!(soon.len(), 3, "{soon:?}");
    assert!(
        soon[0].contains(" WARN ") && soon[0].contains("days=29"),
        "{soon:?}"
    );
    world.clock.set(NOT_AFTER + 1);
    tokio::time::sleep(Duration::from_secs(DAY)).await;
    let late = lines();
    assert_eq!(late.len(), 3, "{late:?}");
    assert!(
        late[0].contains("ERROR") && late[0].contains("has expired"),
        "{late:?}"
    );
    watching.abort();
}
