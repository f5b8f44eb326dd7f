//! What a port speaks that does not answer as it should, so that the error can name it.
//!
//! The HTTP library says that an answer is not HTTP, or that the connection was closed, and not what came. A second
//! connection, on which nothing of the call is sent, tells: it waits for a greeting, as SSH and mail servers send, and then
//! begins TLS as every client does.

use std::{sync::Arc, time::Duration};

use reqwest::Url;
use rustls::{
    ClientConfig, ClientConnection, RootCertStore, crypto::aws_lc_rs::default_provider,
    pki_types::ServerName,
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::timeout,
};

use crate::{error::ClientError, printable::printable};

/// What came back.
#[derive(Debug, Eq, PartialEq)]
enum Speaks {
    Tls,
    /// The beginning of what it says, made safe to show.
    Other(String),
}

/// Returns the error with a name for what the port speaks, if that explains it and can be found out.
pub(crate) async fn explained(error: ClientError, url: &Url) -> ClientError {
    let is_plain = url.scheme() == "http";
    // What the port says to other bytes explains the error, and does not take back that the request was written: a gateway
    // may have read it whole before the connection broke.
    let written = error.may_have_been_created();
    match error {
        ClientError::NotHttp { .. } | ClientError::Connection(_) | ClientError::Connect(_)
            if is_plain =>
        {
            match speaks(url).await {
                Some(Speaks::Tls) => ClientError::PlainToTls { written },
                Some(Speaks::Other(answer)) if !answer.starts_with("HTTP/") => {
                    ClientError::NotHttp {
                        answer: Some(answer),
                        written,
                    }
                }
                _ => error,
            }
        }
        ClientError::TlsToPlain { .. } => match speaks(url).await {
            Some(Speaks::Other(answer)) => ClientError::TlsToPlain {
                answer: Some(answer),
            },
            Some(Speaks::Tls) | None => error,
        },
        error => error,
    }
}

async fn speaks(url: &Url) -> Option<Speaks> {
    let (host, port) = (url.host_str()?, url.port_or_known_default()?);
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let probe = async {
        let mut stream = TcpStream::connect((host, port)).await.ok()?;
        let mut answer = [0; 256];
        let greeting = timeout(GREETING, stream.read(&mut answer)).await;
        let length = match greeting {
            Ok(read) => read.ok()?,
            Err(_) => {
                stream.write_all(&hello(host)?).await.ok()?;
                stream.read(&mut answer).await.ok()?
            }
        };
        classify(answer.get(..length)?)
    };
    timeout(LONGEST, probe).await.ok()?
}

fn classify(answer: &[u8]) -> Option<Speaks> {
    match answer {
        [] => None,
        // RFC 8446 §5.1: an alert or a handshake, of a version that begins with 3.
        [0x15 | 0x16, 0x03, ..] => Some(Speaks::Tls),
        _ => {
            let line = answer.split(|byte| matches!(byte, b'\r' | b'\n')).next();
            let line = String::from_utf8_lossy(line.unwrap_or_default());
            let shown: String = line.chars().take(SHOWN).collect();
            Some(Speaks::Other(printable(shown)))
        }
    }
}

/// How TLS begins (RFC 8446 §4.1.2). The connection goes no further, so that no certificate is looked at.
fn hello(host: &str) -> Option<Vec<u8>> {
    let config = ClientConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .ok()?
        .with_root_certificates(RootCertStore::empty())
        .with_no_client_auth();
    let name = ServerName::try_from(host.to_owned()).ok()?;
    let mut connection = ClientConnection::new(Arc::new(config), name).ok()?;
    let mut hello = Vec::new();
    connection.write_tls(&mut hello).ok()?;
    Some(hello)
}

/// Who greets does so at once.
const GREETING: Duration = Duration::from_millis(300);
const LONGEST: Duration = Duration::from_secs(2);
/// Characters of an answer that are shown.
const SHOWN: usize = 60;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_told_by_how_they_begin() {
        let other = |text: &str| Some(Speaks::Other(text.to_owned()));
        for (answer, speaks) in [
            (&b""[..], None),
            (b"\x15\x03\x01\x00\x02\x02\x0a", Some(Speaks::Tls)),
            (b"\x15\x03\x03", Some(Speaks::Tls)),
            (b"\x16\x03\x03\x00\x7a\x02", Some(Speaks::Tls)),
            (b"SSH-2.0-OpenSSH_9.2\r\n", other("SSH-2.0-OpenSSH_9.2")),
            (
                b"220 mail.example ESMTP\r\n",
                other("220 mail.example ESMTP"),
            ),
            (
                b"HTTP/1.1 400 Bad Request\r\n\r\n",
                other("HTTP/1.1 400 Bad Request"),
            ),
            (b"a\x1b[2Jb\xff\n", other("a\u{fffd}[2Jb\u{fffd}")),
        ] {
            assert_eq!(classify(answer), speaks, "{answer:02x?}");
        }
        let long = classify(&[b'x'; 200]);
        assert_eq!(long, other(&"x".repeat(60)));
    }

    #[test]
    fn tls_begins_with_a_handshake_for_names_and_addresses() {
        for host in ["localhost", "127.0.0.1", "::1"] {
            assert_eq!(hello(host).unwrap()[..2], [0x16, 0x03], "{host}");
        }
    }
}
