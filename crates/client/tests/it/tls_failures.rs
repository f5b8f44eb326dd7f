//! Each way in which TLS fails, with a server that speaks it: the reason is true, the remedy fits it, and a call says that
//! something may have been created only if it may.

use std::{sync::Arc, time::Duration};

use rcgen::{
    BasicConstraints, Certificate, CertificateParams, CertifiedIssuer, DistinguishedName, DnType,
    ExtendedKeyUsagePurpose, IsCa, KeyPair, SanType, date_time_ymd,
};
use sealpost_client::{
    Client, ClientError, builder::ClientBuilder, error::TlsFailure, retry::RetryPolicy,
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        RootCertStore, ServerConfig, SupportedCipherSuite, SupportedProtocolVersion,
        crypto::aws_lc_rs::{cipher_suite as suites, default_provider},
        pki_types::PrivatePkcs8KeyDer,
        server::WebPkiClientVerifier,
        version::{TLS12, TLS13},
    },
};

use crate::server::{Server, created, secret};

type Authority = CertifiedIssuer<'static, KeyPair>;

fn named(name: &str) -> DistinguishedName {
    let mut subject = DistinguishedName::new();
    subject.push(DnType::CommonName, name);
    subject
}

fn authority(name: &str) -> Authority {
    let mut params = CertificateParams::default();
    params.distinguished_name = named(name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

fn server() -> CertificateParams {
    let mut params = CertificateParams::new(["127.0.0.1".to_owned()]).unwrap();
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params
}

fn client() -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = named("client");
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    params
}

type Own = (Certificate, KeyPair);

fn issued(params: &CertificateParams, by: &Authority) -> Own {
    let key = KeyPair::generate().unwrap();
    (params.signed_by(&key, by).unwrap(), key)
}

fn self_signed(params: &CertificateParams) -> Own {
    let key = KeyPair::generate().unwrap();
    (params.self_signed(&key).unwrap(), key)
}

/// Both versions of TLS, and with them the protocols of HTTP that a server offers.
const VERSIONS: [(&SupportedProtocolVersion, &[u8]); 4] = [
    (&TLS12, b"http/1.1"),
    (&TLS13, b"http/1.1"),
    (&TLS12, b"h2"),
    (&TLS13, b"h2"),
];

struct Setup<'a> {
    own: &'a Own,
    /// Whose clients it takes, if it asks for a certificate.
    clients: Option<&'a Authority>,
    suites: Option<Vec<SupportedCipherSuite>>,
}

impl Setup<'_> {
    fn acceptor(&self, version: &'static SupportedProtocolVersion, alpn: &[u8]) -> TlsAcceptor {
        let mut provider = default_provider();
        if let Some(suites) = &self.suites {
            provider.cipher_suites.clone_from(suites);
        }
        let provider = Arc::new(provider);
        let config = ServerConfig::builder_with_provider(Arc::clone(&provider));
        let config = config.with_protocol_versions(&[version]).unwrap();
        let config = match self.clients {
            None => config.with_no_client_auth(),
            Some(authority) => {
                let mut roots = RootCertStore::empty();
                roots.add(authority.der().clone()).unwrap();
                let verifier =
                    WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
                config.with_client_cert_verifier(verifier.build().unwrap())
            }
        };
        let (certificate, key) = self.own;
        let key = PrivatePkcs8KeyDer::from(key.serialize_der());
        let chain = vec![certificate.der().clone()];
        let mut config = config.with_single_cert(chain, key.into()).unwrap();
        config.alpn_protocols = vec![alpn.to_vec()];
        TlsAcceptor::from(Arc::new(config))
    }
}

/// Has the client call a server of each version; returns why TLS failed, once for each.
async fn reasons(
    setup: &Setup<'_>,
    client: impl Fn(ClientBuilder) -> ClientBuilder,
) -> Vec<TlsFailure> {
    let mut reasons = Vec::new();
    for (version, alpn) in VERSIONS {
        let server = Server::start_tls([created()], setup.acceptor(version, alpn)).await;
        let client = client(server.builder()).build().unwrap();
        let error = client.create_secret("a", None, &secret()).await;
        let error = error.unwrap_err();
        let text = error.to_string();
        assert!(!error.may_have_been_created(), "{version:?}: {text}");
        assert!(!text.contains("created"), "{version:?}: {text}");
        assert!(server.requests().is_empty(), "{version:?}");
        assert_eq!(server.connections(), 1, "it is not tried again: {text}");
        let ClientError::Tls { reason, .. } = error else {
            panic!("{version:?}: {error:?}");
        };
        reasons.push(reason);
    }
    reasons
}

#[tokio::test]
async fn a_servers_certificate_that_cannot_be_trusted_is_refused_with_the_true_reason() {
    let ca = authority("authority");
    let other = authority("another authority");
    let mut expired = server();
    expired.not_after = date_time_ymd(2020, 1, 2);
    let mut early = server();
    early.not_before = date_time_ymd(2090, 1, 2);
    let mut elsewhere = server();
    elsewhere.subject_alt_names = vec![
        SanType::DnsName("gateway.example".try_into().unwrap()),
        SanType::IpAddress([192, 0, 2, 1].into()),
    ];
    let mut nowhere = server();
    nowhere.subject_alt_names.clear();
    let mut for_clients = server();
    for_clients.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    let mut both = server();
    both.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let own_authority = self_signed(&both);
    for (own, trusted, words) in [
        (
            &issued(&server(), &other),
            ca.pem(),
            &["no authority that this client trusts"][..],
        ),
        (
            &self_signed(&server()),
            ca.pem(),
            &["no authority that this client trusts"],
        ),
        (
            &own_authority,
            ca.pem(),
            &["an authority's own (basicConstraints CA:TRUE)"],
        ),
        (
            &own_authority,
            own_authority.0.pem(),
            &["an authority's own (basicConstraints CA:TRUE)", "CA:FALSE"],
        ),
        (
            &issued(&expired, &ca),
            ca.pem(),
            &[
                "has expired, at Thu, 02 Jan 2020 00:00:00 GMT",
                "this machine's clock",
            ],
        ),
        (
            &issued(&early, &ca),
            ca.pem(),
            &[
                "not valid yet, only from Mon, 02 Jan 2090 00:00:00 GMT",
                "this machine's clock",
            ],
        ),
        (
            &issued(&elsewhere, &ca),
            ca.pem(),
            &["is not for 127.0.0.1, only for gateway.example, 192.0.2.1:"],
        ),
        (
            &issued(&nowhere, &ca),
            ca.pem(),
            &["is not for 127.0.0.1, it names no host in subjectAltName"],
        ),
        (
            &issued(&for_clients, &ca),
            ca.pem(),
            &["is not for servers (extendedKeyUsage without serverAuth)"],
        ),
    ] {
        let setup = Setup {
            own,
            clients: None,
            suites: None,
        };
        let reasons = reasons(&setup, |client| client.authorities(trusted.clone())).await;
        for text in reasons.iter().map(ToString::to_string) {
            for words in words {
                assert!(text.contains(words), "{words}: {text}");
            }
            // The library's own names for it say nothing to an operator.
            for word in [
                "CaUsedAsEndEntity",
                "UnknownIssuer",
                "UNIX",
                "DnsName",
                "IpAddress",
            ] {
                assert!(!text.contains(word), "{text}");
            }
        }
    }
}

/// What the remedies say works.
#[tokio::test]
async fn a_servers_certificate_of_its_own_works_with_ca_false() {
    let own = self_signed(&server());
    let mut params = server();
    params.is_ca = IsCa::ExplicitNoCa;
    let explicit = self_signed(&params);
    for own in [own, explicit] {
        let setup = Setup {
            own: &own,
            clients: None,
            suites: None,
        };
        let server = Server::start_tls([created()], setup.acceptor(&TLS13, b"http/1.1")).await;
        let client = server.builder().authorities(own.0.pem()).build().unwrap();
        client.create_secret("a", None, &secret()).await.unwrap();
    }
}

#[tokio::test]
async fn a_client_certificate_that_is_missing_or_refused_is_named_and_nothing_was_created() {
    let (ca, other) = (authority("authority"), authority("another authority"));
    let own = issued(&server(), &ca);
    let setup = Setup {
        own: &own,
        clients: Some(&ca),
        suites: None,
    };
    let pem = |(certificate, key): &Own| certificate.pem() + &key.serialize_pem();

    let missing = reasons(&setup, |client| client.authorities(ca.pem())).await;
    for reason in missing {
        let expected = TlsFailure::WantsClientCertificate { has_one: false };
        assert_eq!(reason, expected);
        assert!(reason.to_string().contains("it wants a client certificate"));
    }
    let mut expired = client();
    expired.not_after = date_time_ymd(2020, 1, 2);
    let mut early = client();
    early.not_before = date_time_ymd(2090, 1, 2);
    for (own, words) in [
        (issued(&client(), &other), "it does not know its authority"),
        (self_signed(&client()), "it does not know its authority"),
        (issued(&expired, &ca), "it has expired or is not valid yet"),
        (issued(&early, &ca), "it has expired or is not valid yet"),
        (
            issued(&server(), &ca),
            "it refuses the client certificate: ",
        ),
    ] {
        let with = |client: ClientBuilder| {
            client
                .authorities(ca.pem())
                .client_certificate(pem(&own).into_bytes())
        };
        for reason in reasons(&setup, with).await {
            let text = reason.to_string();
            assert!(text.contains(words), "{text}");
            assert!(text.contains("it refuses the client certificate"), "{text}");
        }
    }
}

#[tokio::test]
async fn no_cipher_suite_in_common_is_named() {
    let ca = authority("authority");
    // A key for ECDSA, and cipher suites for RSA alone.
    let own = issued(&server(), &ca);
    let suites = vec![suites::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256];
    let setup = Setup {
        own: &own,
        clients: None,
        suites: Some(suites),
    };
    let server = Server::start_tls([created()], setup.acceptor(&TLS12, b"http/1.1")).await;
    let client = server.builder().authorities(ca.pem()).build().unwrap();
    let error = client
        .create_secret("a", None, &secret())
        .await
        .unwrap_err();
    let ClientError::Tls { reason, .. } = &error else {
        panic!("{error:?}");
    };
    assert_eq!(
        *reason,
        TlsFailure::Refuses {
            has_certificate: false
        }
    );
    let text = error.to_string();
    assert!(text.contains("no cipher suite in common"), "{text}");
    assert!(text.contains("may want a client certificate"), "{text}");
}

/// Alerts as other servers send them in answer to the first message of a client.
#[tokio::test]
async fn an_alert_of_the_handshake_is_told_in_words() {
    for (alert, words) in [
        (70, "no version of TLS or no cipher suite in common"),
        (71, "no version of TLS or no cipher suite in common"),
        (40, "refuses the handshake and does not say why"),
        (112, "does not serve the host of the URL"),
        // Go, to a client without a certificate.
        (42, "it wants a client certificate"),
        (116, "it wants a client certificate"),
        (80, "check host and port"),
    ] {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("https://{}", listener.local_addr().unwrap());
        tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut hello = [0; 4096];
            let _ = stream.read(&mut hello).await;
            let _ = stream.write_all(&[0x15, 3, 3, 0, 2, 2, alert]).await;
            let _ = stream.read(&mut hello).await;
        });
        let client = Client::builder(url)
            .authorities(authority("a").pem())
            .build()
            .unwrap();
        let error = client
            .create_secret("a", None, &secret())
            .await
            .unwrap_err();
        let text = error.to_string();
        assert!(matches!(error, ClientError::Tls { .. }), "{error:?}");
        assert!(text.contains(words), "{alert}: {text}");
        assert!(
            !error.may_have_been_created() && !text.contains("created"),
            "{text}"
        );
    }
}

/// An alert that says nothing about a certificate, after the request: the server may have read it.
#[tokio::test]
async fn another_alert_after_the_request_leaves_it_open() {
    let ca = authority("authority");
    let own = issued(&server(), &ca);
    let setup = Setup {
        own: &own,
        clients: None,
        suites: None,
    };
    let acceptor = setup.acceptor(&TLS13, b"http/1.1");
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        let mut stream = acceptor.accept(stream).await.unwrap();
        let mut request = [0; 4096];
        let _ = stream.read(&mut request).await;
        // Ends without an answer, as a server that crashes.
        let (tcp, _) = stream.into_inner();
        drop(tcp);
    });
    let client = Client::builder(url)
        .authorities(ca.pem())
        .retries(RetryPolicy::never());
    let error = client
        .build()
        .unwrap()
        .create_secret("a", None, &secret())
        .await;
    let error = error.unwrap_err();
    assert!(matches!(error, ClientError::Connection(_)), "{error:?}");
    assert!(error.may_have_been_created());
}

/// A port that takes connections and says nothing: neither the attempt's time nor the call's may look like a request
/// that was sent.
#[tokio::test]
async fn a_silent_https_port_has_created_nothing() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://{}", listener.local_addr().unwrap());
    let ms = Duration::from_millis;
    for (attempt, whole, connect) in [
        (ms(100), ms(5000), ms(5000)),
        (ms(5000), ms(100), ms(5000)),
        (ms(5000), ms(5000), ms(100)),
        (ms(5000), ms(250), ms(100)),
    ] {
        let client = Client::builder(&url)
            .authorities(authority("a").pem())
            .retries(RetryPolicy::attempts(3).with_pauses(Duration::ZERO, Duration::ZERO))
            .attempt_timeout(attempt)
            .timeout(whole)
            .connect_timeout(connect)
            .build()
            .unwrap();
        let error = client
            .create_secret("a", None, &secret())
            .await
            .unwrap_err();
        let text = error.to_string();
        assert!(matches!(error, ClientError::Connect(_)), "{error:?}");
        assert!(
            !error.may_have_been_created() && !text.contains("created"),
            "{text}"
        );
    }
}
