//! Over real sockets: the client, and clients that misbehave.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use axum::{body::Body, http::Request};
use sealpost_client::{Client, ClientError, NewSecret, Token};
use sealpost_gateway::{Listener, Metrics, ProblemType, serve};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::oneshot,
    task::JoinHandle,
    time::{Instant, sleep, timeout},
};

use crate::harness::{
    AGENT, GOOD, OFFLINE, PROJECT, SILENT, World, send, short_limits, world, world_of, world_with,
};

pub(crate) struct Server {
    pub(crate) world: World,
    pub(crate) address: SocketAddr,
    stop: oneshot::Sender<()>,
    stopped: JoinHandle<()>,
}

pub(crate) async fn start(world: World) -> Server {
    start_counted(world, None).await
}

/// Starts a server whose connections are counted.
pub(crate) async fn start_counted(world: World, metrics: Option<Arc<Metrics>>) -> Server {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopping) = oneshot::channel::<()>();
    let shutdown = async { drop(stopping.await) };
    let mut listener = Listener::plain(listener).unwrap();
    if let Some(metrics) = metrics {
        listener = listener.with_metrics(metrics);
    }
    let stopped = tokio::spawn(serve(
        listener,
        world.router.clone(),
        world.limits,
        shutdown,
    ));
    Server {
        world,
        address,
        stop,
        stopped,
    }
}

impl Server {
    pub(crate) fn client(&self) -> Client {
        let token = Token::new(self.world.issuer.token());
        Client::builder(format!("http://{}", self.address))
            .token(token)
            .build()
            .unwrap()
    }

    /// Sends these bytes and returns what comes back until the connection ends or falls silent.
    pub(crate) async fn raw(&self, parts: &[&[u8]]) -> String {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        for part in parts {
            stream.write_all(part).await.unwrap();
        }
        read_all(&mut stream).await
    }

    pub(crate) fn head(&self, agent: &str, more: &str) -> String {
        format!(
            "POST /v1/secrets/{agent}/secret-value HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\n\
             Content-Type: application/json\r\n{more}\r\n",
            self.world.issuer.token()
        )
    }
}

/// Sends these bytes and returns what comes back.
pub(crate) async fn raw(address: SocketAddr, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(bytes).await.unwrap();
    read_all(&mut stream).await
}

pub(crate) async fn read_all(stream: &mut TcpStream) -> String {
    let mut answer = Vec::new();
    let _ = timeout(Duration::from_secs(5), stream.read_to_end(&mut answer)).await;
    String::from_utf8(answer).unwrap()
}

pub(crate) fn secret(name: &str) -> NewSecret {
    NewSecret::new(name, br#"{"password" : "P@ssw0rd123"}"#.to_vec())
        .with_key("password")
        .with_type("PASSWORD")
}

fn kind(error: ClientError) -> ProblemType {
    match error {
        ClientError::Problem(problem) => problem.kind.expect("a type of the table"),
        other => panic!("{other}"),
    }
}

#[tokio::test]
async fn the_client_creates_and_is_told_why_not() {
    let server = start(world()).await;
    let client = server.client();
    let created = client
        .create_secret(AGENT, None, &secret("one"))
        .await
        .unwrap();
    assert_eq!(created.vault_secret_name, "one");
    assert_eq!(created.resolver_ref, "secret:one#password");
    assert!(created.request_id.is_some());
    let resolved = server.world.resolver.resolve("secret:one").await.unwrap();
    assert_eq!(resolved.as_json(), br#"{"password" : "P@ssw0rd123"}"#);

    let created = client
        .create_secret(AGENT, Some(PROJECT), &secret("one"))
        .await
        .unwrap();
    assert_ne!(created.vault_secret_name, "one");

    let again = client
        .create_secret(AGENT, None, &secret("one"))
        .await
        .unwrap_err();
    assert_eq!(kind(again), ProblemType::SecretExists);
    let offline = client
        .create_secret(OFFLINE, None, &secret("two"))
        .await
        .unwrap_err();
    assert_eq!(kind(offline), ProblemType::AgentOffline);
    let silent = client
        .create_secret(SILENT, None, &secret("two"))
        .await
        .unwrap_err();
    assert_eq!(kind(silent), ProblemType::AgentTimeout);
    let unknown = client
        .create_secret("nobody", None, &secret("two"))
        .await
        .unwrap_err();
    assert_eq!(kind(unknown), ProblemType::UnknownAgent);

    let error = client
        .create_secret(AGENT, Some("x"), &secret("a").with_key(""))
        .await
        .unwrap_err();
    match error {
        ClientError::Problem(problem) => {
            assert_eq!(problem.kind, Some(ProblemType::InvalidRequest));
            assert_eq!(problem.status, 400);
            assert!(problem.violations[0].starts_with("projectId: "));
            assert!(problem.violations[1].starts_with("#/secret/key: "));
        }
        other => panic!("{other}"),
    }

    let stranger = Client::builder(format!("http://{}", server.address))
        .build()
        .unwrap();
    let denied = stranger
        .create_secret(AGENT, None, &secret("two"))
        .await
        .unwrap_err();
    assert_eq!(kind(denied), ProblemType::Forbidden);
}

#[tokio::test]
async fn a_large_refused_body_does_not_cost_the_answer() {
    let server = start(world()).await;
    let value = format!("{{\"p\":\"{}\"}}", "x".repeat(1 << 20));
    let large = || NewSecret::new("n", value.clone().into_bytes());
    for _ in 0..5 {
        let error = server
            .client()
            .create_secret(AGENT, None, &large())
            .await
            .unwrap_err();
        assert_eq!(kind(error), ProblemType::TooLarge);
        let stranger = Client::builder(format!("http://{}", server.address))
            .build()
            .unwrap();
        let error = stranger
            .create_secret(AGENT, None, &large())
            .await
            .unwrap_err();
        assert_eq!(kind(error), ProblemType::Forbidden);
    }
}

#[tokio::test]
async fn a_body_that_is_cut_off_or_slow_is_a_400() {
    let server = start(world()).await;
    let head = server.head(AGENT, "Content-Length: 1000\r\n");

    let mut stream = TcpStream::connect(server.address).await.unwrap();
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.write_all(&GOOD.as_bytes()[..40]).await.unwrap();
    stream.shutdown().await.unwrap();
    let answer = read_all(&mut stream).await;
    assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
    assert!(
        answer.contains("urn:sealpost:problem:body-incomplete"),
        "{answer}"
    );

    let answer = server.raw(&[head.as_bytes(), &GOOD.as_bytes()[..40]]).await;
    assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
    assert!(
        answer.contains("urn:sealpost:problem:body-timeout"),
        "{answer}"
    );
}

#[tokio::test]
async fn chunked_bodies_are_read_and_limited() {
    let server = start(world()).await;
    let head = server.head(AGENT, "Transfer-Encoding: chunked\r\nConnection: close\r\n");
    let chunk = format!("{:x}\r\n{GOOD}\r\n0\r\n\r\n", GOOD.len());
    let answer = server.raw(&[head.as_bytes(), chunk.as_bytes()]).await;
    assert!(answer.starts_with("HTTP/1.1 201 "), "{answer}");

    let chunk = format!("{:x}\r\n{}\r\n", 200_000, "[".repeat(200_000));
    let answer = server
        .raw(&[head.as_bytes(), chunk.as_bytes(), b"0\r\n\r\n"])
        .await;
    assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
    assert!(answer.contains("too-large"), "{answer}");

    let answer = server.raw(&[head.as_bytes(), b"zz\r\n"]).await;
    assert!(
        answer.contains("urn:sealpost:problem:body-incomplete"),
        "{answer}"
    );
}

#[tokio::test]
async fn who_sends_no_headers_is_not_waited_for() {
    let server = start(world()).await;
    for part in [
        &b""[..],
        b"POST /v1/sec",
        b"POST / HTTP/1.1\r\nHost: x\r\nX-A: ",
    ] {
        let started = Instant::now();
        let answer = server.raw(&[part]).await;
        assert!(started.elapsed() < Duration::from_secs(3), "{part:?}");
        assert_eq!(answer, "");
    }
}

#[tokio::test]
async fn slow_clients_do_not_stop_others() {
    let mut limits = world().limits;
    limits.connections = 20;
    let server = start(world_with(limits)).await;
    let head = server.head(AGENT, "Content-Length: 1000\r\n");
    let mut slow = Vec::new();
    for n in 0..40 {
        let mut stream = TcpStream::connect(server.address).await.unwrap();
        let part = if n % 2 == 0 {
            head.as_bytes()
        } else {
            &head.as_bytes()[..n]
        };
        stream.write_all(part).await.unwrap();
        slow.push(stream);
    }
    // Every place is taken by them until their time is over.
    let created = server
        .client()
        .create_secret(AGENT, None, &secret("patient"))
        .await;
    assert_eq!(created.unwrap().vault_secret_name, "patient");
}

#[tokio::test]
async fn stopping_lets_running_requests_finish() {
    let server = start(world()).await;
    let head = server.head(AGENT, &format!("Content-Length: {}\r\n", GOOD.len()));
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.write_all(&GOOD.as_bytes()[..40]).await.unwrap();
    sleep(Duration::from_millis(100)).await;
    let idle = TcpStream::connect(server.address).await.unwrap();
    sleep(Duration::from_millis(50)).await;

    server.stop.send(()).unwrap();
    sleep(Duration::from_millis(50)).await;
    assert!(
        TcpStream::connect(server.address).await.is_err(),
        "no new connections"
    );
    stream.write_all(&GOOD.as_bytes()[40..]).await.unwrap();
    let answer = read_all(&mut stream).await;
    assert!(answer.starts_with("HTTP/1.1 201 "), "{answer}");
    timeout(Duration::from_secs(2), server.stopped)
        .await
        .unwrap()
        .unwrap();
    drop(idle);
}

#[tokio::test]
async fn who_asks_before_sending_is_told_first() {
    let server = start(world()).await;
    let more = format!(
        "Content-Length: {}\r\nExpect: 100-continue\r\nConnection: close\r\n",
        GOOD.len()
    );
    let head = server.head(AGENT, &more);

    let mut stream = TcpStream::connect(server.address).await.unwrap();
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut first = [0; 21];
    stream.read_exact(&mut first).await.unwrap();
    assert_eq!(&first, b"HTTP/1.1 100 Continue");
    stream.write_all(GOOD.as_bytes()).await.unwrap();
    let answer = read_all(&mut stream).await;
    assert!(answer.trim_start().starts_with("HTTP/1.1 201 "), "{answer}");

    // A caller without a token never sends the value.
    let head = head.replace("Authorization", "X-Not-Authorization");
    let answer = server.raw(&[head.as_bytes()]).await;
    assert!(answer.starts_with("HTTP/1.1 403 "), "{answer}");
}

#[tokio::test]
async fn who_asks_while_it_stops_is_told_that_it_does() {
    let metrics = Arc::new(Metrics::new());
    let world = world_of(short_limits(), |gateway| {
        gateway.with_metrics(metrics.clone())
    });
    let tcp = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let listener = Listener::plain(tcp).unwrap().with_metrics(metrics);
    serve(listener, world.router, world.limits, async {}).await;
    let request = Request::get("/readyz").body(Body::empty()).unwrap();
    let answer = send(&world.operations, request).await;
    assert_eq!(answer.body, r#"{"ready":false,"missing":["draining"]}"#);
}
