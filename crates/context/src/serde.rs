//! Identifiers as strings, the context as an object of strings.

use alloc::string::String;

use ::serde::ser::SerializeStruct as _;
use ::serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::{AgentId, OwnedContext, ProjectId};

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

/// `agent`, `project`, `name`, `key`, `type`; what is not there is left out.
///
/// There is no `Deserialize`: who reads a context tells which rules it breaks, which an error of serde cannot.
impl Serialize for OwnedContext {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let project = self.project();
        let (key, secret_type) = (self.key(), self.secret_type());
        let there = [project.is_some(), key.is_some(), secret_type.is_some()];
        let length = 2 + there.iter().filter(|there| **there).count();
        let mut object = serializer.serialize_struct("OwnedContext", length)?;
        object.serialize_field("agent", self.agent())?;
        if let Some(project) = project {
            object.serialize_field("project", &project)?;
        }
        object.serialize_field("name", self.name().as_str())?;
        if let Some(key) = key {
            object.serialize_field("key", key.as_str())?;
        }
        if let Some(secret_type) = secret_type {
            object.serialize_field("type", secret_type.as_str())?;
        }
        object.end()
    }
}
