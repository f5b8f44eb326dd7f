use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use sealpost_client::{Client, ClientError, builder::ClientBuilder, retry::RetryPolicy};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        RootCertStore, ServerConfig,
        pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
        server::WebPkiClientVerifier,
    },
};

use crate::server::{Act, Server, created, secret};

const CA: &[u8] = include_bytes!("../tls/ca.pem");
const SERVER: &[u8] = include_bytes!("../tls/server.pem");
const SERVER_KEY: &[u8] = include_bytes!("../tls/server.key.pem");
const CLIENT: &[u8] = include_bytes!("../tls/client.pem");
const CLIENT_KEY: &[u8] = include_bytes!("../tls/client.key.pem");

fn acceptor(ask_for_certificate: bool) -> TlsAcceptor {
    let config = ServerConfig::builder();
    let config = if ask_for_certificate {
        let mut roots = RootCertStore::empty();
        roots
            .add(CertificateDer::from_pem_slice(CA).unwrap())
            .unwrap();
        config.with_client_cert_verifier(
            WebPkiClientVerifier::builder(Arc::new(roots))
                .build()
                .unwrap(),
        )
    } else {
        config.with_no_client_auth()
    };
    let chain = vec![CertificateDer::from_pem_slice(SERVER).unwrap()];
    let key = PrivateKeyDer::from_pem_slice(SERVER_KEY).unwrap();
    TlsAcceptor::from(Arc::new(config.with_single_cert(chain, key).unwrap()))
}

#[tokio::test]
async fn an_authority_of_ones_own_is_trusted_and_no_other() {
    let server = Server::start_tls([created()], acceptor(false)).await;
    let client = server.builder().authorities(CA).build().unwrap();
    client.create_secret("a", None, &secret()).await.unwrap();

    let server = Server::start_tls([created(), created()], acceptor(false)).await;
    for client in [
        server.builder().build().unwrap(),
        // A certificate that has issued nothing.
        server.builder().authorities(CLIENT).build().unwrap(),
    ] {
        let before = server.connections();
        let error = client
            .create_secret("a", None, &secret())
            .await
            .unwrap_err();
        assert!(matches!(error, ClientError::Tls { .. }), "{error}");
        assert!(!error.may_have_been_created());
        assert_eq!(server.connections() - before, 1, "it is not tried again");
    }
    assert!(server.requests().is_empty());
}

#[tokio::test]
async fn another_host_than_the_certificates_is_refused() {
    let server = Server::start_tls([created(); 1], acceptor(false)).await;
    let url = server.url.replace("127.0.0.1", "127.0.0.2");
    let client = Client::builder(url)
        .authorities(CA)
        .retries(RetryPolicy::never())
        .build()
        .unwrap();
    assert!(client.create_secret("a", None, &secret()).await.is_err());
    assert!(server.requests().is_empty());
}

#[tokio::test]
async fn a_client_certificate_is_shown_to_who_asks() {
    let server = Server::start_tls([created()], acceptor(true)).await;
    let pem = [CLIENT, CLIENT_KEY].concat();
    let client = server
        .builder()
        .authorities(CA)
        .client_certificate(pem)
        .build()
        .unwrap();
    client.create_secret("a", None, &secret()).await.unwrap();

    let server = Server::start_tls([created()], acceptor(true)).await;
    let client = server.builder().authorities(CA).build().unwrap();
    assert!(client.create_secret("a", None, &secret()).await.is_err());
    assert!(server.requests().is_empty());
}

fn of_authorities(pem: &[u8]) -> String {
    let builder = Client::builder("https://localhost").authorities(pem);
    match builder.build() {
        Err(error @ ClientError::Certificate(_)) => error.to_string(),
        other => panic!("{other:?}"),
    }
}

fn of_identity(pem: &[u8]) -> String {
    let builder = Client::builder("https://localhost").client_certificate(pem.to_vec());
    match builder.build() {
        Err(error @ ClientError::ClientCertificate(_)) => error.to_string(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_ca_file_without_a_certificate_is_named() {
    let der = CertificateDer::from_pem_slice(CA).unwrap();
    let trusted = String::from_utf8(CA.to_vec()).unwrap();
    let trusted = trusted.replace(" CERTIFICATE", " TRUSTED CERTIFICATE");
    let block = |label: &str| format!("-----BEGIN {label}-----\nAAAA\n-----END {label}-----\n");
    let key = PrivateKeyDer::from_pem_slice(CLIENT_KEY).unwrap();
    let key = key.secret_der().to_vec();
    for (file, words) in [
        (&b""[..], "it is empty"),
        (b" \n", "it is empty"),
        (
            b"hello",
            "it has no certificate (-----BEGIN CERTIFICATE-----)",
        ),
        (b"hello", "text without a block of PEM"),
        (b"<!doctype html><html>", "a web page (HTML)"),
        (b"{\"error\":1}", "JSON"),
        (b"\xff\x00\x01", "neither text nor DER"),
        (&der, "openssl x509 -inform DER"),
        (CLIENT_KEY, "it has a private key"),
        (trusted.as_bytes(), "OpenSSL's own form"),
        (block("CERTIFICATE REQUEST").as_bytes(), "it is a request"),
        (block("PUBLIC KEY").as_bytes(), "a bare public key"),
        (block("PKCS7").as_bytes(), "openssl pkcs7"),
        (
            block("CERTIFICATE").as_bytes(),
            "none of its certificates can be used: certificate 1 of the file is left out, it can't be an authority's: it is \
             malformed",
        ),
        (
            b"-----BEGIN CERTIFICATE-----\n?\n-----END CERTIFICATE-----",
            "not intact",
        ),
        (&CA[..CA.len() - 40], "not intact"),
        (&key, "a private key"),
    ] {
        let error = of_authorities(file);
        assert!(error.contains(words), "{error}");
        assert!(
            error.starts_with("the file of authorities (PEM) can't be used: "),
            "{error}"
        );
    }
}

#[tokio::test]
async fn an_authority_that_cannot_be_used_does_not_hide_the_others() {
    let odd = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    let broken = odd.replacen("AAAA", "A?AA", 1);
    let cut = [&CA[..CA.len() / 2], b"\n"].concat();
    let server = Server::start_tls(vec![created(); 6], acceptor(false)).await;
    for (odd, words) in [
        (odd.as_bytes(), "it is malformed"),
        (broken.as_bytes(), "its PEM is not intact"),
        (&cut, "its PEM is not intact"),
    ] {
        for (number, bundle) in [(1, [odd, CA]), (2, [CA, odd])] {
            let client = server.builder().authorities(bundle.concat());
            let client = client.build().unwrap();
            client.create_secret("a", None, &secret()).await.unwrap();
            let [left_out] = client.left_out_authorities() else {
                panic!("{:?}", client.left_out_authorities());
            };
            assert!(
                left_out.starts_with(&format!("certificate {number} ")),
                "{left_out}"
            );
            assert!(left_out.contains(words), "{left_out}");
            assert!(!left_out.contains("BadEncoding"), "{left_out}");
        }
    }
    let whole = server.builder().authorities(CA).build().unwrap();
    assert!(whole.left_out_authorities().is_empty());
}

#[test]
fn a_client_certificate_that_does_not_fit_its_key_is_named() {
    let encrypted =
        "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n";
    let old = "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-256-CBC,00\n\nAAAA\n-----END RSA PRIVATE KEY-----\n";
    let odd = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n";
    let broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    let with = |key: &str| [CLIENT, key.as_bytes()].concat();
    let der = PrivateKeyDer::from_pem_slice(CLIENT_KEY).unwrap();
    let der = der.secret_der().to_vec();
    for (file, words) in [
        (
            [CLIENT, SERVER_KEY].concat(),
            "does not belong to its first certificate",
        ),
        (
            [CA, CLIENT, CLIENT_KEY].concat(),
            "does not belong to its first certificate",
        ),
        (CLIENT.to_vec(), "it has no private key"),
        (CLIENT_KEY.to_vec(), "it has no certificate"),
        (Vec::new(), "it is empty"),
        (with(encrypted), "its private key is encrypted"),
        (with(old), "its private key is encrypted"),
        (with(odd), "its private key is not one that TLS can use"),
        (
            [CLIENT, CLIENT_KEY, SERVER_KEY].concat(),
            "it has several private keys",
        ),
        (
            with(
                "-----BEGIN OPENSSH PRIVATE KEY-----\nc3NoLXJzYQ==\n-----END OPENSSH PRIVATE KEY-----\n",
            ),
            "the file is a private key in OpenSSH's format: `install ",
        ),
        (der, "it is a private key in DER: `openssl pkey -inform DER"),
        (
            b"PuTTY-User-Key-File-3: ssh-rsa\n".to_vec(),
            "the file is a private key of PuTTY: `puttygen",
        ),
        (
            [broken.as_bytes(), CLIENT_KEY].concat(),
            "its first certificate can't be read",
        ),
        (
            with("-----BEGIN PRIVATE KEY-----\n?\n-----END PRIVATE KEY-----\n"),
            "its PEM is not intact",
        ),
    ] {
        let error = of_identity(&file);
        assert!(error.contains(words), "{words}: {error}");
    }
}

/// nginx takes the connection and answers with a page.
#[tokio::test]
async fn a_page_that_wants_a_client_certificate_is_told_as_that() {
    for (page, words) in [
        (
            "<center>No required SSL certificate was sent</center>",
            "it wants a client certificate",
        ),
        (
            "<center>The SSL certificate error</center>",
            "it refuses the client certificate",
        ),
    ] {
        let page = Act::Answer(400, "", page.to_owned());
        let server = Server::start_tls([page], acceptor(false)).await;
        let client = server.builder().authorities(CA).build().unwrap();
        let error = client
            .create_secret("a", None, &secret())
            .await
            .unwrap_err();
        assert!(matches!(error, ClientError::Tls { .. }), "{error:?}");
        assert!(error.to_string().contains(words), "{error}");
        assert!(!error.may_have_been_created());
    }
}

/// As everywhere else (RFC 7468 §2), and whatever a block's label says of the form of a key.
#[test]
fn files_for_tls_may_have_white_space_older_labels_and_either_form_of_a_key() {
    let text = |pem: &[u8]| String::from_utf8(pem.to_vec()).unwrap();
    let indent = |pem: &str| {
        pem.lines()
            .map(|line| format!("  \t{line}\r\n"))
            .collect::<String>()
    };
    let feed = |pem: &str| pem.replace('\n', "\n\x0c");
    // Boundaries stay whole; the base64 loses its breaks.
    let joined = |pem: &str| pem.replace('\n', " ");
    let old = |pem: &str| pem.replace("CERTIFICATE-----", "X509 CERTIFICATE-----");
    let own = text(CLIENT) + &text(CLIENT_KEY);
    for (what, file, authorities) in [
        ("indented", indent(&own), indent(&text(CA))),
        ("form feeds", feed(&own), feed(&text(CA))),
        ("in one line", joined(&own), joined(&text(CA))),
        ("an older label", old(&own), old(&text(CA))),
        (
            "another form's label",
            own.replace("PRIVATE KEY", "RSA PRIVATE KEY"),
            text(CA),
        ),
    ] {
        let client = Client::builder("https://gateway.example")
            .authorities(authorities)
            .client_certificate(file.into_bytes())
            .build();
        let client = client.unwrap_or_else(|error| panic!("{what}: {error}"));
        assert!(client.left_out_authorities().is_empty(), "{what}");
    }
    let escaped = text(CLIENT) + &text(CLIENT_KEY).replace('\n', "\\n");
    let error = of_identity(escaped.as_bytes());
    assert!(error.contains("PEM in one line, with \\n"), "{error}");
    // SEQUENCE { INTEGER 3, SEQUENCE { … } }
    let pkcs12 = b"\x30\x0b\x02\x01\x03\x30\x06\x06\x01\x2a\x04\x01\x00";
    let error = of_identity(pkcs12);
    assert!(error.contains("PKCS#12"), "{error}");
    let mixed =
        text(CA) + "-----BEGIN TRUSTED CERTIFICATE-----\nAAAA\n-----END TRUSTED CERTIFICATE-----\n";
    let client = Client::builder("https://gateway.example")
        .authorities(mixed)
        .build()
        .unwrap();
    let [left_out] = client.left_out_authorities() else {
        panic!("{:?}", client.left_out_authorities());
    };
    assert!(left_out.contains("openssl x509 -in FILE"), "{left_out}");
}

/// What the library's own reader refuses.
#[test]
fn blocks_of_other_kinds_beside_a_client_certificate_are_passed_over() {
    let other = |label: &str| format!("-----BEGIN {label}-----\nAAAA\n-----END {label}-----\n");
    for label in [
        "PUBLIC KEY",
        "X509 CRL",
        "CERTIFICATE REQUEST",
        "EC PARAMETERS",
        "DH PARAMETERS",
    ] {
        let pem = [other(label).as_bytes(), CLIENT, b"\n", CLIENT_KEY].concat();
        let builder = Client::builder("https://localhost").client_certificate(pem);
        builder
            .build()
            .unwrap_or_else(|error| panic!("{label}: {error}"));
    }
}

#[tokio::test]
async fn plain_http_to_a_tls_port_is_named() {
    // The alert of a TLS server, and the words of servers that answer in plain HTTP.
    let words = [
        "<html>400 The plain HTTP request was sent to HTTPS port</html>",
        "Reason: You're speaking plain HTTP to an SSL-enabled server port.",
        "Client sent an HTTP request to an HTTPS server.\n",
        "Bad Request\nThis combination of host and port requires TLS.\n",
    ];
    let mut servers = vec![Server::start_tls([], acceptor(false)).await];
    for body in words {
        servers.push(Server::start([Act::Answer(400, "", body.to_owned())]).await);
    }
    for server in servers {
        let url = server.url.replace("https://", "http://");
        let client = Client::builder(url).build().unwrap();
        let error = client
            .create_secret("a", None, &secret())
            .await
            .unwrap_err();
        assert!(matches!(error, ClientError::PlainToTls { .. }), "{error:?}");
        assert!(error.to_string().contains("use https://"), "{error}");
        // A server that says so in HTTP has not taken the request for one; after an alert it is not known.
        let is_alert = server.requests().is_empty();
        assert!(is_alert || !error.may_have_been_created());
        // It is not tried again; the second connection finds out what the port speaks.
        assert!(server.connections() <= 2, "{}", server.connections());
        assert!(server.requests().len() <= 1);
    }
    let other = Server::start([Act::Answer(400, "", "HTTPS".into())]).await;
    let error = other.client().create_secret("a", None, &secret()).await;
    assert!(matches!(
        error,
        Err(ClientError::Unexpected { status: 400, .. })
    ));
}

/// A port on which each connection is greeted, or answered after its first bytes, and closed.
async fn port(greeting: &'static [u8], answer: fn(&[u8]) -> &'static [u8]) -> u16 {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            tokio::spawn(async move {
                let _ = stream.write_all(greeting).await;
                // Less than was sent: closing then resets the connection, as Python's servers do.
                let mut begin = [0; 8];
                if stream.read(&mut begin).await.is_ok() {
                    let _ = stream.write_all(answer(&begin)).await;
                }
            });
        }
    });
    port
}

async fn failure(url: String, client: impl FnOnce(ClientBuilder) -> ClientBuilder) -> ClientError {
    let pauses = (Duration::from_millis(1), Duration::from_millis(2));
    let builder =
        Client::builder(url).retries(RetryPolicy::attempts(2).with_pauses(pauses.0, pauses.1));
    let client = client(builder).build().unwrap();
    let error = client.create_secret("a", None, &secret()).await;
    error.unwrap_err()
}

/// Servers of TLS that say nothing to plain HTTP, and close or reset the connection.
#[tokio::test]
async fn a_tls_port_that_closes_on_plain_http_is_named() {
    fn silent(begin: &[u8]) -> &'static [u8] {
        match begin {
            // A handshake is answered with an alert.
            [0x16, 0x03, ..] => b"\x15\x03\x03\x00\x02\x02\x28",
            _ => b"",
        }
    }
    fn alert(_: &[u8]) -> &'static [u8] {
        b"\x15\x03\x01\x00\x02\x02\x46"
    }
    for answer in [silent as fn(&[u8]) -> &'static [u8], alert] {
        let port = port(b"", answer).await;
        let error = failure(format!("http://127.0.0.1:{port}"), |client| client).await;
        assert!(matches!(error, ClientError::PlainToTls { .. }), "{error:?}");
        // It has not answered to the request: what it did with it is not known.
        assert!(error.may_have_been_created());
        assert!(
            error.to_string().contains("may have been created"),
            "{error}"
        );
    }
    // One that closes whatever it gets may have read the request.
    let port = port(b"", |_| b"").await;
    let error = failure(format!("http://127.0.0.1:{port}"), |client| client).await;
    assert!(matches!(error, ClientError::Connection(_)), "{error:?}");
    assert!(error.may_have_been_created());
}

/// A gateway that reads the request whole and stores, then breaks off, and answers something else to what is not HTTP.
#[tokio::test]
async fn a_request_that_was_read_whole_may_have_created_the_secret_whatever_the_port_says_to_other_bytes()
 {
    for (other, protocol) in [
        (
            &b"<!DOCTYPE HTML>\n<html>"[..],
            "the port does not speak it",
        ),
        (b"400 Bad Request", "the port does not speak it"),
        (b"\x15\x03\x03\x00\x02\x02\x28", "it speaks TLS"),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", "broke"),
        (b"", "broke"),
    ] {
        for (reset, attempts) in [(false, 1), (true, 1), (false, 3), (true, 3)] {
            let (port, read) = breaking_off(other, reset).await;
            let retries = RetryPolicy::attempts(attempts);
            let error = failure(format!("http://127.0.0.1:{port}"), |client| {
                client.retries(retries.with_pauses(Duration::ZERO, Duration::ZERO))
            })
            .await;
            let text = error.to_string();
            assert_eq!(read.load(Ordering::SeqCst), attempts, "{text}");
            assert!(error.may_have_been_created(), "{text}");
            assert!(text.contains("may have been created"), "{text}");
            assert!(text.contains(protocol), "{text}");
        }
    }
}

/// Returns the port of such a server, and how many requests it has read whole.
async fn breaking_off(other: &'static [u8], reset: bool) -> (u16, Arc<AtomicU32>) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let read = Arc::new(AtomicU32::new(0));
    let count = Arc::clone(&read);
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let count = Arc::clone(&count);
            tokio::spawn(async move {
                let (mut bytes, mut whole) = (Vec::new(), false);
                while !whole && stream.read_buf(&mut bytes).await.is_ok_and(|n| n > 0) {
                    if !bytes.starts_with(b"POST") {
                        let _ = stream.write_all(other).await;
                        return;
                    }
                    whole = bytes.ends_with(b"}}");
                }
                if whole {
                    count.fetch_add(1, Ordering::SeqCst);
                    if reset {
                        // Closing with a lingering time of zero resets the connection.
                        let _ = stream.set_zero_linger();
                    }
                }
            });
        }
    });
    (port, read)
}

#[tokio::test]
async fn plain_http_to_openssls_server_is_named() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/tls");
    let server = std::process::Command::new("openssl")
        .args([
            "s_server",
            "-www",
            "-accept",
            "127.0.0.1:0",
            "-cert",
            "server.pem",
            "-key",
            "server.key.pem",
        ])
        .current_dir(folder)
        .stdin(std::process::Stdio::null())
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::null())
        .spawn();
    let Ok(mut server) = server else {
        let _ =
            std::io::Write::write_all(&mut std::io::stderr(), b"NOT RUN: there is no openssl\n");
        return;
    };
    let lines = std::io::BufRead::lines(std::io::BufReader::new(server.stdout.take().unwrap()));
    let mut lines = lines.map_while(Result::ok);
    let address = lines.find_map(|line| line.strip_prefix("ACCEPT ").map(str::to_owned));
    let error = failure(format!("http://{}", address.unwrap()), |client| client).await;
    server.kill().unwrap();
    server.wait().unwrap();
    assert!(matches!(error, ClientError::PlainToTls { .. }), "{error:?}");
    assert!(
        error.may_have_been_created(),
        "the request had been written"
    );
}

#[tokio::test]
async fn a_port_that_speaks_something_else_is_named_with_what_it_says() {
    for (greeting, shown) in [
        (
            &b"SSH-2.0-OpenSSH_9.2p1 Debian\r\n"[..],
            "SSH-2.0-OpenSSH_9.2p1 Debian",
        ),
        (b"220 mail.example ESMTP\r\n", "220 mail.example ESMTP"),
        (b"a\x1b[2Jb\n", "a\u{fffd}[2Jb"),
    ] {
        let port = port(greeting, |_| b"").await;
        let plain = failure(format!("http://127.0.0.1:{port}"), |client| client).await;
        assert!(matches!(plain, ClientError::NotHttp { .. }), "{plain:?}");
        let url = format!("https://127.0.0.1:{port}");
        let tls = failure(url, |client| client.authorities(CA)).await;
        assert!(matches!(tls, ClientError::TlsToPlain { .. }), "{tls:?}");
        for error in [plain, tls] {
            let text = error.to_string();
            assert!(text.contains(&format!("it answers \"{shown}\"")), "{text}");
            // TLS comes before the request. In plain HTTP it may have been written before the greeting was read.
            let may = error.may_have_been_created();
            assert_eq!(text.contains("may have been created"), may, "{text}");
            assert!(
                !may || matches!(error, ClientError::NotHttp { .. }),
                "{text}"
            );
            assert!(!text.contains("speaks TLS"), "{text}");
        }
    }
}

#[tokio::test]
async fn tls_to_a_plain_port_is_named() {
    let port = port(b"", |_| b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
    let url = format!("https://127.0.0.1:{port}");
    let error = failure(url, |client| client.authorities(CA)).await;
    assert!(matches!(error, ClientError::TlsToPlain { .. }), "{error:?}");
    let text = error.to_string();
    assert!(
        text.contains("does not speak TLS, it speaks plain HTTP"),
        "{text}"
    );
    assert!(!error.may_have_been_created());
}
