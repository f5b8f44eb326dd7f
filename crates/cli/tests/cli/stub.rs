//! A gateway that only answers: for what a real one can't be made to do, or takes too long for.

use std::collections::HashMap;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

/// Listens on the loopback interface, and answers in the same way to every name.
pub(crate) struct Stub {
    pub(crate) url: String,
    seen: Arc<Mutex<Vec<Seen>>>,
}

/// A request.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) name: String,
    pub(crate) idempotency_key: String,
    pub(crate) authorization: String,
}

/// A status and a body for a name and for how often it has been asked for, this time included.
pub(crate) type Answer = fn(&str, usize) -> (u16, String);

impl Stub {
    pub(crate) fn start(answer: Answer) -> Self {
        Self::start_slow(answer, Duration::ZERO)
    }

    /// With a pause before each answer.
    pub(crate) fn start_slow(answer: Answer, pause: Duration) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let seen = Arc::<Mutex<Vec<Seen>>>::default();
        let shared = Arc::clone(&seen);
        let counts = Arc::<Mutex<HashMap<String, usize>>>::default();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (seen, counts) = (Arc::clone(&shared), Arc::clone(&counts));
                std::thread::spawn(move || serve(stream.unwrap(), &seen, &counts, answer, pause));
            }
        });
        Self { url, seen }
    }

    pub(crate) fn seen(&self) -> MutexGuard<'_, Vec<Seen>> {
        self.seen.lock().unwrap()
    }
}

pub(crate) fn created(name: &str, _: usize) -> (u16, String) {
    (
        201,
        format!(r#"{{"resolver_ref":"secret:{name}","vaultSecretName":"{name}"}}"#),
    )
}

pub(crate) fn problem(status: u16, kind: &str) -> (u16, String) {
    let body = format!(
        r#"{{"type":"urn:sealpost:problem:{kind}","title":"The {kind} title","status":{status},"detail":"The detail."}}"#
    );
    (status, body)
}

fn serve(
    mut stream: TcpStream,
    seen: &Mutex<Vec<Seen>>,
    counts: &Mutex<HashMap<String, usize>>,
    answer: Answer,
    pause: Duration,
) {
    stream.set_nodelay(true).unwrap();
    let mut bytes = Vec::new();
    // Whoever is killed leaves a half request behind.
    while let Some((head, body)) = request(&mut stream, &mut bytes) {
        let body: serde_json::Value = serde_json::from_slice(&body).unwrap_or_default();
        let name = body["secret"]["name"].as_str().unwrap_or("?").to_owned();
        let header = |name: &str| {
            let mut lines = head.lines();
            let value = lines.find_map(|line| line.strip_prefix(&format!("{name}: ")));
            value.unwrap_or_default().to_owned()
        };
        let count = {
            let mut counts = counts.lock().unwrap();
            let count = counts.entry(name.clone()).or_default();
            *count += 1;
            *count
        };
        seen.lock().unwrap().push(Seen {
            name: name.clone(),
            idempotency_key: header("idempotency-key"),
            authorization: header("authorization"),
        });
        std::thread::sleep(pause);
        let (status, mut body) = answer(&name, count);
        if let Some(project) = project(&head) {
            // As vaults name the secrets of a project.
            let scoped = format!("p{project}-{name}");
            body = body.replace(&format!("secret:{name}\""), &format!("secret:{scoped}\""));
            body = body.replace(&format!(":\"{name}\""), &format!(":\"{scoped}\""));
        }
        let answer = format!(
            "HTTP/1.1 {status} X\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        if stream.write_all(answer.as_bytes()).is_err() {
            return;
        }
    }
}

/// The project of a request, in hexadecimal digits.
fn project(head: &str) -> Option<String> {
    let (_, rest) = head.lines().next()?.split_once("projectId=")?;
    let project = rest.split([' ', '&']).next()?;
    Some(project.replace('-', "").to_lowercase())
}

fn request(stream: &mut TcpStream, bytes: &mut Vec<u8>) -> Option<(String, Vec<u8>)> {
    let mut chunk = [0; 4096];
    loop {
        if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
            let length = head
                .lines()
                .find_map(|line| line.strip_prefix("content-length: "));
            let total = end + 4 + length.map_or(0, |length| length.parse::<usize>().unwrap());
            if bytes.len() >= total {
                let rest = bytes.split_off(total);
                let body = bytes.split_off(end + 4);
                *bytes = rest;
                return Some((head, body));
            }
        }
        match stream.read(&mut chunk) {
            Ok(0) | Err(_) => return None,
            Ok(read) => bytes.extend_from_slice(&chunk[..read]),
        }
    }
}
