//! Gateway, agent and embedded vault in one process, as `demo` and `dev` run them.

use std::net::SocketAddr;
use std::path::Path;

use sealpost_agent::Accept;
use sealpost_context::AgentId;
use sealpost_envelope::{AwsLc, Certificate, Identity, TrustPolicy};
use sealpost_gateway::{TokenPolicy, auth::KeySet, directory::AgentCertificate};
use sealpost_server::{
    AgentConfiguration, Configuration, GatewayConfiguration, LocalAgent, LogConfiguration,
    TokenKeysSource, Tokens, vault_in,
};

use crate::error::Failure;
use crate::issuer::Issuer;

/// The parts of gateway and agent.
pub(crate) struct Local<'a> {
    /// A loopback address: plain HTTP is spoken.
    pub(crate) listen: SocketAddr,
    pub(crate) agent_id: &'a AgentId,
    /// PEM.
    pub(crate) identity: &'a [u8],
    /// PEM.
    pub(crate) certificate: &'a [u8],
    pub(crate) issuer: &'a Issuer,
    pub(crate) vault: &'a Path,
}

impl Local<'_> {
    /// The configuration of gateway and agent.
    pub(crate) fn configuration(self) -> Result<Configuration, Failure> {
        let keys = KeySet::from_jwks(&self.issuer.jwks()).map_err(Failure::usage)?;
        let tokens = Tokens {
            policy: TokenPolicy::new(Issuer::NAME, Issuer::AUDIENCE),
            keys: TokenKeysSource::Fixed(keys),
        };
        Ok(Configuration {
            log: LogConfiguration::default(),
            gateway: GatewayConfiguration::danger_plain_http(self.listen, tokens),
            agents: vec![self.agent()?],
        })
    }

    fn agent(self) -> Result<LocalAgent, Failure> {
        let wrong =
            |e: &dyn std::fmt::Display| Failure::usage(format!("the agent's certificate: {e}"));
        let certificate = Certificate::from_pem(self.certificate).map_err(|e| wrong(&e))?;
        // The file is our own, beside the identity: its fingerprint is the one to expect.
        let trust = TrustPolicy::pinned([certificate.fingerprint()]);
        let trusted = AgentCertificate::new(*self.agent_id, self.certificate, &trust);

        let wrong_identity = |e| Failure::usage(format!("the agent's identity: {e}"));
        let mut identity = Identity::<AwsLc>::from_pem(self.identity).map_err(wrong_identity)?;
        // JWE and CMS name it.
        identity
            .add_certificate(certificate)
            .map_err(wrong_identity)?;
        let vault = vault_in(self.vault)?;
        let agent = AgentConfiguration::new(*self.agent_id, identity, vault);
        Ok(LocalAgent {
            agent: AgentConfiguration {
                // Every format, so that any client can be tried; elsewhere an agent accepts CMS on request only.
                accept: Accept::parse(["native", "jwe", "cms"]).map_err(Failure::usage)?,
                ..agent
            },
            certificate: trusted.map_err(|e| wrong(&e))?,
        })
    }
}
