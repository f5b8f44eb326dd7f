//! The context of a secret, owned.

use alloc::string::String;
use alloc::vec::Vec;

use crate::error::InvalidIdentifier;
use crate::{AgentId, Owner, ProjectId, PropertyKey, SecretContext, SecretName, SecretType};

/// Which of an owner's secrets it is: name, key and type. Each was checked.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct SecretId {
    name: String,
    key: Option<String>,
    secret_type: Option<String>,
}

impl SecretId {
    /// The secret of this name, without key and type.
    #[must_use]
    pub fn new(name: SecretName<'_>) -> Self {
        Self {
            name: name.as_str().into(),
            key: None,
            secret_type: None,
        }
    }

    /// With this top-level property as the one that is referenced.
    #[must_use]
    pub fn with_key(mut self, key: PropertyKey<'_>) -> Self {
        self.key = Some(key.as_str().into());
        self
    }

    /// Of this type.
    #[must_use]
    pub fn with_type(mut self, secret_type: SecretType<'_>) -> Self {
        self.secret_type = Some(secret_type.as_str().into());
        self
    }

    /// The secret's name.
    #[must_use]
    pub fn name(&self) -> SecretName<'_> {
        SecretName::checked(&self.name)
    }

    /// The top-level property that the reference points to; without one it points to the whole object.
    #[must_use]
    pub fn key(&self) -> Option<PropertyKey<'_>> {
        self.key.as_deref().map(PropertyKey::checked)
    }

    /// The secret's type.
    #[must_use]
    pub fn secret_type(&self) -> Option<SecretType<'_>> {
        self.secret_type.as_deref().map(SecretType::checked)
    }
}

/// The context of a secret, owned: to keep, and to send beside a sealed value. Each of its parts was checked.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct OwnedContext {
    owner: Owner,
    secret: SecretId,
}

impl OwnedContext {
    /// This secret of an agent, and perhaps of a project.
    #[must_use]
    pub fn new(owner: impl Into<Owner>, secret: SecretId) -> Self {
        Self {
            owner: owner.into(),
            secret,
        }
    }

    /// Agent and project.
    #[must_use]
    pub const fn owner(&self) -> &Owner {
        &self.owner
    }

    /// The agent that opens and stores.
    #[must_use]
    pub const fn agent(&self) -> &AgentId {
        &self.owner.agent
    }

    /// The project that the name belongs to.
    #[must_use]
    pub const fn project(&self) -> Option<ProjectId> {
        self.owner.project
    }

    /// The secret's name.
    #[must_use]
    pub fn name(&self) -> SecretName<'_> {
        self.secret.name()
    }

    /// The top-level property that the reference points to; without one it points to the whole object.
    #[must_use]
    pub fn key(&self) -> Option<PropertyKey<'_>> {
        self.secret.key()
    }

    /// The secret's type.
    #[must_use]
    pub fn secret_type(&self) -> Option<SecretType<'_>> {
        self.secret.secret_type()
    }

    /// The same, borrowed: to seal or to open with.
    #[must_use]
    pub fn borrow(&self) -> SecretContext<'_> {
        let mut context = SecretContext::new(&self.owner.agent, self.name());
        if let Some(project) = self.owner.project {
            context = context.with_project(project);
        }
        if let Some(key) = self.key() {
            context = context.with_key(key);
        }
        if let Some(secret_type) = self.secret_type() {
            context = context.with_type(secret_type);
        }
        context
    }

    /// Checks a context that may hold [any text](SecretContext#any-text), and copies it.
    ///
    /// # Errors
    ///
    /// The first rule that each field breaks, in the order agent, name, key, type; at least one.
    pub fn check(context: &SecretContext<'_>) -> Result<Self, Vec<InvalidIdentifier>> {
        let agent = AgentId::try_from(context.agent_id());
        let name = SecretName::try_from(context.name());
        let key = context.key().map(PropertyKey::try_from).transpose();
        let secret_type = context.secret_type().map(SecretType::try_from).transpose();
        let (agent, name, key, secret_type) = match (agent, name, key, secret_type) {
            (Ok(agent), Ok(name), Ok(key), Ok(secret_type)) => (agent, name, key, secret_type),
            (agent, name, key, secret_type) => {
                let broken = [agent.err(), name.err(), key.err(), secret_type.err()];
                return Err(broken.into_iter().flatten().collect());
            }
        };
        let owner = Owner {
            agent,
            project: context.project_id(),
        };
        let mut secret = SecretId::new(name);
        if let Some(key) = key {
            secret = secret.with_key(key);
        }
        if let Some(secret_type) = secret_type {
            secret = secret.with_type(secret_type);
        }
        Ok(Self { owner, secret })
    }
}
