//! What a running gateway leaves in its memory: nothing of a value in freed heap, and no heap that it no longer needs.

use std::fs::{self, File};
use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpStream};
use std::os::unix::fs::FileExt as _;
use std::thread::sleep;
use std::time::Duration;

use super::gateway_server::{Gateway, Site, eventually};
use super::support::AGENT;

const CANARY: &str = "c4n4ry-0f-a-value-91e2d8b67f3a";

/// A writable part of a process's memory.
struct Mapping {
    name: String,
    bytes: Vec<u8>,
}

/// The writable memory of a process: heaps, stacks, statics.
fn writable(pid: u32) -> Vec<Mapping> {
    let maps = fs::read_to_string(format!("/proc/{pid}/maps")).unwrap();
    let memory = File::open(format!("/proc/{pid}/mem")).unwrap();
    let mut found = Vec::new();
    for line in maps.lines() {
        let mut fields = line.split_whitespace();
        let (range, permissions) = (fields.next().unwrap(), fields.next().unwrap());
        if !permissions.starts_with("rw") {
            continue;
        }
        let (from, to) = range.split_once('-').unwrap();
        let [from, to] = [from, to].map(|at| u64::from_str_radix(at, 16).unwrap());
        let mut bytes = vec![0; usize::try_from(to - from).unwrap()];
        // It may be unmapped meanwhile.
        if memory.read_exact_at(&mut bytes, from).is_ok() {
            let name = fields.nth(3).unwrap_or_default().to_owned();
            found.push(Mapping { name, bytes });
        }
    }
    found
}

/// How often the canary, or most of it, is in the process's memory.
fn canaries(pid: u32) -> Vec<String> {
    // C's allocator and a buffer's next user may have overwritten its ends.
    let part = &CANARY.as_bytes()[8..24];
    let mut found = Vec::new();
    for Mapping { name, bytes } in writable(pid) {
        let count = bytes.windows(part.len()).filter(|w| *w == part).count();
        if count > 0 {
            found.push(format!("{count} in {name:?} of {} bytes", bytes.len()));
        }
    }
    found
}

fn resident_kib(pid: u32) -> usize {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:"));
    let kib = line.unwrap().split_whitespace().nth(1).unwrap();
    kib.parse().unwrap()
}

/// A value of about this many bytes, with the canary all over it.
fn value(length: usize) -> String {
    let text = CANARY.repeat(length / CANARY.len());
    format!(r#"{{"password":"{text}"}}"#)
}

fn head(gateway: &Gateway, media_type: &str, length: usize) -> String {
    format!(
        "POST /v1/secrets/{AGENT}/secret-value HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\
         Authorization: Bearer {}\r\nContent-Type: {media_type}\r\nContent-Length: {length}\r\n\r\n",
        gateway.site().token()
    )
}

fn send(gateway: &Gateway, media_type: &str, body: &str) -> String {
    let mut stream = gateway.connect();
    let head = head(gateway, media_type, body.len());
    stream.write_all(head.as_bytes()).unwrap();
    stream.write_all(body.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

/// Sends a part of a body and goes on without waiting.
fn begin(gateway: &Gateway, part: &str) -> TcpStream {
    let mut stream = gateway.connect();
    let head = head(gateway, "application/json", 130_000);
    stream.write_all(head.as_bytes()).unwrap();
    stream.write_all(part.as_bytes()).unwrap();
    stream
}

#[test]
fn nothing_of_a_value_is_left_in_freed_heap() {
    let folder = tempfile::tempdir().unwrap();
    let gateway = Site::new(folder.path(), "").start(&[]);
    let pid = gateway.pid();
    // The search finds what is there: a request under way.
    let pending = begin(
        &gateway,
        &format!(r#"{{"secret":{{"value":{}"#, value(60_000)),
    );
    eventually("what is under way is found", || !canaries(pid).is_empty());
    drop(pending);

    for (length, count) in [(60_000, 32), (3_000, 32), (100, 32)] {
        for n in 0..count {
            let name = format!("n-{length}-{n}");
            let body = format!(
                r#"{{"secret":{{"name":"{name}","value":{}}}}}"#,
                value(length)
            );
            let answer = send(&gateway, "application/json", &body);
            assert!(answer.starts_with("HTTP/1.1 201 "), "{answer}");
            // Its name is taken, it is cut, no sealed value, it is too long.
            for (media_type, refused) in [
                ("application/json", body.as_str()),
                ("application/json", &body[..body.len() - 1]),
                ("application/jose", &body),
                ("application/pkcs7-mime", &body),
                ("application/json", &body.repeat(3)),
            ] {
                let answer = send(&gateway, media_type, refused);
                assert!(answer.starts_with("HTTP/1.1 4"), "{answer}");
            }
            // The caller hangs up.
            drop(begin(&gateway, &body));
            let half = begin(&gateway, &body);
            half.shutdown(Shutdown::Both).unwrap();
        }
    }
    let mut last = Vec::new();
    for _ in 0..50 {
        last = canaries(pid);
        if last.is_empty() {
            return;
        }
        // A connection may just be closing.
        sleep(Duration::from_millis(100));
    }
    panic!("{last:#?}");
}

#[test]
fn values_of_completed_creates_are_gone_once_their_connection_is_closed() {
    let folder = tempfile::tempdir().unwrap();
    let gateway = Site::new(folder.path(), "").start(&[]);
    let pid = gateway.pid();
    let keep = |name: &str, length: usize| {
        let body = format!(
            r#"{{"secret":{{"name":"{name}","value":{}}}}}"#,
            value(length)
        );
        let head = head(&gateway, "application/json", body.len());
        let head = head.replace("Connection: close\r\n", "");
        let mut stream = gateway.connect();
        stream.write_all((head + &body).as_bytes()).unwrap();
        let mut status = [0; 13];
        stream.read_exact(&mut status).unwrap();
        assert_eq!(&status, b"HTTP/1.1 201 ");
        stream
    };
    let lengths = [100, 3_000, 60_000].into_iter().cycle().take(12);
    let open: Vec<_> = lengths
        .enumerate()
        .map(|(n, length)| keep(&format!("kept-{n}"), length))
        .collect();
    drop(open);
    eventually("nothing of a value is left", || canaries(pid).is_empty());
}

#[test]
fn the_memory_of_abandoned_bodies_is_returned() {
    let folder = tempfile::tempdir().unwrap();
    let gateway = Site::new(folder.path(), "[limits]\nconnections_per_address = 1024\n").start(&[]);
    let pid = gateway.pid();
    let part = "x".repeat(120_000);
    // What a first request needs once is no part of it.
    assert_eq!(gateway.create("first").status, 201);
    let before = resident_kib(pid);
    let mut most = 0;
    for _ in 0..2 {
        let open: Vec<_> = (0..400).map(|_| begin(&gateway, &part)).collect();
        most = resident_kib(pid).max(most);
        drop(open);
        sleep(Duration::from_millis(300));
    }
    assert!(
        most > before + 10_000,
        "it took memory: {before}, {most} KiB"
    );
    let mut after = most;
    for _ in 0..150 {
        after = resident_kib(pid);
        if after < before + 6_000 {
            break;
        }
        sleep(Duration::from_millis(100));
    }
    assert!(after < before + 6_000, "{before}, {most}, then {after} KiB");
    assert_eq!(gateway.create("last").status, 201);
}
