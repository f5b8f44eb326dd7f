//! The flags that say where to send, with which token, and whether to seal before.

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{ArgGroup, Args};
use sealpost_client::{
    AgentTrust, Client, ClientError, Created, Fingerprint, NewSecret, retry::RetryPolicy,
};
use sealpost_envelope::Certificate;
use sealpost_files::quoted;
use zeroize::Zeroizing;

use super::failure::failure;
use super::token;
use crate::error::Failure;
use crate::trust::{self, Names};

/// The gateway, the agent, and how to speak with them.
#[derive(Args, Debug)]
#[command(group(ArgGroup::new("agent_trust").args(["pin", "trust_ca"])))]
pub(crate) struct EndpointArgs {
    #[allow(rustdoc::bare_urls)] // the help shows it as it stands
    /// The gateway, such as https://gateway.example; plain HTTP to this machine only
    #[arg(long)]
    url: String,
    /// The agent that stores it
    #[arg(long, value_name = "ID")]
    agent: String,
    /// The project, a UUID with hyphens
    #[arg(long, value_name = "UUID")]
    project: Option<String>,
    /// Read the bearer token from this file, before each attempt [default: take it from the environment variable
    /// SEALPOST_TOKEN]
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
    /// Authorities (PEM) that must have issued the gateway's TLS certificate [default: those of the system]
    #[arg(long, value_name = "CA.pem")]
    ca: Option<PathBuf>,
    /// Show this certificate to the gateway: the certificate and its private key in one PEM
    #[arg(long, value_name = "PEM")]
    client_certificate: Option<PathBuf>,
    /// How often a secret is tried, while it may help
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=100))]
    attempts: u32,
    /// How many seconds a secret may take with all attempts
    #[arg(long, value_name = "SECONDS", default_value_t = 120, value_parser = clap::value_parser!(u64).range(1..=3600))]
    timeout: u64,
    /// Seal the value here, to the agent's certificate: the gateway can't read it. The certificate comes from the
    /// gateway and must satisfy --pin or --trust-ca
    #[arg(long, requires = "agent_trust")]
    seal_at_source: bool,
    /// SHA-256 of the agent's certificate in hex; repeated, it must match one
    #[arg(long, value_name = "SHA256", requires = "seal_at_source")]
    pin: Vec<Fingerprint>,
    /// Authorities (PEM) that must have issued the agent's certificate, to the agent of --agent
    #[arg(long, value_name = "CA.pem", requires = "seal_at_source")]
    trust_ca: Option<PathBuf>,
}

/// The gateway and the agent that the flags describe.
#[derive(Clone, Debug)]
pub(crate) struct Endpoint {
    client: Client,
    agent: String,
    project: Option<String>,
    trust: Option<AgentTrust>,
    by_pin: bool,
}

impl EndpointArgs {
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    pub(crate) fn open(&self) -> Result<Endpoint, Failure> {
        let mut builder = Client::builder(&self.url)
            .token_provider(token::source(self.token_file.as_deref())?)
            .retries(RetryPolicy::attempts(self.attempts))
            .timeout(Duration::from_secs(self.timeout));
        if let Some(path) = &self.ca {
            builder = builder.authorities(read(path)?.to_vec());
        }
        if let Some(path) = &self.client_certificate {
            builder = builder.client_certificate(read(path)?);
        }
        let trust = match &self.trust_ca {
            Some(path) => {
                let trust = AgentTrust::chain(&read(path)?)
                    .map_err(|e| Failure::refused(format!("{}: {e}", quoted(path))))?;
                for skipped in trust.skipped_authorities() {
                    trust::warn_left_out(path, skipped);
                }
                Some(trust)
            }
            None if self.seal_at_source => Some(AgentTrust::pinned(self.pin.iter().copied())),
            None => None,
        };
        let client = builder.build().map_err(failure)?;
        if let Some(path) = &self.ca {
            for left_out in client.left_out_authorities() {
                trust::warn_left_out(path, left_out);
            }
        }
        Ok(Endpoint {
            client,
            agent: self.agent.clone(),
            project: self.project.clone(),
            trust,
            by_pin: !self.pin.is_empty(),
        })
    }
}

impl Endpoint {
    /// Has the agent store a secret, in `project` or else in the project of the flags.
    pub(crate) async fn create(
        &self,
        project: Option<&str>,
        secret: &NewSecret,
    ) -> Result<Created, ClientError> {
        let (agent, project) = (&self.agent, project.or(self.project.as_deref()));
        match &self.trust {
            Some(trust) => {
                self.client
                    .seal_and_create(agent, project, secret, trust)
                    .await
            }
            None => self.client.create_secret(agent, project, secret).await,
        }
    }

    /// Fetches the agent's certificate once, for all secrets, and warns of one that is pinned and names no agent.
    pub(crate) async fn prepared(mut self) -> Result<Self, Failure> {
        if let Some(trust) = self.trust {
            let certificate = self
                .client
                .agent_certificate(&self.agent, self.project.as_deref())
                .await
                .map_err(failure)?;
            if self.by_pin {
                warn_if_unnamed(&certificate, &self.agent);
            }
            self.trust = Some(trust.with_certificate(&certificate).map_err(failure)?);
        }
        Ok(self)
    }

    /// Returns whether values are sealed here.
    pub(crate) fn seals(&self) -> bool {
        self.trust.is_some()
    }

    pub(crate) fn agent(&self) -> &str {
        &self.agent
    }

    pub(crate) fn project(&self) -> Option<&str> {
        self.project.as_deref()
    }
}

/// What can't be read is refused when it is sealed to.
fn warn_if_unnamed(pem: &[u8], agent: &str) {
    if let Ok(certificate) = Certificate::from_pem_or_der(pem)
        && trust::names(&certificate, agent) == Names::Nobody
    {
        trust::warn_unnamed("the gateway's answer", agent);
    }
}

fn read(path: &Path) -> Result<Zeroizing<Vec<u8>>, Failure> {
    Ok(sealpost_files::read_text(path, MAX_PEM)?)
}

/// A bundle of all public authorities has a quarter of that.
const MAX_PEM: usize = 1 << 20;
