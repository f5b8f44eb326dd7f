//! Nothing of a request's content is in any log, at any level, whatever becomes of the request.
#![allow(clippy::unwrap_used)] // a failed unwrap is a failed test
#![allow(dead_code)] // the harness has more than is used here

#[path = "it/harness.rs"]
mod harness;
#[path = "it/issuer.rs"]
mod issuer;

use std::{
    io,
    sync::{Arc, Mutex},
    time::Duration,
};

use harness::{AGENT, OFFLINE, SILENT, short_limits, world_of};
use sealpost_client::{Client, NewSecret, Token};
use sealpost_gateway::{Listener, Metrics, audit::AuditSink, serve};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};
use tracing_subscriber::fmt::MakeWriter;

#[derive(Clone, Debug, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl AuditSink for Log {
    fn write_line(&self, line: &[u8]) -> io::Result<()> {
        io::Write::write_all(&mut self.clone(), line)
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

/// In a value, as it stands and escaped.
const CANARY: &str = "cAnArY-in-the-value-4711";
const ESCAPED: &str = r"\u0063AnArY-in-the-value-4711";
/// The name of a member of a value.
const MEMBER: &str = "cAnArY-in-a-member-4712";
/// An idempotency key.
const KEY: &str = "cAnArY-in-a-key-4714";
/// The name of a secret.
const NAME: &str = "cAnArY-in-a-name-4713";

/// Everything under which a text may hide: itself, base64 in its three positions, hex, a list of numbers.
fn disguises(text: &str) -> Vec<String> {
    let bytes = text.as_bytes();
    let mut all = vec![
        text.to_owned(),
        bytes.iter().map(|b| format!("{b:02x}")).collect(),
        bytes.iter().map(|b| format!("{b:02X}")).collect(),
        bytes
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>()
            .join(", "),
        bytes
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>()
            .join(","),
    ];
    for shift in 0..3 {
        // Whole groups only: what stands beside them is not known.
        let groups = &bytes[(3 - shift) % 3..];
        let encoded = base64(&groups[..groups.len() / 3 * 3]);
        all.push(encoded.replace('+', "-").replace('/', "_"));
        all.push(encoded);
    }
    all
}

fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for group in bytes.chunks(3) {
        let bits = group
            .iter()
            .fold(0_u32, |bits, b| bits << 8 | u32::from(*b));
        for shift in [18, 12, 6, 0] {
            text.push(char::from(ALPHABET[(bits >> shift & 63) as usize]));
        }
    }
    text
}

#[test]
fn base64_is_base64() {
    assert_eq!(base64(b"sealpost1"), "c2VhbHBvc3Qx");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_content_in_any_log() {
    let log = Log::default();
    tracing_subscriber::fmt()
        .with_max_level(tracing_subscriber::filter::LevelFilter::TRACE)
        .with_ansi(false)
        .with_writer(log.clone())
        .init();

    let (trail, metrics) = (Log::default(), Arc::new(Metrics::new()));
    let kept = Arc::new(trail.clone());
    let world = world_of(short_limits(), |gateway| {
        gateway.with_audit(kept).with_metrics(Arc::clone(&metrics))
    });
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopping) = tokio::sync::oneshot::channel::<()>();
    let serving = tokio::spawn(serve(
        Listener::plain(listener).unwrap(),
        world.router.clone(),
        world.limits,
        async {
            drop(stopping.await);
        },
    ));
    let token = world.issuer.token();
    let forged = world
        .issuer
        .token_with(|_, claims| claims["aud"] = "elsewhere".into());
    let client = |token: &str| {
        let token = Token::new(token.to_owned());
        Client::builder(format!("http://{address}"))
            .token(token)
            .build()
            .unwrap()
    };

    // The road, and every way to leave it.
    let value = format!(r#"{{"{MEMBER}":"{CANARY}","x":"{ESCAPED}"}}"#);
    let secret = || NewSecret::new(NAME, value.clone().into_bytes()).with_key(MEMBER);
    let created = client(&token)
        .create_secret(AGENT, None, &secret())
        .await
        .unwrap();
    let resolved = world.resolver.resolve(&created.resolver_ref).await.unwrap();
    assert_eq!(resolved.to_plain().as_slice(), CANARY.as_bytes());
    let mut errors = Vec::new();
    for (agent, token) in [
        (AGENT, &token),
        (OFFLINE, &token),
        (SILENT, &token),
        ("nobody", &token),
        (AGENT, &forged),
    ] {
        let error = client(token)
            .create_secret(agent, None, &secret())
            .await
            .unwrap_err();
        errors.push(format!("{error} {error:?}"));
    }
    let wrong = secret().with_key("cAnArY.is-not-there");
    let error = client(&token)
        .create_secret(AGENT, Some("x"), &wrong)
        .await
        .unwrap_err();
    errors.push(format!("{error} {error:?} {wrong:?}"));
    for body in [
        format!(r#"{{"secret":{{"name":"{NAME}","value":"{CANARY}"}}}}"#),
        format!(r#"{{"secret":{{"name":"{NAME}","value":{{"{MEMBER}":{CANARY}}}}}}}"#),
        format!(r#"{{"secret":{{"name":"{NAME}","value":{{"p":"{CANARY}"}}}}}} {CANARY}"#),
        format!(
            r#"{{"secret":{{"name":"{NAME}","value":{{"p":"{CANARY}{}"}}}}}}"#,
            "x".repeat(70_000)
        ),
        CANARY.repeat(100_000),
    ] {
        errors.push(world.post(AGENT, body).await.body);
    }
    // With an idempotency key, one that is none, and a sealed value that is none.
    for (header, text) in [
        ("idempotency-key", format!("\"{KEY}\"")),
        ("idempotency-key", format!("\"{KEY}")),
        ("content-type", "application/jose".to_owned()),
        ("content-type", "application/pkcs7-mime".to_owned()),
    ] {
        let mut request = world.request(AGENT, value.clone());
        request.headers_mut().insert(header, text.parse().unwrap());
        errors.push(world.send(request).await.body);
    }
    // Cut off, slow, and no HTTP at all.
    let head = format!(
        "POST /v1/secrets/{AGENT}/secret-value HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n\
         Authorization: Bearer {token}\r\nContent-Length: 9999\r\n\r\n{value}"
    );
    for (text, finish) in [
        (head.as_str(), true),
        (&head, false),
        (CANARY, true),
        (CANARY, false),
    ] {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(text.as_bytes()).await.unwrap();
        if finish {
            stream.shutdown().await.unwrap();
        }
        let _ =
            tokio::time::timeout(Duration::from_secs(2), stream.read_to_end(&mut Vec::new())).await;
    }
    stop.send(()).unwrap();
    serving.await.unwrap();

    let log = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    // The test sees what is logged, by the gateway, the agent and the libraries.
    for control in [
        "request answered",
        "request carried out",
        "token refused",
        "TRACE",
        "reqwest",
    ] {
        assert!(log.contains(control), "the log lacks {control}:\n{log}");
    }
    // The audit trail has names, and is no log; the metrics have neither.
    let trail = String::from_utf8(trail.0.lock().unwrap().clone()).unwrap();
    assert!(trail.contains(NAME) && trail.lines().count() >= 10);
    let metrics = metrics.encode().unwrap();
    assert!(metrics.contains("sealpost_requests_total"));
    assert!(!metrics.contains(NAME));
    let errors = [errors.join("\n"), trail, metrics].join("\n");
    for canary in [CANARY, ESCAPED] {
        for disguise in disguises(canary) {
            assert!(!log.contains(&disguise), "{disguise} is in the log");
            assert!(!errors.contains(&disguise), "{disguise} is in an error");
        }
    }
    for canary in [MEMBER, NAME, KEY] {
        for disguise in disguises(canary) {
            assert!(!log.contains(&disguise), "{disguise} is in the log");
        }
    }
    for part in token.split('.').chain(forged.split('.')) {
        assert!(!log.contains(part), "a part of a token is in the log");
        assert!(!errors.contains(part), "a part of a token is in an error");
    }
}
