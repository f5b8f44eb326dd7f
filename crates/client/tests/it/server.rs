//! A server that does what the test says, one thing for each connection.

use std::{
    collections::VecDeque,
    io,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use sealpost_client::{Client, NewSecret, Token, builder::ClientBuilder, retry::RetryPolicy};
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    net::TcpListener,
};
use tokio_rustls::TlsAcceptor;

/// What to do with a connection.
#[derive(Clone, Debug)]
pub(crate) enum Act {
    /// Answer with this status, these headers and this body.
    Answer(u16, &'static str, String),
    /// Close it before anything is read.
    Hang,
    /// Read the request and close.
    Drop,
    /// Promise more than comes.
    Cut,
    /// Read the request and say nothing.
    Stall,
    /// Answer with this status and a body that never ends.
    Endless(u16),
    /// Answer with a byte every ten milliseconds, without end.
    Drip,
    /// Answer with a header of a megabyte.
    HugeHeader,
}

/// A request as it came.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

impl Request {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let line = |line: &&str| {
            line.split_once(':')
                .is_some_and(|(key, _)| key.eq_ignore_ascii_case(name))
        };
        let (_, value) = self.head.lines().find(line)?.split_once(':')?;
        Some(value.trim())
    }

    pub(crate) fn line(&self) -> &str {
        self.head.lines().next().unwrap()
    }
}

pub(crate) struct Server {
    pub(crate) url: String,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    script: Mutex<VecDeque<Act>>,
    requests: Mutex<Vec<Request>>,
    connections: AtomicUsize,
    written: AtomicUsize,
}

impl Server {
    pub(crate) async fn start(script: impl IntoIterator<Item = Act>) -> Self {
        Self::start_with(script, None).await
    }

    pub(crate) async fn start_tls(
        script: impl IntoIterator<Item = Act>,
        acceptor: TlsAcceptor,
    ) -> Self {
        Self::start_with(script, Some(acceptor)).await
    }

    async fn start_with(script: impl IntoIterator<Item = Act>, tls: Option<TlsAcceptor>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let scheme = if tls.is_some() { "https" } else { "http" };
        let url = format!("{scheme}://{}", listener.local_addr().unwrap());
        let shared = Arc::new(Shared {
            script: Mutex::new(script.into_iter().collect()),
            ..Shared::default()
        });
        let running = Arc::clone(&shared);
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let (shared, tls) = (Arc::clone(&running), tls.clone());
                shared.connections.fetch_add(1, Ordering::SeqCst);
                tokio::spawn(async move {
                    // Who is disconnected on purpose makes errors here.
                    let _ = match tls {
                        None => shared.serve(stream).await,
                        Some(tls) => match tls.accept(stream).await {
                            Ok(stream) => shared.serve(stream).await,
                            Err(error) => Err(error),
                        },
                    };
                });
            }
        });
        Self { url, shared }
    }

    /// A client with quick retries and the token `t.o.k`.
    pub(crate) fn client(&self) -> Client {
        self.builder().token(token()).build().unwrap()
    }

    pub(crate) fn builder(&self) -> ClientBuilder {
        let pauses = (Duration::from_millis(1), Duration::from_millis(5));
        Client::builder(&self.url)
            .retries(RetryPolicy::default().with_pauses(pauses.0, pauses.1))
            .attempt_timeout(Duration::from_secs(20))
    }

    pub(crate) fn requests(&self) -> Vec<Request> {
        self.shared.requests.lock().unwrap().clone()
    }

    pub(crate) fn connections(&self) -> usize {
        self.shared.connections.load(Ordering::SeqCst)
    }

    /// Bytes of endless answers that went out.
    pub(crate) fn written(&self) -> usize {
        self.shared.written.load(Ordering::SeqCst)
    }
}

impl Shared {
    async fn serve(&self, mut stream: impl AsyncRead + AsyncWrite + Unpin) -> io::Result<()> {
        let act = self.script.lock().unwrap().pop_front();
        let act = act.unwrap_or_else(|| problem(400, "the-script-is-over"));
        if matches!(act, Act::Hang) {
            return Ok(());
        }
        let request = read_request(&mut stream).await?;
        self.requests.lock().unwrap().push(request);
        match act {
            Act::Hang | Act::Drop => {}
            Act::Answer(status, headers, body) => {
                let head = format!(
                    "HTTP/1.1 {status} X\r\n{headers}content-length: {}\r\nconnection: close\r\n\r\n",
                    body.len()
                );
                stream.write_all(head.as_bytes()).await?;
                stream.write_all(body.as_bytes()).await?;
                stream.shutdown().await?;
            }
            Act::Cut => {
                let head = "HTTP/1.1 201 X\r\ncontent-length: 100\r\n\r\n{\"resolver_ref\":";
                stream.write_all(head.as_bytes()).await?;
                stream.shutdown().await?;
            }
            Act::Stall => std::future::pending().await,
            Act::Endless(status) => {
                let head = format!("HTTP/1.1 {status} X\r\n\r\n");
                stream.write_all(head.as_bytes()).await?;
                loop {
                    let written = stream.write(&[b' '; 4096]).await?;
                    self.written.fetch_add(written, Ordering::SeqCst);
                }
            }
            Act::Drip => {
                stream.write_all(b"HTTP/1.1 201 X\r\n\r\n").await?;
                loop {
                    stream.write_all(b" ").await?;
                    tokio::time::sleep(Duration::from_millis(10)).await;
                }
            }
            Act::HugeHeader => {
                let head = format!("HTTP/1.1 201 X\r\nx: {}\r\n\r\n", "h".repeat(1 << 20));
                stream.write_all(head.as_bytes()).await?;
            }
        }
        Ok(())
    }
}

async fn read_request(stream: &mut (impl AsyncRead + Unpin)) -> io::Result<Request> {
    let mut bytes = Vec::new();
    let end = loop {
        if stream.read_buf(&mut bytes).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            break end + 4;
        }
    };
    let mut request = Request {
        head: String::from_utf8(bytes[..end].to_vec()).unwrap(),
        body: bytes.split_off(end),
    };
    let length = request
        .header("content-length")
        .map_or(0, |length| length.parse().unwrap());
    while request.body.len() < length {
        if stream.read_buf(&mut request.body).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
    Ok(request)
}

pub(crate) fn created() -> Act {
    let body = r#"{"resolver_ref":"secret:n#password","vaultSecretName":"n"}"#;
    Act::Answer(201, "x-request-id: request-1\r\n", body.to_owned())
}

pub(crate) fn problem(status: u16, name: &str) -> Act {
    problem_with(status, name, "")
}

pub(crate) fn problem_with(status: u16, name: &str, headers: &'static str) -> Act {
    let body = format!(
        r#"{{"type":"urn:sealpost:problem:{name}","title":"T","status":{status},"detail":"D."}}"#
    );
    Act::Answer(status, headers, body)
}

pub(crate) fn token() -> Token {
    Token::new("t.o.k".to_owned())
}

pub(crate) fn secret() -> NewSecret {
    NewSecret::new("n", br#"{"password":"correct horse"}"#.to_vec()).with_key("password")
}
