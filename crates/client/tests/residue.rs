#![allow(clippy::unwrap_used)] // a failed unwrap is a failed test

//! What a call leaves of a value in freed memory, on any thread: nothing, over plain HTTP/1.1 to a server that drops
//! the first attempt.
//!
//! One test in a program of its own: whatever runs beside it would be looked at as well.

use std::{
    io::{Read as _, Write as _},
    net::TcpListener,
    thread,
};

use sealpost_client::{AgentTrust, Client, NewSecret};
use sealpost_envelope::Certificate;
use sealpost_testkit::canary;
use zeroize::Zeroizing;

const CERTIFICATE: &[u8] = include_bytes!("../../../testdata/keys/agent-a2048.pem");

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_leaves_nothing_of_a_value() {
    canary::assert_watching();

    let certificate = Certificate::from_pem(CERTIFICATE).unwrap();
    let trust = AgentTrust::pinned([certificate.fingerprint()])
        .with_certificate(CERTIFICATE)
        .unwrap();
    for canaries in [4, 3000] {
        let (url, server) = server(5);
        let client = Client::builder(url).build().unwrap();
        let (first, second, broken) = (secret(canaries), secret(canaries), secret(canaries));
        canary::arm();
        client.create_secret("a2048", None, &first).await.unwrap();
        client
            .seal_and_create("a2048", None, &second, &trust)
            .await
            .unwrap();
        // A 400.
        client
            .create_secret("a2048", None, &broken)
            .await
            .unwrap_err();
        drop((first, second, broken, client));
        server.join().unwrap();
        canary::disarm();
        assert_eq!(
            canary::take_found(),
            0,
            "places in freed memory, {canaries}"
        );
    }
}

fn secret(canaries: usize) -> NewSecret {
    NewSecret::new("n", canary::json(canaries))
}

/// A server that drops every first connection of two and creates at the second; the last one is a 400. What it reads,
/// it wipes.
fn server(connections: usize) -> (String, thread::JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let serve = move || {
        for number in 1..=connections {
            let (mut stream, _) = listener.accept().unwrap();
            let mut buffer = Zeroizing::new(vec![0; 256 << 10]);
            let mut filled = 0;
            while !complete(&buffer[..filled]) {
                match stream.read(&mut buffer[filled..]).unwrap() {
                    0 => break,
                    read => filled += read,
                }
            }
            let (status, body) = match number {
                last if last == connections => (400, r#"{"type":"x"}"#),
                odd if odd % 2 == 1 => continue,
                _ => (201, r#"{"resolver_ref":"secret:n","vaultSecretName":"n"}"#),
            };
            let head = format!(
                "HTTP/1.1 {status} X\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}",
                body.len()
            );
            stream.write_all(head.as_bytes()).unwrap();
        }
    };
    (url, thread::spawn(serve))
}

fn complete(request: &[u8]) -> bool {
    let Some(end) = request.windows(4).position(|window| window == b"\r\n\r\n") else {
        return false;
    };
    let head = String::from_utf8_lossy(&request[..end]).to_lowercase();
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length: "));
    request.len() - end - 4 >= length.unwrap().parse().unwrap()
}

#[global_allocator]
static ALLOCATOR: canary::Watching = canary::Watching;
