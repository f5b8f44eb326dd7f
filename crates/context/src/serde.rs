//! Identifiers as strings, the context as an object of strings. What breaks a rule is not read.

use alloc::string::String;

use ::serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::{AgentId, OwnedContext, Owner, ProjectId, PropertyKey, SecretName, SecretType};

impl Serialize for AgentId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for AgentId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}

impl Serialize for ProjectId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for ProjectId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}

/// The members and their order.
#[derive(Deserialize, Serialize)]
#[serde(crate = "::serde")]
#[serde(deny_unknown_fields)]
struct Members<T> {
    agent: AgentId,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    project: Option<ProjectId>,
    name: T,
    #[serde(default = "none", skip_serializing_if = "Option::is_none")]
    key: Option<T>,
    #[serde(
        default = "none",
        rename = "type",
        skip_serializing_if = "Option::is_none"
    )]
    secret_type: Option<T>,
}

impl Serialize for OwnedContext {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let members = Members {
            agent: *self.agent(),
            project: self.project(),
            name: self.name().as_str(),
            key: self.key().map(|key| key.as_str()),
            secret_type: self.secret_type().map(|secret_type| secret_type.as_str()),
        };
        members.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for OwnedContext {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let members = Members::<String>::deserialize(deserializer)?;
        let owner = Owner {
            agent: members.agent,
            project: members.project,
        };
        let name = SecretName::try_from(members.name.as_str()).map_err(de::Error::custom)?;
        let mut context = Self::new(owner, name);
        if let Some(key) = &members.key {
            let key = PropertyKey::try_from(key.as_str()).map_err(de::Error::custom)?;
            context = context.with_key(key);
        }
        if let Some(secret_type) = &members.secret_type {
            let secret_type =
                SecretType::try_from(secret_type.as_str()).map_err(de::Error::custom)?;
            context = context.with_type(secret_type);
        }
        Ok(context)
    }
}

fn none<T>() -> Option<T> {
    None
}
