//! Against the real gateway, with a real agent and vault behind it.

use std::sync::Arc;

use async_trait::async_trait;
use sealpost_agent::{Agent, LocalKeyring, Resolver};
use sealpost_carrier::InProcess;
use sealpost_client::{
    AgentTrust, Client, ClientError, IdempotencyKey, NewSecret, ProblemType, Token,
    retry::RetryPolicy,
};
use sealpost_envelope::{AwsLc, Certificate, Identity, TrustPolicy, UnixTime, trust::TrustError};
use sealpost_gateway::{
    Gateway, Limits, Listener, StaticDirectory,
    auth::{Authenticator, Denied, Principal},
    directory::AgentEntry,
    serve,
};
use sealpost_protocol::{AgentId, SigningKey};
use sealpost_vault::Vault;
use sealpost_vault_file::FileVault;
use tempfile::TempDir;
use tokio::{
    io::AsyncReadExt as _,
    net::{TcpListener, TcpStream},
};

const AGENT: &str = "a2048";
const PROJECT: &str = "0b9c4f6e-7d1a-4a52-8f37-1a2b3c4d5e6f";
const CERTIFICATE: &[u8] = include_bytes!("../../../../testdata/keys/agent-a2048.pem");
const KEY: &[u8] = include_bytes!("../../../../testdata/keys/agent-a2048.key.pem");

struct World {
    url: String,
    client: Client,
    resolver: Resolver,
    _folder: TempDir,
}

/// Takes one token.
#[derive(Debug)]
struct OneToken;

#[async_trait]
impl Authenticator for OneToken {
    async fn authenticate(&self, token: &str, _now: UnixTime) -> Result<Arc<Principal>, Denied> {
        match token {
            "good" => Ok(Arc::new(Principal {
                issuer: "test".into(),
                subject: Some("one".into()),
                scopes: ["secrets:write".to_owned()].into(),
                ..Principal::default()
            })),
            _ => Err(Denied::Malformed),
        }
    }
}

async fn world() -> World {
    let folder = tempfile::tempdir().unwrap();
    let vault: Arc<dyn Vault> = Arc::new(FileVault::open(folder.path()).unwrap());
    let resolver = Resolver::new(Arc::clone(&vault));
    let (gateway_key, agent_key) = (
        SigningKey::generate().unwrap(),
        SigningKey::generate().unwrap(),
    );
    let id: AgentId = AGENT.parse().unwrap();
    let carrier = Arc::new(InProcess::new(16));
    let inbox = carrier.register(id).unwrap();
    let mut identity = Identity::<AwsLc>::from_pem(KEY).unwrap();
    let certificate = Certificate::from_pem(CERTIFICATE).unwrap();
    identity.add_certificate(certificate).unwrap();
    let agent = Agent::new(
        id,
        LocalKeyring::new(identity),
        vault,
        agent_key.clone(),
        gateway_key.verify_key(),
    );
    tokio::spawn(Arc::new(agent).serve(inbox, std::future::pending()));

    let trust = TrustPolicy::danger_any_certificate();
    let entry = AgentEntry::new(id, CERTIFICATE, &trust, agent_key.verify_key()).unwrap();
    let directory = StaticDirectory::from_iter([entry]);
    let gateway = Gateway::new(
        Arc::new(OneToken),
        Arc::new(directory),
        carrier,
        gateway_key,
    );
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(serve(
        Listener::plain(listener).unwrap(),
        gateway.router(),
        Limits::default(),
        std::future::pending(),
    ));
    let client = Client::builder(&url)
        .token(Token::new("good".to_owned()))
        .retries(RetryPolicy::never())
        .build()
        .unwrap();
    World {
        url,
        client,
        resolver,
        _folder: folder,
    }
}

fn secret(name: &str) -> NewSecret {
    NewSecret::new(name, b" {\"password\": \"P@ss\", \"n\": 1.00}\n".to_vec()).with_key("password")
}

fn kind(error: ClientError) -> ProblemType {
    match error {
        ClientError::Problem(problem) => problem.kind.expect("a type of the table"),
        error => panic!("{error}"),
    }
}

#[tokio::test]
async fn what_is_created_resolves_byte_for_byte() {
    let world = world().await;
    let made = world
        .client
        .create_secret(AGENT, None, &secret("db"))
        .await
        .unwrap();
    assert_eq!(made.resolver_ref, "secret:db#password");
    let resolved = world.resolver.resolve("secret:db").await.unwrap();
    assert_eq!(resolved.as_json(), br#"{"password": "P@ss", "n": 1.00}"#);
    let again = world
        .client
        .create_secret(AGENT, None, &secret("db"))
        .await
        .unwrap_err();
    assert_eq!(kind(again), ProblemType::SecretExists);
    let nobody = world
        .client
        .create_secret("nobody", None, &secret("x"))
        .await
        .unwrap_err();
    assert_eq!(kind(nobody), ProblemType::UnknownAgent);
}

fn pinned(certificate: &[u8]) -> AgentTrust {
    let fingerprint = Certificate::from_pem(certificate).unwrap().fingerprint();
    let trust = AgentTrust::pinned([fingerprint]);
    trust.with_certificate(certificate).unwrap()
}

#[tokio::test]
async fn a_value_sealed_at_the_source_resolves_as_well() {
    let world = world().await;
    let certificate = Certificate::from_pem(CERTIFICATE).unwrap();
    let trust = AgentTrust::pinned([certificate.fingerprint()]);
    let sealed = async |name, trust| {
        let secret = secret(name);
        world
            .client
            .seal_and_create(AGENT, Some(PROJECT), &secret, trust)
            .await
    };
    let made = sealed("db", &trust).await.unwrap();
    let whole = made.resolver_ref.strip_suffix("#password").unwrap();
    let resolved = world.resolver.resolve(whole).await.unwrap();
    assert_eq!(resolved.as_json(), br#"{"password": "P@ss", "n": 1.00}"#);
    let again = sealed("db", &trust).await.unwrap_err();
    assert_eq!(kind(again), ProblemType::SecretExists);

    // The agent's own words of what is wrong with the value.
    let no_such_key = NewSecret::new("n", b"{}".to_vec()).with_key("password");
    let refused = world
        .client
        .seal_and_create(AGENT, None, &no_such_key, &trust)
        .await
        .unwrap_err();
    assert!(refused.to_string().contains("/secret/key"), "{refused}");
    // Sealed to a key that is not the agent's.
    let other = include_bytes!("../../../../testdata/certificates/key-8192.pem");
    let other = pinned(other);
    let error = sealed("other", &other).await.unwrap_err();
    assert_eq!(kind(error), ProblemType::SealedUnreadable);
    // Another agent's, which is noticed before anything is sent.
    let other = pinned(include_bytes!("../../../../testdata/keys/agent-b2048.pem"));
    let error = sealed("other", &other).await.unwrap_err();
    assert!(
        matches!(error, ClientError::AgentCertificate(TrustError::OtherAgent)),
        "{error}"
    );
}

#[tokio::test]
async fn one_key_is_one_call() {
    let world = world().await;
    let key = || IdempotencyKey::new("order-4711").unwrap();
    let first = secret("n").with_idempotency_key(key());
    let made = world
        .client
        .create_secret(AGENT, None, &first)
        .await
        .unwrap();
    let repeated = world
        .client
        .create_secret(AGENT, None, &first)
        .await
        .unwrap();
    assert_eq!(repeated.resolver_ref, made.resolver_ref);
    let other = secret("m").with_idempotency_key(key());
    let error = world
        .client
        .create_secret(AGENT, None, &other)
        .await
        .unwrap_err();
    assert_eq!(kind(error), ProblemType::IdempotencyKeyReused);
}

/// The gateway's answer to the first attempt is lost on the way.
#[tokio::test]
async fn a_lost_answer_is_found_again() {
    for at_source in [false, true] {
        let world = world().await;
        let client = Client::builder(lossy(&world.url).await)
            .token(Token::new("good".to_owned()))
            .retries(RetryPolicy::attempts(2))
            .build()
            .unwrap();
        let made = if at_source {
            let certificate = Certificate::from_pem(CERTIFICATE).unwrap();
            let trust = AgentTrust::pinned([certificate.fingerprint()])
                .with_certificate(CERTIFICATE)
                .unwrap();
            client
                .seal_and_create(AGENT, None, &secret("n"), &trust)
                .await
        } else {
            client.create_secret(AGENT, None, &secret("n")).await
        };
        assert_eq!(
            made.unwrap().resolver_ref,
            "secret:n#password",
            "{at_source}"
        );
    }
}

/// A way to the gateway on which the first answer is lost.
async fn lossy(gateway: &str) -> String {
    let gateway = gateway.strip_prefix("http://").unwrap().to_owned();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        for number in 0.. {
            let (mut near, _) = listener.accept().await.unwrap();
            let mut far = TcpStream::connect(&gateway).await.unwrap();
            if number == 0 {
                let (mut from_client, _) = near.split();
                let (mut answer, mut to_gateway) = far.split();
                tokio::select! {
                    _ = tokio::io::copy(&mut from_client, &mut to_gateway) => {}
                    // It has come, and goes no further.
                    read = answer.read_u8() => assert!(read.is_ok()),
                }
            } else {
                let _ = tokio::io::copy_bidirectional(&mut near, &mut far).await;
            }
        }
    });
    url
}
