// `unsafe` is here because a test of freed memory can't do without: `GlobalAlloc` is an unsafe trait, and
// a block is read through the pointer that is about to be freed.
#![allow(unsafe_code)]
#![allow(clippy::unwrap_used)] // a failed unwrap is a failed test

//! What a call leaves of a value in freed memory, on any thread: nothing, over plain HTTP/1.1 to a server that drops
//! the first attempt.
//!
//! One test in a program of its own: whatever runs beside it would be looked at as well.

use std::{
    alloc::{GlobalAlloc, Layout, System},
    hint::black_box,
    io::{Read as _, Write as _},
    net::TcpListener,
    sync::atomic::{AtomicBool, AtomicUsize, Ordering},
    thread,
};

use sealpost_client::{AgentTrust, Client, NewSecret};
use sealpost_envelope::Certificate;
use zeroize::{Zeroize, Zeroizing};

const CERTIFICATE: &[u8] = include_bytes!("../../../testdata/keys/agent-a2048.pem");

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_leaves_nothing_of_a_value() {
    // The control: what is freed as it was is found, and what was wiped is not.
    assert_eq!(watched(|| drop(black_box(value(4)))), 4);
    assert_eq!(watched(|| drop(black_box(Zeroizing::new(value(4))))), 0);

    let certificate = Certificate::from_pem(CERTIFICATE).unwrap();
    let trust = AgentTrust::pinned([certificate.fingerprint()])
        .with_certificate(CERTIFICATE)
        .unwrap();
    for canaries in [4, 3000] {
        let (url, server) = server(5);
        let client = Client::builder(url).build().unwrap();
        let (first, second, broken) = (secret(canaries), secret(canaries), secret(canaries));
        FOUND.store(0, Ordering::SeqCst);
        ARMED.store(true, Ordering::SeqCst);
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
        ARMED.store(false, Ordering::SeqCst);
        assert_eq!(
            FOUND.load(Ordering::SeqCst),
            0,
            "places in freed memory, {canaries}"
        );
    }
}

fn secret(canaries: usize) -> NewSecret {
    let mut json = Zeroizing::new(Vec::with_capacity(canaries * CANARY.len() + 20));
    json.extend(b"{\"password\":\"");
    json.extend(Zeroizing::new(value(canaries)).iter());
    json.extend(b"\"}");
    NewSecret::new("n", json)
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

/// The canary, so many times: any part of it that is longer than two canaries holds a whole one.
fn value(canaries: usize) -> Vec<u8> {
    let mut value = Vec::with_capacity(canaries * CANARY.len());
    for _ in 0..canaries {
        value.extend(CANARY.iter().map(|byte| byte ^ MASK));
    }
    value
}

fn watched(operation: impl FnOnce()) -> usize {
    FOUND.store(0, Ordering::SeqCst);
    ARMED.store(true, Ordering::SeqCst);
    operation();
    ARMED.store(false, Ordering::SeqCst);
    FOUND.load(Ordering::SeqCst)
}

/// Looks for the canary in every block that is freed, then wipes the block. A block that grows or shrinks moves.
struct Watching;

// SAFETY: memory comes from the system's allocator and goes back to it, with the same layout.
unsafe impl GlobalAlloc for Watching {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller keeps the contract of `GlobalAlloc`. Zeroed, so that all of it may be read later.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: the block is alive, has this length, and was written from its start to its end.
        unsafe {
            if ARMED.load(Ordering::SeqCst) {
                let bytes = std::slice::from_raw_parts(block, layout.size());
                FOUND.fetch_add(count(bytes), Ordering::SeqCst);
            }
            std::slice::from_raw_parts_mut(block, layout.size()).zeroize();
            System.dealloc(block, layout);
        }
    }

    // `realloc` as the trait provides it: a new block, a copy, the old block freed.
}

fn count(bytes: &[u8]) -> usize {
    let found = |window: &&[u8]| {
        window
            .iter()
            .zip(&CANARY)
            .all(|(byte, masked)| byte ^ MASK == *masked)
    };
    bytes.windows(CANARY.len()).filter(found).count()
}

#[global_allocator]
static WATCHING: Watching = Watching;
static ARMED: AtomicBool = AtomicBool::new(false);
static FOUND: AtomicUsize = AtomicUsize::new(0);

/// `canary-7f3a91c2-`, masked, so that nothing but a value holds it.
const CANARY: [u8; 16] = [
    57, 59, 52, 59, 40, 35, 119, 109, 60, 105, 59, 99, 107, 57, 104, 119,
];
const MASK: u8 = 0x5a;
