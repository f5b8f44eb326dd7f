//! Against the real gateway, with a real agent and vault behind it.

use std::sync::Arc;

use async_trait::async_trait;
use sealpost_agent::{Agent, Resolver};
use sealpost_client::{Client, ClientError, NewSecret, ProblemKind, RetryPolicy, Token};
use sealpost_envelope::{AwsLc, Certificate, Identity, Trust, UnixTime};
use sealpost_gateway::{
    AgentEntry, Authenticator, Denied, Gateway, Limits, Principal, ProblemType, StaticDirectory,
    serve,
};
use sealpost_protocol::{AgentId, InProcess, SigningKey};
use sealpost_vault::{EmbeddedVault, Vault};
use tempfile::TempDir;
use tokio::net::TcpListener;

const AGENT: &str = "a2048";
const CERTIFICATE: &[u8] = include_bytes!("../../../../testdata/keys/agent-a2048.pem");
const KEY: &[u8] = include_bytes!("../../../../testdata/keys/agent-a2048.key.pem");

struct World {
    client: Client,
    resolver: Resolver,
    _folder: TempDir,
}

/// Takes one token.
#[derive(Debug)]
struct OneToken;

#[async_trait]
impl Authenticator for OneToken {
    async fn authenticate(&self, token: &str, _now: UnixTime) -> Result<Principal, Denied> {
        match token {
            "good" => Ok(Principal {
                issuer: "test".into(),
                subject: Some("one".into()),
                scopes: ["secrets:write".to_owned()].into(),
                ..Principal::default()
            }),
            _ => Err(Denied::Malformed),
        }
    }
}

async fn world() -> World {
    let folder = tempfile::tempdir().unwrap();
    let vault: Arc<dyn Vault> = Arc::new(EmbeddedVault::open(folder.path()).unwrap());
    let resolver = Resolver::new(Arc::clone(&vault));
    let (gateway_key, agent_key) = (
        SigningKey::generate().unwrap(),
        SigningKey::generate().unwrap(),
    );
    let id: AgentId = AGENT.parse().unwrap();
    let transport = Arc::new(InProcess::new(16));
    let inbox = transport.register(id.clone()).unwrap();
    let mut identity = Identity::<AwsLc>::from_pem(KEY).unwrap();
    let certificate = Certificate::from_pem::<AwsLc>(CERTIFICATE).unwrap();
    identity.add_certificate(certificate).unwrap();
    let agent = Agent::new(
        id.clone(),
        identity,
        vault,
        agent_key.clone(),
        gateway_key.verify_key(),
    );
    tokio::spawn(Arc::new(agent).serve(inbox, std::future::pending()));

    let trust = Trust::DangerAnyCertificate;
    let entry = AgentEntry::new(id, CERTIFICATE, &trust, agent_key.verify_key()).unwrap();
    let directory = StaticDirectory::from_iter([entry]);
    let gateway = Gateway::new(
        Arc::new(OneToken),
        Arc::new(directory),
        transport,
        gateway_key,
    );
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(serve(
        listener,
        gateway.router(),
        Limits::default(),
        std::future::pending(),
    ));
    let client = Client::builder(url)
        .token(Token::new("good".to_owned()))
        .retries(RetryPolicy::never())
        .build()
        .unwrap();
    World {
        client,
        resolver,
        _folder: folder,
    }
}

fn secret(name: &str) -> NewSecret {
    NewSecret::new(name, b" {\"password\": \"P@ss\", \"n\": 1.00}\n".to_vec()).with_key("password")
}

fn kind(error: ClientError) -> ProblemKind {
    match error {
        ClientError::Problem(problem) => problem.kind,
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
    assert_eq!(kind(again), ProblemKind::SecretExists);
    let nobody = world
        .client
        .create_secret("nobody", None, &secret("x"))
        .await
        .unwrap_err();
    assert_eq!(kind(nobody), ProblemKind::UnknownAgent);
}

#[test]
fn every_problem_of_the_gateway_is_a_variant() {
    for problem in ProblemType::ALL {
        let kind = ProblemKind::from_urn(problem.urn());
        assert!(!matches!(kind, ProblemKind::Other(_)), "{problem:?}");
    }
}
