//! Whatever goes wrong, nothing tells the value or the token.

use std::{
    io,
    sync::{Arc, Mutex},
    time::Duration,
};

use sealpost_client::{AgentTrust, NewSecret, Token, retry::RetryPolicy};
use sealpost_envelope::Certificate;

use crate::server::{Act, Server, created, problem};

const VALUE: &str = "c4n4ry-of-the-value";
const TOKEN: &str = "c4n4ry-of-the-token";
const CERTIFICATE: &[u8] = include_bytes!("../../../../testdata/keys/agent-a2048.pem");

#[derive(Clone, Default)]
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

#[tokio::test]
async fn no_log_no_error_and_no_debug_has_it() {
    let log = Log::default();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_writer({
            let log = log.clone();
            move || log.clone()
        })
        .finish();
    let _guard = tracing::subscriber::set_default(subscriber);

    let value = || format!(r#"{{"password":"{VALUE}"}}"#).into_bytes();
    let certificate = Certificate::from_pem(CERTIFICATE).unwrap();
    let trust = AgentTrust::pinned([certificate.fingerprint()])
        .with_certificate(CERTIFICATE)
        .unwrap();
    let mut told = String::new();
    for at_source in [false, true] {
        for act in [
            created(),
            Act::Hang,
            Act::Drop,
            Act::Cut,
            Act::Stall,
            Act::Endless(400),
            Act::HugeHeader,
            problem(400, "invalid-request"),
            problem(403, "forbidden"),
            problem(504, "agent-offline"),
            Act::Answer(302, "location: /\r\n", String::new()),
        ] {
            let server = Server::start(vec![act; 2]).await;
            let pauses = (Duration::ZERO, Duration::ZERO);
            let client = server
                .builder()
                .token(Token::new(TOKEN.to_owned()))
                .retries(RetryPolicy::attempts(2).with_pauses(pauses.0, pauses.1))
                .attempt_timeout(Duration::from_millis(500))
                .build()
                .unwrap();
            let secret = NewSecret::new("n", value()).with_key("password");
            let result = match at_source {
                false => client.create_secret("a2048", None, &secret).await,
                true => client.seal_and_create("a2048", None, &secret, &trust).await,
            };
            told += &format!("{client:?} {secret:?} {result:?}");
            if let Err(error) = result {
                told += &error.to_string();
            }
            let sent = server.requests();
            let plain = sent.iter().any(|request| {
                let body = String::from_utf8_lossy(&request.body);
                body.contains(VALUE)
            });
            assert_eq!(
                plain,
                !at_source && !sent.is_empty(),
                "the canary is sent, or sealed"
            );
        }
    }
    let broken = NewSecret::new("n", [&value()[..], b"}"].concat());
    let client = Server::start([]).await.client();
    told += &format!(
        "{:?}",
        client.create_secret("a", None, &broken).await.unwrap_err()
    );

    let log = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    assert!(log.contains("trying again"), "it did log: {log}");
    for (what, text) in [("log", &log), ("text", &told)] {
        for canary in [VALUE, TOKEN, &VALUE[2..12], &TOKEN[2..12]] {
            assert!(!text.contains(canary), "{what} has it");
        }
    }
}
