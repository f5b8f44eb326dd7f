//! Connections that are silent or slow take no place from callers of other addresses.

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use rustls::ClientConfig;
use rustls_pki_types::ServerName;
use sealpost_gateway::{Limits, Listener, serve};
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    net::{TcpListener, TcpSocket, TcpStream},
    task::JoinSet,
    time::{Instant, sleep, timeout},
};
use tokio_rustls::TlsConnector;

use crate::{
    harness::{AGENT, GOOD, World, world_with},
    tls::{Setup, client},
};

/// What a connection does after it was opened, again and again.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Attack {
    /// Nothing: with TLS, not even a handshake.
    Silence,
    /// A handshake that never finishes.
    HalfHandshake,
    /// Half a line of a header, and then nothing.
    HalfLine,
    SlowHeaders,
    /// Complete headers and half a body, and then nothing.
    HalfBody,
    SlowBody,
    /// A good request, and then nothing.
    KeepAlive,
}

/// As the defaults, an eighth as many places: one process holds both ends of every connection.
fn limits() -> Limits {
    let mut limits = Limits::default();
    limits.connections /= 8;
    limits.connections_per_address /= 8;
    limits
}

struct Scene {
    world: World,
    address: SocketAddr,
    tls: Option<Arc<ClientConfig>>,
    attackers: JoinSet<()>,
}

impl Scene {
    async fn start(limits: Limits, over_tls: bool, listen: &str) -> Self {
        let world = world_with(limits);
        let tcp = TcpListener::bind(listen).await.unwrap();
        let address = tcp.local_addr().unwrap();
        let setup = Setup::new();
        let tls = over_tls.then(|| Arc::new(client(setup.authority.roots())));
        let listener = match over_tls {
            true => Listener::tls(tcp, Arc::new(setup.load().unwrap())),
            false => Listener::plain(tcp).unwrap(),
        };
        let router = world.router.clone();
        let mut attackers = JoinSet::new();
        attackers.spawn(serve(listener, router, limits, std::future::pending()));
        Self {
            world,
            address,
            tls,
            attackers,
        }
    }

    /// Keeps `each` connections busy with `attack` from each of these addresses.
    fn attack(&mut self, from: impl Iterator<Item = Ipv4Addr>, each: usize, attack: Attack) {
        let head = head(&self.world.issuer.token(), 1000);
        for from in from {
            for _ in 0..each {
                let (address, tls, head) = (self.address, self.tls.clone(), head.clone());
                self.attackers.spawn(async move {
                    loop {
                        // An end of the connection ends this turn.
                        let _ = attack_once(attack, from, address, tls.clone(), &head).await;
                        sleep(Duration::from_secs(1)).await;
                    }
                });
            }
        }
    }

    /// Creates a hundred secrets from another address, each on a connection of its own. Returns how many took at most a second.
    async fn creates_in_time(&self) -> usize {
        let other = |_: &mut _, claims: &mut serde_json::Value| claims["sub"] = "other".into();
        let token = self.world.issuer.token_with(other);
        let from = Ipv4Addr::new(127, 0, 0, 99);
        let mut in_time = 0;
        for n in 0..100 {
            let body = GOOD.replace("my-secret", &format!("n{n}"));
            let head = head(&token, body.len()).replace("keep-alive", "close");
            let request = head + &body;
            let create = exchange(from, self.address, self.tls.clone(), request.as_bytes());
            let answer = timeout(Duration::from_secs(1), create).await;
            if matches!(answer, Ok(Ok(answer)) if answer.starts_with("HTTP/1.1 201 ")) {
                in_time += 1;
            }
        }
        in_time
    }
}

fn head(token: &str, length: usize) -> String {
    format!(
        "POST /v1/secrets/{AGENT}/secret-value HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n\
         Content-Type: application/json\r\nContent-Length: {length}\r\nConnection: keep-alive\r\n\r\n"
    )
}

async fn connect(from: Ipv4Addr, to: SocketAddr) -> std::io::Result<TcpStream> {
    let socket = TcpSocket::new_v4()?;
    socket.bind((from, 0).into())?;
    socket.connect(to).await
}

trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

async fn secured(
    stream: TcpStream,
    tls: Option<Arc<ClientConfig>>,
) -> std::io::Result<Box<dyn Stream>> {
    let Some(tls) = tls else {
        return Ok(Box::new(stream));
    };
    let name = ServerName::try_from("localhost").unwrap();
    Ok(Box::new(
        TlsConnector::from(tls).connect(name, stream).await?,
    ))
}

async fn exchange(
    from: Ipv4Addr,
    to: SocketAddr,
    tls: Option<Arc<ClientConfig>>,
    request: &[u8],
) -> std::io::Result<String> {
    let mut stream = secured(connect(from, to).await?, tls).await?;
    stream.write_all(request).await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    Ok(answer)
}

async fn attack_once(
    attack: Attack,
    from: Ipv4Addr,
    to: SocketAddr,
    tls: Option<Arc<ClientConfig>>,
    head: &str,
) -> std::io::Result<()> {
    let mut stream = connect(from, to).await?;
    if let Attack::Silence | Attack::HalfHandshake = attack {
        if attack == Attack::HalfHandshake {
            stream.write_all(b"\x16\x03\x01\x02\x00\x01").await?;
        }
        return stream.read_to_end(&mut Vec::new()).await.map(drop);
    }
    let mut stream = secured(stream, tls).await?;
    let nowhere = "GET /nowhere HTTP/1.1\r\nHost: localhost\r\n\r\n";
    let half = head.to_owned() + &"x".repeat(500);
    let (at_once, slowly) = match attack {
        Attack::HalfLine => ("GET / HTTP/1.1\r\nHost: local", String::new()),
        Attack::HalfBody => (half.as_str(), String::new()),
        Attack::SlowHeaders => ("GET /", "x".repeat(10_000)),
        Attack::SlowBody => (head, "x".repeat(1000)),
        Attack::Silence | Attack::HalfHandshake | Attack::KeepAlive => (nowhere, String::new()),
    };
    stream.write_all(at_once.as_bytes()).await?;
    for byte in slowly.bytes() {
        sleep(Duration::from_millis(50)).await;
        stream.write_all(&[byte]).await?;
    }
    stream.read_to_end(&mut Vec::new()).await.map(drop)
}

const ALL: [Attack; 7] = [
    Attack::Silence,
    Attack::HalfHandshake,
    Attack::HalfLine,
    Attack::SlowHeaders,
    Attack::HalfBody,
    Attack::SlowBody,
    Attack::KeepAlive,
];

#[track_caller]
fn assert_served(in_time: usize, attack: Attack) {
    assert!(
        in_time >= 95,
        "{in_time} of 100 creates in time: {attack:?}"
    );
}

/// Two addresses with more connections than they may have.
async fn two_greedy_addresses(over_tls: bool) {
    for attack in ALL {
        let mut scene = Scene::start(limits(), over_tls, "127.0.0.1:0").await;
        let from = [2, 3].map(|n| Ipv4Addr::new(127, 0, 0, n));
        scene.attack(from.into_iter(), 80, attack);
        sleep(Duration::from_millis(300)).await;
        assert_served(scene.creates_in_time().await, attack);
    }
}

/// Many addresses with a few connections each: together more than there are places.
async fn many_addresses(over_tls: bool) {
    for attack in ALL {
        let mut scene = Scene::start(limits(), over_tls, "127.0.0.1:0").await;
        let from = (1..=60).map(|n| Ipv4Addr::new(127, 0, 1, n));
        scene.attack(from, 3, attack);
        sleep(Duration::from_millis(300)).await;
        assert_served(scene.creates_in_time().await, attack);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_addresses_with_silent_connections_leave_a_third_its_requests() {
    two_greedy_addresses(false).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_addresses_with_silent_connections_leave_a_third_its_requests_over_tls() {
    two_greedy_addresses(true).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn many_addresses_with_silent_connections_leave_another_its_requests() {
    many_addresses(false).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn many_addresses_with_silent_connections_leave_another_its_requests_over_tls() {
    many_addresses(true).await;
}

/// Every place is taken by requests that are worked on: they are answered, whatever waits outside.
#[tokio::test]
async fn a_request_that_is_worked_on_is_never_closed_for_another() {
    let mut limits = limits();
    limits.connections = 4;
    limits.deadline = Duration::from_secs(2);
    let scene = Scene::start(limits, false, "127.0.0.1:0").await;
    let mut answers = JoinSet::new();
    for n in 0..4 {
        let request = head(&scene.world.issuer.token(), GOOD.len()) + GOOD;
        let request = request.replace(AGENT, crate::harness::SILENT);
        let request = request.replace("keep-alive", "close");
        let (from, to) = (Ipv4Addr::new(127, 0, 0, 10 + n), scene.address);
        answers.spawn(async move { exchange(from, to, None, request.as_bytes()).await });
    }
    sleep(Duration::from_millis(300)).await;
    let mut outside = Vec::new();
    for _ in 0..20 {
        outside.push(connect(Ipv4Addr::LOCALHOST, scene.address).await.unwrap());
    }
    while let Some(answer) = answers.join_next().await {
        let answer = answer.unwrap().unwrap();
        assert!(
            answer.contains("urn:sealpost:problem:agent-timeout"),
            "{answer}"
        );
    }
}

/// A connection that lost its place while its request arrived stores nothing.
#[tokio::test]
async fn a_request_that_was_closed_before_it_was_complete_is_not_carried_out() {
    let mut limits = limits();
    limits.connections = 1;
    let scene = Scene::start(limits, false, "127.0.0.1:0").await;
    let token = scene.world.issuer.token();
    let mut first = connect(Ipv4Addr::LOCALHOST, scene.address).await.unwrap();
    let text = head(&token, GOOD.len()) + GOOD;
    let (sent, rest) = text.as_bytes().split_at(text.len() - 5);
    first.write_all(sent).await.unwrap();
    sleep(Duration::from_millis(100)).await;
    let second = GOOD.replace("my-secret", "second");
    let second = head(&token, second.len()).replace("keep-alive", "close") + &second;
    let second = exchange(Ipv4Addr::LOCALHOST, scene.address, None, second.as_bytes());
    assert!(second.await.unwrap().starts_with("HTTP/1.1 201 "));
    // It may be told of the end now or at the next byte.
    let _ = first.write_all(rest).await;
    let mut answer = Vec::new();
    let _ = first.read_to_end(&mut answer).await;
    assert!(answer.is_empty());
    let resolver = &scene.world.resolver;
    assert!(resolver.resolve("secret:second#password").await.is_ok());
    assert!(resolver.resolve("secret:my-secret#password").await.is_err());
}

/// One IPv6 network of 64 bits is one address: `[::1]` alone can be had on every machine, and stands for its own.
#[tokio::test]
async fn over_ipv6_an_address_has_its_share_too() {
    if TcpListener::bind("[::1]:0").await.is_err() {
        return;
    }
    let mut limits = limits();
    limits.connections_per_address = 2;
    let scene = Scene::start(limits, false, "[::1]:0").await;
    assert!(matches!(scene.address.ip(), IpAddr::V6(_)));
    let mut first = TcpStream::connect(scene.address).await.unwrap();
    let mut others = Vec::new();
    for _ in 0..2 {
        others.push(TcpStream::connect(scene.address).await.unwrap());
        sleep(Duration::from_millis(50)).await;
    }
    let started = Instant::now();
    assert_eq!(
        first.read(&mut [0; 8]).await.unwrap(),
        0,
        "closed for the third"
    );
    assert!(started.elapsed() < Duration::from_secs(1));
}
