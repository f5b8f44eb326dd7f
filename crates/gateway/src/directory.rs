//! Which agents there are, and how to seal to them.

use std::{collections::HashMap, error, fmt, sync::Arc};

use async_trait::async_trait;
use sealpost_envelope::{AwsLc, Certificate, Recipient, Trust, TrustError, TrustPolicy, UnixTime};
use sealpost_protocol::{AgentId, VerifyKeys};
use thiserror::Error;

/// Knows the agents.
#[async_trait]
pub trait AgentDirectory: Send + Sync + fmt::Debug {
    /// The agent with this id; `None` if there is none. Called for every request: what it gives must be
    /// current.
    ///
    /// # Errors
    ///
    /// [`DirectoryError`] if it can't be known now.
    async fn find(&self, agent: &AgentId) -> Result<Option<Arc<AgentEntry>>, DirectoryError>;

    /// Those whose certificates are watched for their expiry, in metrics and log; as many as there may be labels.
    fn known(&self) -> Vec<Arc<AgentEntry>> {
        Vec::new()
    }
}

/// What a gateway has to know of an agent. Parsed and trusted once, used for many requests.
#[derive(Debug)]
pub struct AgentEntry {
    id: AgentId,
    certificate: Certificate,
    pem: String,
    recipient: Recipient<AwsLc>,
    verify_keys: VerifyKeys,
}

impl AgentEntry {
    /// The agent `id` with this certificate (PEM) and the keys that its replies are checked with.
    ///
    /// A certificate that has expired is taken: its agent stays known, and every request is told so.
    ///
    /// # Errors
    ///
    /// [`AgentEntryError`] if the certificate is not trusted or names other agents.
    pub fn new(
        id: AgentId,
        certificate_pem: &[u8],
        trust: &TrustPolicy,
        verify_keys: impl Into<VerifyKeys>,
    ) -> Result<Self, AgentEntryError> {
        let certificate = Certificate::from_pem(certificate_pem).map_err(TrustError::from)?;
        let trust = trust.for_agent(id.as_str());
        // Everything but the validity, which `recipient` checks each time.
        let recipient =
            Recipient::from_certificate(&certificate, &trust, certificate.not_before())?;
        let names_others = certificate.agent_ids().next().is_some()
            && !certificate.agent_ids().any(|named| named == id.as_str());
        if names_others {
            return Err(AgentEntryError::OtherAgent(id));
        }
        Ok(Self {
            id,
            certificate,
            pem: Certificate::pem_blocks(certificate_pem)
                .flat_map(|block| [block, "\n"])
                .collect(),
            recipient,
            verify_keys: verify_keys.into(),
        })
    }

    /// The agent's id.
    #[must_use]
    pub fn id(&self) -> &AgentId {
        &self.id
    }

    /// The certificate.
    #[must_use]
    pub fn certificate(&self) -> &Certificate {
        &self.certificate
    }

    /// The certificate and its intermediates in PEM (RFC 8555 §9.1), and nothing else of the file that they came from.
    pub(crate) fn pem(&self) -> &str {
        &self.pem
    }

    /// The key to seal to, if the certificate is valid at this time.
    pub(crate) fn recipient(&self, now: UnixTime) -> Result<&Recipient<AwsLc>, TrustError> {
        Trust::check_validity(&self.certificate, now)?;
        Ok(&self.recipient)
    }

    pub(crate) fn verify_keys(&self) -> &VerifyKeys {
        &self.verify_keys
    }
}

/// Why a certificate can't stand for an agent.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum AgentEntryError {
    /// It is refused.
    #[error(transparent)]
    Certificate(#[from] TrustError),
    /// Its subjectAltName names agents, but not this one.
    #[error(
        "the certificate is not for agent {0}: its subjectAltName names another; give each agent its own"
    )]
    OtherAgent(AgentId),
}

/// A directory that can't be asked now. Its text is for the log.
#[derive(Debug, Error)]
#[error("the agent directory can't be asked: {0}")]
pub struct DirectoryError(#[from] pub Box<dyn error::Error + Send + Sync>);

/// A directory that is given once: the agents of a configuration file.
#[derive(Debug, Default)]
pub struct StaticDirectory(HashMap<AgentId, Arc<AgentEntry>>);

impl FromIterator<AgentEntry> for StaticDirectory {
    fn from_iter<I: IntoIterator<Item = AgentEntry>>(agents: I) -> Self {
        Self(
            agents
                .into_iter()
                .map(|agent| (agent.id.clone(), Arc::new(agent)))
                .collect(),
        )
    }
}

#[async_trait]
impl AgentDirectory for StaticDirectory {
    async fn find(&self, agent: &AgentId) -> Result<Option<Arc<AgentEntry>>, DirectoryError> {
        Ok(self.0.get(agent).cloned())
    }

    fn known(&self) -> Vec<Arc<AgentEntry>> {
        self.0.values().cloned().collect()
    }
}
