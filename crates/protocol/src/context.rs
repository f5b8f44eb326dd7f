//! Whose value is sealed, in clear beside the envelope.

use sealpost_envelope::SecretContext;
use sealpost_validator::{validate_key, validate_name, validate_type};
use serde::{Deserialize, Serialize};

use crate::{AgentId, InvalidAgentId, ProjectId};

/// The secret that an envelope is for.
///
/// The envelope is bound to it: [`sealing`](Self::sealing) is the one place where the clear form becomes the
/// context that is sealed and opened with.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Context {
    /// The agent that opens and stores.
    pub agent: AgentId,
    /// The project that the name belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project: Option<ProjectId>,
    /// The secret's name.
    pub name: String,
    /// The top-level property that the reference points to; without one it points to the whole object.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// The secret's type, such as `PASSWORD`.
    #[serde(default, rename = "type", skip_serializing_if = "Option::is_none")]
    pub secret_type: Option<String>,
}

impl Context {
    /// The secret `name` of `agent`, without project, key and type.
    #[must_use]
    pub fn new(agent: AgentId, name: impl Into<String>) -> Self {
        Self {
            agent,
            project: None,
            name: name.into(),
            key: None,
            secret_type: None,
        }
    }

    /// The context that a sealed value carries.
    ///
    /// # Errors
    ///
    /// [`InvalidAgentId`] if it is for no agent that there can be. Name, key and type are as they are:
    /// [`violations`](Self::violations) says whether they may be.
    pub fn of(sealing: &SecretContext<'_>) -> Result<Self, InvalidAgentId> {
        Ok(Self {
            agent: sealing.agent_id().parse()?,
            project: sealing.project_id().map(ProjectId::from_bytes),
            name: sealing.name().into(),
            key: sealing.key().map(Into::into),
            secret_type: sealing.secret_type().map(Into::into),
        })
    }

    /// What is wrong with name, key and type, by the rules for requests in clear: `#/secret/name: …`.
    #[must_use]
    pub fn violations(&self) -> Vec<String> {
        let key = self.key.as_deref().map(validate_key);
        let secret_type = self.secret_type.as_deref().map(validate_type);
        [Some(validate_name(&self.name)), key, secret_type]
            .into_iter()
            .flatten()
            .filter_map(Result::err)
            .map(|violation| violation.to_string())
            .collect()
    }

    /// The context as the envelope commits to it.
    #[must_use]
    pub fn sealing(&self) -> SecretContext<'_> {
        let mut context = SecretContext::new(self.agent.as_str(), &self.name);
        if let Some(project) = self.project {
            context = context.with_project(*project.as_bytes());
        }
        if let Some(key) = &self.key {
            context = context.with_key(key);
        }
        if let Some(secret_type) = &self.secret_type {
            context = context.with_type(secret_type);
        }
        context
    }
}
