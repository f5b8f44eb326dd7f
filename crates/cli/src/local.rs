//! Gateway, agent and embedded vault in one process, as `demo` and `dev` run them.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use sealpost_agent::{Accept, Agent, Resolver};
use sealpost_envelope::{AwsLc, Certificate, Identity, TrustPolicy};
use sealpost_gateway::{
    AgentEntry, Gateway, JwtAuthenticator, KeySet, Limits, Listener, StaticDirectory, TokenPolicy,
    serve,
};
use sealpost_protocol::{AgentId, InProcess, SigningKey, Transport, VerifyKey};
use sealpost_vault::{EmbeddedVault, Vault};
use tokio::net::TcpListener;

use crate::dev::issuer::Issuer;
use crate::error::Failure;
use crate::service::Service;

/// What is put together.
pub(crate) struct Setup<'a> {
    /// A loopback address: plain HTTP is spoken.
    pub(crate) listen: SocketAddr,
    pub(crate) agent_id: &'a str,
    /// PEM.
    pub(crate) identity: &'a [u8],
    /// PEM.
    pub(crate) certificate: &'a [u8],
    pub(crate) issuer: &'a Issuer,
    pub(crate) vault: &'a Path,
    pub(crate) in_process: Arc<InProcess>,
    /// What the gateway sends through: `in_process`, or something around it.
    pub(crate) transport: Arc<dyn Transport>,
}

/// What runs.
#[derive(Debug)]
pub(crate) struct Local {
    address: SocketAddr,
    agent_id: AgentId,
    gateway_key: VerifyKey,
    resolver: Arc<Resolver>,
    gateway: Service,
    agent: Service,
}

impl Local {
    /// Opens the vault, and starts agent and gateway.
    pub(crate) async fn start(setup: Setup<'_>) -> Result<Self, Failure> {
        let taken = |e| {
            Failure::usage(format!("cannot listen on {}: {e}", setup.listen))
                .hint("give another address and port with --listen")
        };
        let listener = TcpListener::bind(setup.listen).await.map_err(taken)?;
        let address = listener.local_addr().map_err(taken)?;
        let listener = Listener::plain(listener).map_err(Failure::usage)?;
        let agent_id: AgentId = setup.agent_id.parse().map_err(Failure::refused)?;
        let (agent_key, gateway_key) = (new_key()?, new_key()?);
        let vault = EmbeddedVault::open(setup.vault).map_err(Failure::usage)?;
        let vault: Arc<dyn Vault> = Arc::new(vault);
        let resolver = Arc::new(Resolver::new(Arc::clone(&vault)));

        let wrong = |e| Failure::usage(format!("the agent's identity: {e}"));
        let mut identity = Identity::<AwsLc>::from_pem(setup.identity).map_err(wrong)?;
        // JWE and CMS name it.
        let certificate = Certificate::from_pem(setup.certificate)
            .map_err(|e| Failure::usage(format!("the agent's certificate: {e}")))?;
        identity.add_certificate(certificate).map_err(wrong)?;
        let inbox = setup
            .in_process
            .register(agent_id.clone())
            .map_err(Failure::usage)?;
        let gateways = gateway_key.verify_key();
        let agent = Agent::new(
            agent_id.clone(),
            identity,
            vault,
            agent_key.clone(),
            gateways,
        );
        // Everything, so that any client can be tried; elsewhere an agent takes CMS on request only.
        let accept = Accept::parse(["native", "jwe", "cms"]).map_err(Failure::usage)?;
        let agent = agent.with_accept(accept);

        let directory = StaticDirectory::from_iter([entry(&setup, &agent_id, &agent_key)?]);
        let keys = KeySet::from_jwks(&setup.issuer.jwks()).map_err(Failure::usage)?;
        let policy = TokenPolicy::new(Issuer::NAME, Issuer::AUDIENCE);
        let authenticator = JwtAuthenticator::new(policy, keys);
        let gateway = Gateway::new(
            Arc::new(authenticator),
            Arc::new(directory),
            setup.transport,
            gateway_key.clone(),
        );
        Ok(Self {
            address,
            agent_id,
            gateway_key: gateway_key.verify_key(),
            resolver,
            gateway: Service::start(|stop| {
                serve(listener, gateway.router(), Limits::default(), stop)
            }),
            agent: Service::start(|stop| Arc::new(agent).serve(inbox, stop)),
        })
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) fn agent_id(&self) -> &AgentId {
        &self.agent_id
    }

    /// The key that the gateway's messages are checked with.
    pub(crate) fn gateway_key(&self) -> VerifyKey {
        self.gateway_key.clone()
    }

    pub(crate) fn resolver(&self) -> &Arc<Resolver> {
        &self.resolver
    }

    /// Lets running requests finish, the gateway first, then closes the vault.
    pub(crate) async fn stop(self) {
        self.gateway.stop().await;
        self.agent.stop().await;
    }
}

fn entry(setup: &Setup<'_>, id: &AgentId, key: &SigningKey) -> Result<AgentEntry, Failure> {
    let refused =
        |e: &dyn std::fmt::Display| Failure::usage(format!("the agent's certificate: {e}"));
    let certificate = Certificate::from_pem(setup.certificate).map_err(|e| refused(&e))?;
    // The file is our own, beside the identity: its fingerprint is the one to expect.
    let trust = TrustPolicy::pinned([certificate.fingerprint()]);
    AgentEntry::new(id.clone(), setup.certificate, &trust, key.verify_key())
        .map_err(|e| refused(&e))
}

fn new_key() -> Result<SigningKey, Failure> {
    SigningKey::generate().map_err(Failure::usage)
}
