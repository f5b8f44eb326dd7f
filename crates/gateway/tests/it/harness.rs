//! A gateway, its agents and a token issuer, on a clock of their own.

use std::{
    fmt::Write as _,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use axum::{
    Router,
    body::{Body, to_bytes},
    http::{HeaderMap, Method, Request, StatusCode},
};
use sealpost_agent::{Accept, Agent, LocalKeyring, Resolver};
use sealpost_carrier::{Carrier, InProcess, InProcessInbox};
use sealpost_channel::SigningKey;
use sealpost_context::AgentId;
use sealpost_envelope::{Certificate, Identity, TrustPolicy, UnixTime};
use sealpost_gateway::{
    Gateway, JwtAuthenticator, Limits, StaticDirectory, TokenPolicy, auth::KeySet,
    directory::AgentEntry,
};
use sealpost_protocol::Clock;
use sealpost_vault::Vault;
use sealpost_vault_file::FileVault;
use tempfile::TempDir;
use tower::ServiceExt as _;

use crate::issuer::Issuer;

/// The agent that answers.
pub(crate) const AGENT: &str = "a2048";
/// An agent that takes messages and never answers.
pub(crate) const SILENT: &str = "b2048";
/// An agent that is known and not connected.
pub(crate) const OFFLINE: &str = "a3072";
pub(crate) const PROJECT: &str = "0b9c4f6e-7d1a-4a52-8f37-1a2b3c4d5e6f";
/// What every request here calls itself, so that answers can be compared to the byte.
pub(crate) const REQUEST_ID: &str = "test-request-1";

/// The certificate of the agent that answers.
pub(crate) const CERTIFICATE: &[u8] = include_bytes!("../../../../testdata/keys/agent-a2048.pem");

/// A request that is good.
pub(crate) const GOOD: &str = r#"{"secret":{"name":"my-secret","key":"password","type":"PASSWORD","value":{"password":"P@ssw0rd123"}}}"#;

pub(crate) struct World {
    pub(crate) router: Router,
    pub(crate) operations: Router,
    pub(crate) issuer: Issuer,
    pub(crate) clock: Arc<TestClock>,
    pub(crate) resolver: Resolver,
    pub(crate) limits: Limits,
    _silent: InProcessInbox,
    _dir: TempDir,
}

#[derive(Debug)]
pub(crate) struct TestClock(AtomicU64);

impl TestClock {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self(AtomicU64::new(2_000_000_000)))
    }

    pub(crate) fn set(&self, seconds: u64) {
        self.0.store(seconds, Ordering::SeqCst);
    }
}

impl Clock for TestClock {
    fn now(&self) -> UnixTime {
        UnixTime::from_secs(self.0.load(Ordering::SeqCst))
    }
}

pub(crate) fn world() -> World {
    world_with(short_limits())
}

pub(crate) fn world_with(limits: Limits) -> World {
    world_of(limits, |gateway| gateway)
}

/// A world whose gateway has been changed like this.
pub(crate) fn world_of(limits: Limits, change: impl FnOnce(Gateway) -> Gateway) -> World {
    let clock = TestClock::new();
    let issuer = Issuer::new(clock.now().as_secs());
    let dir = tempfile::tempdir().unwrap();
    let vault: Arc<dyn Vault> = Arc::new(FileVault::open(dir.path()).unwrap());
    let resolver = Resolver::new(Arc::clone(&vault));

    let gateway_key = SigningKey::generate().unwrap();
    let agent_key = SigningKey::generate().unwrap();
    let carrier = Arc::new(InProcess::new(64));

    let id: AgentId = AGENT.parse().unwrap();
    let key = include_bytes!("../../../../testdata/keys/agent-a2048.key.pem");
    let mut identity = Identity::from_pem(key).unwrap();
    let certificate = Certificate::from_pem(CERTIFICATE).unwrap();
    identity.add_certificate(certificate).unwrap();
    let agent = Agent::new(
        id,
        LocalKeyring::new(identity),
        vault,
        agent_key.clone(),
        gateway_key.verify_key().clone(),
    )
    .with_accept(Accept::parse(["native", "jwe", "cms"]).unwrap())
    .with_clock(clock.clone());
    let inbox = carrier.register(id).unwrap();
    tokio::spawn(Arc::new(agent).serve(inbox, std::future::pending()));
    let silent = carrier.register(SILENT.parse().unwrap()).unwrap();

    let gateway = assemble(&issuer, &clock, limits, carrier, &gateway_key, &agent_key);
    let gateway = change(gateway);
    World {
        operations: gateway.operations(),
        router: gateway.router(),
        issuer,
        clock,
        resolver,
        limits,
        _silent: silent,
        _dir: dir,
    }
}

/// Short times, so that tests of them are short too.
pub(crate) fn short_limits() -> Limits {
    let mut limits = Limits::default();
    limits.handshake_timeout = Duration::from_millis(600);
    limits.header_timeout = Duration::from_millis(800);
    limits.body_timeout = Duration::from_millis(600);
    limits.write_timeout = Duration::from_millis(600);
    limits.deadline = Duration::from_secs(3);
    limits.drain = Duration::from_secs(5);
    limits
}

/// A gateway that knows three agents, all with the same signing key.
pub(crate) fn assemble(
    issuer: &Issuer,
    clock: &Arc<TestClock>,
    limits: Limits,
    carrier: Arc<dyn Carrier>,
    gateway_key: &SigningKey,
    agent_key: &SigningKey,
) -> Gateway {
    let entry = |id: &str, certificate: &[u8]| {
        let trust = TrustPolicy::danger_any_certificate();
        AgentEntry::new(
            id.parse().unwrap(),
            certificate,
            &trust,
            agent_key.verify_key().clone(),
        )
        .unwrap()
    };
    let directory = StaticDirectory::from_iter([
        entry(
            AGENT,
            include_bytes!("../../../../testdata/keys/agent-a2048.pem"),
        ),
        entry(
            SILENT,
            include_bytes!("../../../../testdata/keys/agent-b2048.pem"),
        ),
        entry(
            OFFLINE,
            include_bytes!("../../../../testdata/keys/agent-a3072.pem"),
        ),
    ]);
    let policy = TokenPolicy::new(Issuer::NAME, Issuer::AUDIENCE);
    let keys = KeySet::from_jwks(&issuer.jwks()).unwrap();
    let authenticator = JwtAuthenticator::new(policy, keys);
    Gateway::new(
        Arc::new(authenticator),
        Arc::new(directory),
        carrier,
        gateway_key.clone(),
    )
    .with_clock(clock.clone())
    .with_limits(limits)
}

impl World {
    /// Sends a body to an agent with a good token.
    pub(crate) async fn post(&self, path: &str, body: impl Into<Body>) -> Answer {
        self.send(self.request(path, body)).await
    }

    /// A request to `path` (an agent, perhaps with a query) that is good but for its body.
    pub(crate) fn request(&self, path: &str, body: impl Into<Body>) -> Request<Body> {
        request(&self.issuer, path, body)
    }

    pub(crate) async fn send(&self, request: Request<Body>) -> Answer {
        send(&self.router, request).await
    }
}

pub(crate) fn request(issuer: &Issuer, path: &str, body: impl Into<Body>) -> Request<Body> {
    let (agent, query) = path.split_once('?').unwrap_or((path, ""));
    Request::builder()
        .method(Method::POST)
        .uri(format!("/v1/secrets/{agent}/secret-value?{query}"))
        .header("authorization", format!("Bearer {}", issuer.token()))
        .header("content-type", "application/json")
        .header("x-request-id", REQUEST_ID)
        .body(body.into())
        .unwrap()
}

pub(crate) async fn send(router: &Router, request: Request<Body>) -> Answer {
    let response = router.clone().oneshot(request).await.unwrap();
    let (parts, body) = response.into_parts();
    let body = to_bytes(body, usize::MAX).await.unwrap();
    Answer {
        status: parts.status,
        headers: parts.headers,
        body: String::from_utf8(body.to_vec()).unwrap(),
    }
}

/// An answer. `Display` shows all of it, headers in alphabetical order.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap()
    }

    pub(crate) fn violations(&self) -> Vec<String> {
        serde_json::from_value(self.json()["violations"].clone()).unwrap()
    }

    /// The last part of the problem's URN.
    pub(crate) fn problem(&self) -> String {
        let urn = self.json()["type"].as_str().unwrap().to_owned();
        urn.strip_prefix("urn:sealpost:problem:")
            .unwrap()
            .to_owned()
    }
}

impl std::fmt::Display for Answer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut headers: Vec<_> = self.headers.iter().collect();
        headers.sort_by_key(|(name, _)| name.as_str());
        let mut text = format!("{}\n", self.status);
        for (name, value) in headers {
            writeln!(text, "{name}: {}", value.to_str().unwrap())?;
        }
        write!(f, "{text}\n{}", self.body)
    }
}
