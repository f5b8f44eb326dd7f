//! Whose value is sealed, in clear beside the envelope.

use sealpost_envelope::SecretContext;
use serde::{Deserialize, Serialize};

use crate::{AgentId, ProjectId};

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
