//! The agents that a gateway knows, and how to seal to them.

use std::{
    collections::HashMap,
    error, fmt,
    hash::{DefaultHasher, Hash as _, Hasher as _},
    sync::Arc,
};

use async_trait::async_trait;
use sealpost_channel::{TrustedKeys, gateway::Entry};
use sealpost_context::AgentId;
use sealpost_envelope::{
    AwsLc, Certificate, Recipient, Trust, TrustPolicy, UnixTime, trust::TrustError,
};
use thiserror::Error;

pub use crate::agent_vault::AgentVault;

/// Knows the agents.
#[async_trait]
pub trait AgentDirectory: Send + Sync + fmt::Debug {
    /// Returns the agent with this id; `None` if there is none. The gateway calls it for every request, so the result must
    /// be current.
    ///
    /// # Errors
    ///
    /// [`DirectoryError`] if the directory can't answer now.
    async fn find(&self, agent: &AgentId) -> Result<Option<Arc<AgentEntry>>, DirectoryError>;

    /// Returns the agents whose certificates are watched for expiry, in metrics and log. Each is a label of a metric: return
    /// no more than there may be labels.
    fn known(&self) -> Vec<Arc<AgentEntry>> {
        Vec::new()
    }
}

/// An agent's certificate that is trusted for the agent, before the keys of its replies are known.
#[derive(Debug)]
pub struct AgentCertificate {
    id: AgentId,
    certificate: Certificate,
    pem: String,
    recipient: Recipient<AwsLc>,
}

impl AgentCertificate {
    /// Checks this certificate (PEM) for the agent `id`.
    ///
    /// Accepts a certificate that has expired: its agent stays known, and every request is refused with the reason.
    ///
    /// # Errors
    ///
    /// [`AgentEntryError`] if the certificate is not trusted or names other agents.
    pub fn new(
        id: AgentId,
        certificate_pem: &[u8],
        trust: &TrustPolicy,
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
        })
    }

    /// Adds the keys that the agent's replies are checked with.
    #[must_use]
    pub fn with_reply_keys(self, verify_keys: impl Into<TrustedKeys>) -> AgentEntry {
        let (verify_keys, signed_requests) = (verify_keys.into(), false);
        AgentEntry {
            channel_entry: channel_entry(&self, &verify_keys, signed_requests),
            certificate: self,
            verify_keys,
            vault: None,
            signed_requests,
        }
    }
}

/// What a gateway needs to know of an agent. Parsed and trusted once, used for many requests.
#[derive(Debug)]
pub struct AgentEntry {
    certificate: AgentCertificate,
    verify_keys: TrustedKeys,
    vault: Option<AgentVault>,
    signed_requests: bool,
    channel_entry: Entry,
}

impl AgentEntry {
    /// Checks this certificate (PEM) for the agent `id`, whose replies are checked with `verify_keys`.
    ///
    /// # Errors
    ///
    /// As [`AgentCertificate::new`].
    pub fn new(
        id: AgentId,
        certificate_pem: &[u8],
        trust: &TrustPolicy,
        verify_keys: impl Into<TrustedKeys>,
    ) -> Result<Self, AgentEntryError> {
        let certificate = AgentCertificate::new(id, certificate_pem, trust)?;
        Ok(certificate.with_reply_keys(verify_keys))
    }

    /// Adds what is known of the agent's vault: a secret that it can't take is refused before it is sealed.
    #[must_use]
    pub fn with_vault(mut self, vault: AgentVault) -> Self {
        self.vault = Some(vault);
        self
    }

    /// Sets whether the gateway signs each request to the agent. It does anyway once the agent has asked for it.
    #[must_use]
    pub fn with_signed_requests(mut self, signed_requests: bool) -> Self {
        self.signed_requests = signed_requests;
        self.channel_entry = channel_entry(&self.certificate, &self.verify_keys, signed_requests);
        self
    }

    /// Returns the agent's id.
    #[must_use]
    pub fn id(&self) -> &AgentId {
        &self.certificate.id
    }

    /// Returns the certificate.
    #[must_use]
    pub fn certificate(&self) -> &Certificate {
        &self.certificate.certificate
    }

    /// Returns the certificate and its intermediates in PEM (RFC 8555 §9.1), and nothing else of the file.
    pub(crate) fn pem(&self) -> &str {
        &self.certificate.pem
    }

    /// Returns the key to seal to, if the certificate is valid at this time.
    pub(crate) fn recipient(&self, now: UnixTime) -> Result<&Recipient<AwsLc>, TrustError> {
        Trust::check_validity(self.certificate(), now)?;
        Ok(&self.certificate.recipient)
    }

    pub(crate) fn verify_keys(&self) -> &TrustedKeys {
        &self.verify_keys
    }

    pub(crate) fn signed_requests(&self) -> bool {
        self.signed_requests
    }

    /// Returns what a channel to the agent depends on. An entry that says the same is the same, whoever made it.
    pub(crate) fn channel_entry(&self) -> Entry {
        self.channel_entry
    }

    /// `None` if it is not known: then the agent alone checks.
    pub(crate) fn vault(&self) -> Option<AgentVault> {
        self.vault
    }
}

fn channel_entry(
    certificate: &AgentCertificate,
    verify_keys: &TrustedKeys,
    signed_requests: bool,
) -> Entry {
    let mut said = DefaultHasher::new();
    certificate.pem.hash(&mut said);
    signed_requests.hash(&mut said);
    verify_keys.kids().for_each(|kid| kid.hash(&mut said));
    Entry {
        certificate: certificate.recipient.key_id(),
        revision: said.finish(),
    }
}

/// Why a certificate can't be used for an agent.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum AgentEntryError {
    /// The certificate is refused.
    #[error(transparent)]
    Certificate(#[from] TrustError),
    /// The certificate's subjectAltName names agents, but not this one.
    #[error(
        "the certificate is not for agent {0}: its subjectAltName names another; give each agent its own"
    )]
    OtherAgent(AgentId),
}

/// The directory can't answer now. Its text is for the log.
#[derive(Debug, Error)]
#[error("the agent directory can't answer: {0}")]
pub struct DirectoryError(#[from] pub Box<dyn error::Error + Send + Sync>);

/// A directory that does not change: the agents of a configuration file.
#[derive(Debug, Default)]
pub struct StaticDirectory(HashMap<AgentId, Arc<AgentEntry>>);

impl FromIterator<AgentEntry> for StaticDirectory {
    fn from_iter<I: IntoIterator<Item = AgentEntry>>(agents: I) -> Self {
        Self(
            agents
                .into_iter()
                .map(|agent| (*agent.id(), Arc::new(agent)))
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
