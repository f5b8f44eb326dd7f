use std::sync::Arc;

use sealpost_client::{Client, ClientError, retry::RetryPolicy};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        RootCertStore, ServerConfig,
        pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
        server::WebPkiClientVerifier,
    },
};

use crate::server::{Server, created, secret};

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
        assert!(matches!(error, ClientError::Tls(_)), "{error}");
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

#[test]
fn what_is_no_certificate_is_told() {
    let builder = || Client::builder("https://localhost");
    assert!(matches!(
        builder()
            .authorities("-----BEGIN CERTIFICATE-----\n?\n-----END CERTIFICATE-----")
            .build(),
        Err(ClientError::Certificate(_))
    ));
    assert!(matches!(
        builder().client_certificate(CLIENT.to_vec()).build(),
        Err(ClientError::ClientCertificate(_))
    ));
}
