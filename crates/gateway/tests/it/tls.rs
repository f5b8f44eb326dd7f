//! TLS, its files, and what is refused.

use std::{
    fs::{self, Permissions},
    net::SocketAddr,
    os::unix::fs::PermissionsExt as _,
    path::Path,
    sync::Arc,
    time::Duration,
};

use rcgen::{
    BasicConstraints, Certificate, CertificateParams, CertifiedIssuer, ExtendedKeyUsagePurpose,
    IsCa, KeyPair,
};
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName, pem::PemObject as _};
use sealpost_gateway::{
    Listener, Metrics, Tls,
    listener::PlainHttpRefused,
    serve,
    tls::{TlsError, TlsFiles},
};
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    time::{Instant, timeout},
};
use tokio_rustls::TlsConnector;

use crate::harness::{AGENT, GOOD, World, short_limits, world_of};

pub(crate) struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    pub(crate) fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    fn issue(&self, usage: ExtendedKeyUsagePurpose) -> (Certificate, KeyPair) {
        let mut params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        params.extended_key_usages = vec![usage];
        let key = KeyPair::generate().unwrap();
        (params.signed_by(&key, &self.0).unwrap(), key)
    }

    fn server(&self) -> (Certificate, KeyPair) {
        self.issue(ExtendedKeyUsagePurpose::ServerAuth)
    }

    pub(crate) fn pem(&self) -> String {
        self.0.pem()
    }

    pub(crate) fn roots(&self) -> RootCertStore {
        let mut roots = RootCertStore::empty();
        roots.add(self.0.der().clone()).unwrap();
        roots
    }
}

/// The gateway's files in a folder, and a gateway that uses them.
pub(crate) struct Setup {
    dir: TempDir,
    files: TlsFiles,
    metrics: Arc<Metrics>,
    pub(crate) authority: Authority,
}

impl Setup {
    pub(crate) fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let files = TlsFiles {
            certificate: dir.path().join("tls.pem"),
            key: dir.path().join("tls.key"),
            client_authorities: None,
        };
        let setup = Self {
            dir,
            files,
            metrics: Arc::new(Metrics::new()),
            authority: Authority::new(),
        };
        setup.write(&setup.authority.server());
        setup
    }

    fn write(&self, (certificate, key): &(Certificate, KeyPair)) {
        fs::write(&self.files.certificate, certificate.pem()).unwrap();
        fs::write(&self.files.key, key.serialize_pem()).unwrap();
        self.allow(0o600);
    }

    /// Sets who may read the key.
    fn allow(&self, mode: u32) {
        fs::set_permissions(&self.files.key, Permissions::from_mode(mode)).unwrap();
    }

    pub(crate) fn load(&self) -> Result<Tls, TlsError> {
        Tls::load(self.files.clone(), Arc::clone(&self.metrics))
    }

    async fn start(&self) -> (Arc<Tls>, SocketAddr, World) {
        let tls = Arc::new(self.load().unwrap());
        let limits = short_limits();
        let world = world_of(limits, |gateway| gateway);
        let tcp = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = tcp.local_addr().unwrap();
        let listener = Listener::tls(tcp, Arc::clone(&tls)).with_metrics(Arc::clone(&self.metrics));
        tokio::spawn(serve(
            listener,
            world.router.clone(),
            limits,
            std::future::pending(),
        ));
        (tls, address, world)
    }
}

pub(crate) fn client(roots: RootCertStore) -> ClientConfig {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth()
}

/// Sends the request; gives the answer and the server's certificate.
async fn request(
    address: SocketAddr,
    config: ClientConfig,
    request: &str,
) -> std::io::Result<(String, CertificateDer<'static>)> {
    let connector = TlsConnector::from(Arc::new(config));
    let stream = TcpStream::connect(address).await?;
    let name = ServerName::try_from("localhost").unwrap();
    let mut stream = connector.connect(name, stream).await?;
    let certificate = stream.get_ref().1.peer_certificates().unwrap()[0]
        .clone()
        .into_owned();
    stream.write_all(request.as_bytes()).await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    Ok((answer, certificate))
}

const NOWHERE: &str = "GET /nowhere HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";

#[tokio::test]
async fn a_secret_goes_over_tls() {
    let setup = Setup::new();
    let (_, address, world) = setup.start().await;
    for version in [&rustls::version::TLS12, &rustls::version::TLS13] {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let mut config = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(&[version])
            .unwrap()
            .with_root_certificates(setup.authority.roots())
            .with_no_client_auth();
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        let name = format!("over-{:?}", version.version);
        let body = GOOD.replace("my-secret", &name);
        let text = format!(
            "POST /v1/secrets/{AGENT}/secret-value HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {}\r\n\
             Content-Type: application/json\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}",
            world.issuer.token(),
            body.len()
        );
        let (answer, _) = request(address, config, &text).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 201 "), "{answer}");
        world
            .resolver
            .resolve(&format!("secret:{name}"))
            .await
            .unwrap();
    }
    // A client that speaks nothing else than HTTP/2 is told so in the handshake.
    let mut config = client(setup.authority.roots());
    config.alpn_protocols = vec![b"h2".to_vec()];
    assert!(request(address, config, NOWHERE).await.is_err());
    // And one that does not trust the authority hangs up.
    let config = client(Authority::new().roots());
    assert!(request(address, config, NOWHERE).await.is_err());
    // The other side learns of it a moment later.
    let counted = || {
        let text = setup.metrics.encode().unwrap();
        text.contains("sealpost_tls_handshakes_failed_total 2\n")
    };
    let started = Instant::now();
    while !counted() {
        assert!(started.elapsed() < Duration::from_secs(5), "not counted");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn changed_files_are_loaded_again() {
    let setup = Setup::new();
    let (tls, address, _world) = setup.start().await;
    let shown = async || {
        let answer = request(address, client(setup.authority.roots()), NOWHERE).await;
        answer.unwrap().1
    };
    let first = shown().await;
    assert!(!tls.reload(), "nothing has changed");
    assert!(setup.metrics.encode().unwrap().contains(&format!(
        "sealpost_tls_certificate_not_after_timestamp_seconds {}.0",
        tls.not_after().as_secs()
    )));

    let second = setup.authority.server();
    setup.write(&second);
    assert!(tls.reload());
    assert_eq!(shown().await, *second.0.der());
    assert_ne!(shown().await, first);

    // What is broken leaves the last good ones in use: another's key, half a file, none.
    let third = setup.authority.server();
    fs::write(&setup.files.certificate, third.0.pem()).unwrap();
    assert!(!tls.reload());
    fs::write(&setup.files.certificate, "-----BEGIN CERT").unwrap();
    assert!(!tls.reload());
    fs::remove_file(&setup.files.certificate).unwrap();
    assert!(!tls.reload());
    assert!(!tls.reload(), "said once");
    assert_eq!(shown().await, *second.0.der());
    let text = setup.metrics.encode().unwrap();
    assert!(
        text.contains(r#"sealpost_tls_reloads_total{result="failure"} 3"#),
        "{text}"
    );
    assert!(
        text.contains(r#"sealpost_tls_reloads_total{result="success"} 1"#),
        "{text}"
    );

    // Repaired, it is taken.
    setup.write(&third);
    assert!(tls.reload());
    assert_eq!(shown().await, *third.0.der());

    // A reload refuses what a check refuses: a key that others can read.
    setup.write(&second);
    setup.allow(0o644);
    assert!(!tls.reload());
    assert_eq!(shown().await, *third.0.der());
    setup.allow(0o640);
    assert!(tls.reload());
    assert_eq!(shown().await, *second.0.der());
}

#[tokio::test(start_paused = true)]
async fn files_are_looked_at_every_few_seconds() {
    let setup = Setup::new();
    let tls = Arc::new(setup.load().unwrap());
    let watching = tokio::spawn(Arc::clone(&tls).keep_fresh());
    setup.write(&setup.authority.server());
    for _ in 0..100 {
        tokio::time::sleep(Duration::from_millis(100)).await;
        // Time that is stopped does not wait for threads.
        std::thread::sleep(Duration::from_millis(5));
    }
    let text = setup.metrics.encode().unwrap();
    assert!(
        text.contains(r#"sealpost_tls_reloads_total{result="success"} 1"#),
        "{text}"
    );
    watching.abort();
}

#[tokio::test]
async fn clients_can_be_asked_for_certificates() {
    let mut setup = Setup::new();
    let clients = Authority::new();
    let path = setup.dir.path().join("clients.pem");
    fs::write(&path, clients.pem()).unwrap();
    setup.files.client_authorities = Some(path);
    let (_, address, _world) = setup.start().await;

    assert!(
        request(address, client(setup.authority.roots()), NOWHERE)
            .await
            .is_err()
    );
    let with = |(certificate, key): (Certificate, KeyPair)| {
        let key = PrivateKeyDer::from_pem_slice(key.serialize_pem().as_bytes()).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(setup.authority.roots())
            .with_client_auth_cert(vec![certificate.der().clone()], key)
            .unwrap()
    };
    let good = with(clients.issue(ExtendedKeyUsagePurpose::ClientAuth));
    let (answer, _) = request(address, good, NOWHERE).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 404 "), "{answer}");
    for bad in [
        // Of another authority, and for another purpose.
        with(setup.authority.issue(ExtendedKeyUsagePurpose::ClientAuth)),
        with(clients.issue(ExtendedKeyUsagePurpose::ServerAuth)),
    ] {
        assert!(request(address, bad, NOWHERE).await.is_err());
    }
}

#[tokio::test]
async fn who_does_not_finish_the_handshake_is_not_waited_for() {
    let setup = Setup::new();
    let (_, address, _world) = setup.start().await;
    for part in [&b""[..], b"\x16\x03\x01\x02\x00", b"GET / HTTP/1.1\r\n\r\n"] {
        let started = Instant::now();
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(part).await.unwrap();
        let mut answer = Vec::new();
        let end = timeout(Duration::from_secs(5), stream.read_to_end(&mut answer)).await;
        assert!(
            end.is_ok() && started.elapsed() < Duration::from_secs(3),
            "{part:?}"
        );
        assert!(!answer.starts_with(b"HTTP"), "no HTTP in clear");
    }
}

/// As everywhere else (RFC 7468 §2), and whatever a block's label says.
#[test]
fn files_may_have_white_space_older_labels_and_either_form_of_a_key() {
    let setup = Setup::new();
    let pem = |path: &Path| fs::read_to_string(path).unwrap();
    let (certificate, key) = (pem(&setup.files.certificate), pem(&setup.files.key));
    let indented = |pem: &str| {
        pem.lines()
            .map(|line| format!(" \t{line}\r\n"))
            .collect::<String>()
    };
    let joined = |pem: &str| pem.replace('\n', " ");
    let old = certificate.replace("CERTIFICATE-----", "X509 CERTIFICATE-----");
    for (certificate, key) in [
        (indented(&certificate), indented(&key)),
        (joined(&certificate), joined(&key)),
        (old, key.replace("PRIVATE KEY", "RSA PRIVATE KEY")),
    ] {
        setup_write(&setup, &certificate, &key);
        if let Err(error) = setup.load() {
            panic!("{error}: {certificate}");
        }
    }
}

#[test]
fn every_bad_file_is_named() {
    let setup = Setup::new();
    assert!(setup.load().is_ok());
    let pem = |path: &Path| fs::read_to_string(path).unwrap();
    let (certificate, key) = (pem(&setup.files.certificate), pem(&setup.files.key));
    let check = |what: fn(&TlsError) -> bool| {
        let error = setup.load().map(drop).unwrap_err();
        assert!(what(&error), "{error:?}");
        assert!(!error.to_string().contains("BEGIN"), "{error}");
        let path = setup.dir.path().to_str().unwrap();
        assert!(error.to_string().contains(path), "{error}");
        setup_write(&setup, &certificate, &key);
    };
    fs::remove_file(&setup.files.key).unwrap();
    check(|e| matches!(e, TlsError::Read { .. }));
    setup.allow(0o644);
    check(|e| matches!(e, TlsError::Exposed { mode: 0o644, .. }));
    setup.allow(0o600);
    fs::write(&setup.files.certificate, vec![b'x'; (1 << 20) + 1]).unwrap();
    check(|e| matches!(e, TlsError::Read { .. }));
    fs::write(&setup.files.certificate, &key).unwrap();
    check(|e| matches!(e, TlsError::Certificate(_)));
    fs::write(&setup.files.key, &certificate).unwrap();
    check(|e| matches!(e, TlsError::Key(_)));
    fs::write(&setup.files.key, setup.authority.server().1.serialize_pem()).unwrap();
    check(|e| matches!(e, TlsError::Mismatch { .. }));

    let path = setup.dir.path().join("clients.pem");
    fs::write(&path, "nobody").unwrap();
    let files = TlsFiles {
        client_authorities: Some(path),
        ..setup.files.clone()
    };
    let error = Tls::load(files, Arc::clone(&setup.metrics))
        .map(drop)
        .unwrap_err();
    assert!(matches!(error, TlsError::ClientAuthorities(_)), "{error:?}");
}

fn setup_write(setup: &Setup, certificate: &str, key: &str) {
    fs::write(&setup.files.certificate, certificate).unwrap();
    fs::write(&setup.files.key, key).unwrap();
    setup.allow(0o600);
}

#[tokio::test]
async fn plain_http_is_for_the_loopback_interface() {
    for (address, good) in [
        ("127.0.0.1:0", true),
        ("[::1]:0", true),
        ("0.0.0.0:0", false),
    ] {
        // A machine without IPv6 has no [::1].
        let Ok(tcp) = TcpListener::bind(address).await else {
            assert_eq!(address, "[::1]:0");
            continue;
        };
        match Listener::plain(tcp) {
            Ok(_) => assert!(good, "{address}"),
            Err(PlainHttpRefused::NotLoopback(_)) => assert!(!good, "{address}"),
            Err(error) => panic!("{error}"),
        }
    }
    let tcp = TcpListener::bind("0.0.0.0:0").await.unwrap();
    assert!(format!("{:?}", Listener::danger_plain(tcp)).contains("tls: None"));
}
