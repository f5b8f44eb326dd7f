//! The context of a secret, borrowed.

use crate::{AgentId, ProjectId, PropertyKey, SecretName, SecretType};

/// The secret that a message is sealed for: agent, project, name, key and type.
///
/// Each sealed message commits to its context. A value sealed for one name, key, type, project or agent opens for no
/// other, and an absent field differs from an empty one. The texts are compared as bytes.
///
/// # Any text
///
/// The sealing format itself allows any text in a context; the rules are those of the endpoint and of agents.
/// [`unchecked`](Self::unchecked), [`with_unchecked_key`](Self::with_unchecked_key) and
/// [`with_unchecked_type`](Self::with_unchecked_type) exist for those who read a format before they apply the rules, and
/// for tests of the format. No agent stores what was sealed for such a context.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct SecretContext<'a> {
    agent_id: &'a str,
    project_id: Option<ProjectId>,
    name: &'a str,
    key: Option<&'a str>,
    secret_type: Option<&'a str>,
}

impl<'a> SecretContext<'a> {
    /// The secret `name` of `agent`, without project, key and type.
    #[must_use]
    pub fn new(agent: &'a AgentId, name: SecretName<'a>) -> Self {
        Self::unchecked(agent.as_str(), name.as_str())
    }

    /// In this project.
    #[must_use]
    pub const fn with_project(mut self, project: ProjectId) -> Self {
        self.project_id = Some(project);
        self
    }

    /// With this top-level property as the one that is referenced.
    #[must_use]
    pub const fn with_key(self, key: PropertyKey<'a>) -> Self {
        self.with_unchecked_key(key.as_str())
    }

    /// Of this type.
    #[must_use]
    pub const fn with_type(self, secret_type: SecretType<'a>) -> Self {
        self.with_unchecked_type(secret_type.as_str())
    }

    /// Like [`new`](Self::new), with [any text](Self#any-text).
    #[must_use]
    pub const fn unchecked(agent_id: &'a str, name: &'a str) -> Self {
        Self {
            agent_id,
            project_id: None,
            name,
            key: None,
            secret_type: None,
        }
    }

    /// Like [`with_key`](Self::with_key), with [any text](Self#any-text).
    #[must_use]
    pub const fn with_unchecked_key(mut self, key: &'a str) -> Self {
        self.key = Some(key);
        self
    }

    /// Like [`with_type`](Self::with_type), with [any text](Self#any-text).
    #[must_use]
    pub const fn with_unchecked_type(mut self, secret_type: &'a str) -> Self {
        self.secret_type = Some(secret_type);
        self
    }

    /// The agent's id.
    #[must_use]
    pub const fn agent_id(&self) -> &'a str {
        self.agent_id
    }

    /// The project, if there is one.
    #[must_use]
    pub const fn project_id(&self) -> Option<ProjectId> {
        self.project_id
    }

    /// The secret's name.
    #[must_use]
    pub const fn name(&self) -> &'a str {
        self.name
    }

    /// The referenced top-level property, if there is one.
    #[must_use]
    pub const fn key(&self) -> Option<&'a str> {
        self.key
    }

    /// The secret's type, if there is one.
    #[must_use]
    pub const fn secret_type(&self) -> Option<&'a str> {
        self.secret_type
    }
}
