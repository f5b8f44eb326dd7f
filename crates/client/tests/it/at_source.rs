use std::time::Duration;

use sealpost_client::{AgentTrust, ClientError, Fingerprint, retry::RetryPolicy};
use sealpost_envelope::{Certificate, jwe::Jwe};

use crate::server::{Act, Server, created, problem, secret, token};

const CERTIFICATE: &str = include_str!("../../../../testdata/keys/agent-a2048.pem");
const OTHER: &str = include_str!("../../../../testdata/keys/agent-b2048.pem");
const AUTHORITY: &[u8] = include_bytes!("../../../../testdata/certificates/ca-rsa.pem");

fn fingerprint(pem: &str) -> Fingerprint {
    Certificate::from_pem(pem.as_bytes()).unwrap().fingerprint()
}

fn certificate(pem: &str) -> Act {
    Act::Answer(
        200,
        "content-type: application/pem-certificate-chain\r\n",
        pem.to_owned(),
    )
}

#[tokio::test]
async fn one_call_gets_the_certificate_seals_and_sends() {
    let server = Server::start([certificate(CERTIFICATE), created()]).await;
    let trust = AgentTrust::pinned([fingerprint(CERTIFICATE)]);
    let made = server
        .client()
        .seal_and_create("a2048", None, &secret(), &trust)
        .await
        .unwrap();
    assert_eq!(made.vault_secret_name, "n");
    let [get, post] = server.requests().try_into().unwrap();
    assert_eq!(get.line(), "GET /v1/agents/a2048/certificate HTTP/1.1");
    assert_eq!(
        get.header("accept"),
        Some("application/pem-certificate-chain")
    );
    assert_eq!(get.header("authorization"), Some("Bearer t.o.k"));
    assert_eq!(post.line(), "POST /v1/secrets/a2048/secret-value HTTP/1.1");
    assert_eq!(post.header("content-type"), Some("application/jose"));
    let jwe = Jwe::parse(&post.body).unwrap();
    let binding = jwe.binding().unwrap();
    assert_eq!(binding.context().agent_id(), "a2048");
    assert_eq!(binding.context().name(), "n");
    assert_eq!(binding.context().key(), Some("password"));
    assert!(binding.jti().is_some() && binding.expires_at().is_some());
}

#[tokio::test]
async fn all_attempts_send_the_same_sealed_bytes() {
    let server = Server::start([Act::Drop, problem(504, "agent-timeout"), created()]).await;
    let trust = AgentTrust::pinned([fingerprint(CERTIFICATE)])
        .with_certificate(CERTIFICATE.as_bytes())
        .unwrap();
    server
        .client()
        .seal_and_create("a2048", None, &secret(), &trust)
        .await
        .unwrap();
    let requests = server.requests();
    assert_eq!(
        requests.len(),
        3,
        "and the gateway was not asked for a certificate"
    );
    assert!(
        requests
            .iter()
            .all(|request| request.body == requests[0].body)
    );
}

#[tokio::test]
async fn a_certificate_that_is_not_trusted_gets_nothing() {
    let pinned = AgentTrust::pinned([fingerprint(CERTIFICATE)]);
    let chained = AgentTrust::chain(AUTHORITY).unwrap();
    for (trust, pem) in [
        (&pinned, OTHER),
        (&chained, CERTIFICATE),
        (
            &pinned,
            "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
        ),
        (&pinned, "{}"),
        (&pinned, ""),
    ] {
        let server = Server::start([certificate(pem), created()]).await;
        let error = server
            .client()
            .seal_and_create("a2048", None, &secret(), trust)
            .await
            .unwrap_err();
        assert!(matches!(error, ClientError::AgentCertificate(_)), "{error}");
        assert!(!error.may_have_been_created());
        assert_eq!(server.connections(), 1, "nothing was posted");
    }
    let server = Server::start([certificate(CERTIFICATE), created()]).await;
    assert_eq!(
        server
            .client()
            .agent_certificate("a2048", None)
            .await
            .unwrap(),
        CERTIFICATE.as_bytes()
    );
}

#[tokio::test]
async fn the_certificate_is_asked_for_again_like_everything() {
    let script = [Act::Drop, certificate(CERTIFICATE), created()];
    let server = Server::start(script).await;
    let trust = AgentTrust::pinned([fingerprint(CERTIFICATE)]);
    server
        .client()
        .seal_and_create("a2048", None, &secret(), &trust)
        .await
        .unwrap();
    assert_eq!(server.requests().len(), 3);
    let server = Server::start([problem(400, "unknown-agent")]).await;
    let error = server
        .client()
        .seal_and_create("a2048", None, &secret(), &trust)
        .await
        .unwrap_err();
    assert!(matches!(error, ClientError::Problem(_)), "{error}");
}

/// The certificate is asked for before anything is sent.
#[tokio::test]
async fn a_certificate_that_is_not_fetched_never_says_that_something_was_created() {
    let trust = AgentTrust::pinned([fingerprint(CERTIFICATE)]);
    for act in [
        Act::Drop,
        Act::Cut,
        Act::Stall,
        Act::Answer(502, "", "<html>".into()),
        Act::Answer(500, "", "<html>".into()),
        Act::Answer(201, "", "created".into()),
        problem(500, "internal"),
        problem(504, "agent-timeout"),
        problem(503, "something-new"),
    ] {
        let server = Server::start(vec![act.clone(); 2]).await;
        let pauses = (Duration::from_millis(1), Duration::from_millis(2));
        let client = server
            .builder()
            .token(token())
            .retries(RetryPolicy::attempts(2).with_pauses(pauses.0, pauses.1))
            .attempt_timeout(Duration::from_millis(300))
            .build()
            .unwrap();
        let fetched = client.agent_certificate("a2048", None).await.unwrap_err();
        let server = Server::start(vec![act.clone(); 2]).await;
        let client = server
            .builder()
            .retries(RetryPolicy::never())
            .attempt_timeout(Duration::from_millis(300))
            .build()
            .unwrap();
        let secret = secret();
        let call = client.seal_and_create("a2048", None, &secret, &trust);
        for error in [fetched, call.await.unwrap_err()] {
            assert!(!error.may_have_been_created(), "{act:?}: {error}");
            assert!(!error.to_string().contains("created"), "{act:?}: {error}");
        }
    }
}
