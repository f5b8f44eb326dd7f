//! Too many and too slow.

use std::{num::NonZeroU32, sync::Arc, time::Duration};

use async_trait::async_trait;
use insta::assert_snapshot;
use sealpost_carrier::InProcess;
use sealpost_envelope::UnixTime;
use sealpost_gateway::{
    Gateway, Listener, Metrics, StaticDirectory,
    auth::{Authenticator, Denied, Principal},
    limits::RateLimit,
    serve,
};
use sealpost_protocol::SigningKey;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    time::{Instant, sleep, timeout},
};

use crate::{
    harness::{AGENT, GOOD, SILENT, request, send, short_limits, world_of, world_with},
    issuer::Issuer,
    sockets::{read_all, secret, start},
};

fn rate(per_second: u32, burst: u32) -> Option<RateLimit> {
    Some(RateLimit {
        per_second: NonZeroU32::new(per_second).unwrap(),
        burst: NonZeroU32::new(burst).unwrap(),
    })
}

#[tokio::test]
async fn a_principal_has_so_many_requests() {
    let mut limits = short_limits();
    limits.rate = rate(1, 2);
    let world = world_with(limits);
    // Bad ones count as well; bad tokens are nobody's.
    assert_eq!(world.post(AGENT, "{").await.status, 400);
    assert_eq!(world.post("nobody", GOOD).await.status, 400);
    let answer = world.post(AGENT, GOOD).await;
    assert_snapshot!(answer, @r##"
    504 Gateway Timeout
    cache-control: no-store
    content-length: 276
    content-type: application/problem+json
    retry-after: 1
    x-content-type-options: nosniff
    x-request-id: test-request-1

    {"type":"urn:sealpost:problem:rate-limited","title":"Too many requests","status":504,"detail":"This caller has sent too many requests, and nothing was stored. Send it again after the seconds that the header Retry-After gives.","instance":"urn:sealpost:request:test-request-1"}
    "##);

    let as_other = |body: &'static str| {
        let token = world
            .issuer
            .token_with(|_, claims| claims["sub"] = "other".into());
        let mut request = world.request(AGENT, body);
        let value = format!("Bearer {token}").parse().unwrap();
        request.headers_mut().insert("authorization", value);
        request
    };
    assert_eq!(
        world.send(as_other(GOOD)).await.status,
        201,
        "others are not concerned"
    );
    sleep(Duration::from_millis(1100)).await;
    assert_eq!(
        world.post(AGENT, GOOD).await.status,
        409,
        "a second later there is one more"
    );
}

#[tokio::test(start_paused = true)]
async fn without_a_place_in_time_a_request_is_answered_all_the_same() {
    let mut limits = short_limits();
    limits.requests = 1;
    let world = Arc::new(world_with(limits));
    let first = tokio::spawn({
        let world = Arc::clone(&world);
        async move { world.post(SILENT, GOOD).await }
    });
    sleep(Duration::from_millis(100)).await;
    let mut waiting = Vec::new();
    for _ in 0..20 {
        let world = Arc::clone(&world);
        waiting.push(tokio::spawn(async move { world.post(SILENT, GOOD).await }));
    }
    assert_eq!(first.await.unwrap().problem(), "agent-timeout");
    let (mut problems, mut shown) = (Vec::new(), Vec::new());
    for answer in waiting {
        let answer = answer.await.unwrap();
        assert_eq!(answer.status, 504);
        problems.push(answer.problem());
        shown.push(answer.to_string());
    }
    // The place that the first left is another's for the rest of their time.
    let overloaded = problems
        .iter()
        .filter(|problem| *problem == "overloaded")
        .count();
    assert!(overloaded >= 18, "{problems:?}");
    assert!(
        problems
            .iter()
            .all(|p| p == "overloaded" || p == "agent-timeout")
    );
    let overloaded = shown.iter().find(|answer| answer.contains("overloaded"));
    assert_snapshot!(overloaded.unwrap(), @r##"
    504 Gateway Timeout
    cache-control: no-store
    content-length: 273
    content-type: application/problem+json
    x-content-type-options: nosniff
    x-request-id: test-request-1

    {"type":"urn:sealpost:problem:overloaded","title":"There was no room for the request in time","status":504,"detail":"The gateway had more requests than it can carry out in time, and nothing was stored. Send it again later.","instance":"urn:sealpost:request:test-request-1"}
    "##);
    // Refusals that need no place don't wait for one.
    assert_eq!(world.post(AGENT, "{").await.status, 400);
}

#[tokio::test]
async fn an_agent_that_does_not_answer_leaves_places_for_others() {
    let mut limits = short_limits();
    limits.requests = 4;
    limits.requests_per_agent = 3;
    let world = Arc::new(world_with(limits));
    for _ in 0..10 {
        let world = Arc::clone(&world);
        tokio::spawn(async move { world.post(SILENT, GOOD).await });
    }
    sleep(Duration::from_millis(300)).await;
    let started = Instant::now();
    assert_eq!(world.post(AGENT, GOOD).await.status, 201);
    assert!(started.elapsed() < Duration::from_secs(2));
}

/// One byte a second, in each part of a request where one can be slow, with and without a token.
#[tokio::test]
async fn trickling_clients_do_not_stop_others() {
    let mut limits = short_limits();
    limits.connections = 120;
    limits.connections_per_address = 110;
    let server = start(world_with(limits)).await;
    let address = server.address;
    let head = server.head(AGENT, "Content-Length: 1000\r\n");
    let slow: Vec<_> = (0..100)
        .map(|n| {
            let head = head.clone();
            tokio::spawn(async move {
                let mut stream = TcpStream::connect(address).await.unwrap();
                let cut = if n % 2 == 0 { head.len() } else { 10 };
                stream.write_all(&head.as_bytes()[..cut]).await.unwrap();
                let started = Instant::now();
                while stream.write_all(b"x").await.is_ok() {
                    let mut end = [0; 1024];
                    let read = timeout(Duration::from_secs(1), stream.read(&mut end)).await;
                    if matches!(read, Ok(Ok(0) | Err(_))) {
                        break;
                    }
                    assert!(started.elapsed() < Duration::from_secs(20), "never cut off");
                }
            })
        })
        .collect();
    sleep(Duration::from_millis(100)).await;
    let client = server.client();
    for n in 0..5 {
        let started = Instant::now();
        let name = format!("meanwhile-{n}");
        client
            .create_secret(AGENT, None, &secret(&name))
            .await
            .unwrap();
        assert!(started.elapsed() < Duration::from_secs(5));
    }
    for slow in slow {
        slow.await.unwrap();
    }
}

#[tokio::test]
async fn an_address_has_so_many_connections() {
    let mut limits = short_limits();
    limits.header_timeout = Duration::from_secs(5);
    limits.connections_per_address = 3;
    let metrics = Arc::new(Metrics::new());
    let world = world_of(limits, |gateway| gateway.with_metrics(Arc::clone(&metrics)));
    let tcp = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = tcp.local_addr().unwrap();
    let listener = Listener::plain(tcp)
        .unwrap()
        .with_metrics(Arc::clone(&metrics));
    let serving = tokio::spawn(serve(
        listener,
        world.router.clone(),
        limits,
        std::future::pending(),
    ));
    let mut idle = Vec::new();
    for _ in 0..4 {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(b"G").await.unwrap();
        idle.push(stream);
        sleep(Duration::from_millis(20)).await;
    }
    let answer = timeout(Duration::from_secs(1), read_all(&mut idle[0])).await;
    assert_eq!(answer.as_deref(), Ok(""), "closed for the fourth");
    let text = metrics.encode().unwrap();
    assert!(text.contains("sealpost_connections 3\n"), "{text}");
    assert!(
        text.contains("sealpost_connections_displaced_total 1\n"),
        "{text}"
    );
    drop(idle);
    sleep(Duration::from_millis(100)).await;
    let mut fifth = TcpStream::connect(address).await.unwrap();
    fifth
        .write_all(b"GET /nowhere HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        .await
        .unwrap();
    assert!(read_all(&mut fifth).await.starts_with("HTTP/1.1 404 "));
    serving.abort();
}

/// Unread answers fill the buffers of both sides, and then hold the connection.
#[tokio::test]
async fn who_does_not_read_is_not_written_to_for_ever() {
    let mut limits = short_limits();
    limits.connections = 1;
    let server = start(world_with(limits)).await;
    let mut greedy = TcpStream::connect(server.address).await.unwrap();
    let request = b"GET /openapi.json HTTP/1.1\r\nHost: x\r\n\r\n".repeat(64);
    let flood = async { while greedy.write_all(&request).await.is_ok() {} };
    // It is reset when the gateway has had enough; without the limit it would hang here.
    timeout(Duration::from_secs(20), flood)
        .await
        .expect("never cut off");
    let created = server
        .client()
        .create_secret(AGENT, None, &secret("next"))
        .await;
    assert_eq!(created.unwrap().vault_secret_name, "next");
}

/// An authenticator that asks somebody who never answers.
#[derive(Debug)]
struct Pensive;

#[async_trait]
impl Authenticator for Pensive {
    async fn authenticate(&self, _: &str, _: UnixTime) -> Result<Arc<Principal>, Denied> {
        std::future::pending().await
    }
}

#[tokio::test(start_paused = true)]
async fn whatever_hangs_the_request_is_answered() {
    let gateway = Gateway::new(
        Arc::new(Pensive),
        Arc::new(StaticDirectory::default()),
        Arc::new(InProcess::new(1)),
        SigningKey::generate().unwrap(),
    )
    .with_limits(short_limits());
    let issuer = Issuer::new(2_000_000_000);
    let started = Instant::now();
    let answer = send(&gateway.router(), request(&issuer, AGENT, GOOD)).await;
    assert_eq!(answer.problem(), "agent-timeout");
    assert_eq!(started.elapsed().as_secs(), 4, "deadline and grace");
}

/// Bodies that are sent slowly take memory. A principal that does so leaves room for others, and its own further requests
/// are answered.
#[tokio::test]
async fn bodies_are_bounded_in_sum_and_one_principal_leaves_room_for_others() {
    let mut limits = short_limits();
    limits.body_timeout = Duration::from_secs(10);
    limits.deadline = Duration::from_millis(1500);
    limits.body_memory = 1 << 20;
    let server = start(world_with(limits)).await;
    let mut slow = Vec::new();
    for _ in 0..20 {
        let mut stream = TcpStream::connect(server.address).await.unwrap();
        let head = server.head(AGENT, "Content-Length: 100000\r\n");
        stream.write_all(head.as_bytes()).await.unwrap();
        stream.write_all(b"{").await.unwrap();
        slow.push(stream);
    }
    sleep(Duration::from_millis(300)).await;
    let token = server
        .world
        .issuer
        .token_with(|_, claims| claims["sub"] = "other".into());
    let other = sealpost_client::Client::builder(format!("http://{}", server.address))
        .token(sealpost_client::Token::new(token))
        .build()
        .unwrap();
    let started = Instant::now();
    let created = other.create_secret(AGENT, None, &secret("other")).await;
    assert_eq!(created.unwrap().vault_secret_name, "other");
    assert!(started.elapsed() < Duration::from_secs(1));
    // Half of a mebibyte has room for four of them; those that waited in vain are told.
    let mut overloaded = 0;
    for stream in &mut slow {
        let mut answer = [0; 1024];
        let read = timeout(Duration::from_secs(5), stream.read(&mut answer)).await;
        let answer = String::from_utf8_lossy(&answer[..read.unwrap().unwrap()]).into_owned();
        overloaded += usize::from(answer.contains("urn:sealpost:problem:overloaded"));
    }
    assert_eq!(overloaded, 16);
    // Abandoned, they leave their memory.
    drop(slow);
    let client = server.client();
    let created = client.create_secret(AGENT, None, &secret("next")).await;
    assert_eq!(created.unwrap().vault_secret_name, "next");
}
