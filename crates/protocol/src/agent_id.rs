//! The name of an agent.

use std::{fmt, str::FromStr, sync::Arc};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use thiserror::Error;

/// An agent's id: 1 to 64 of `A-Z a-z 0-9 _ -`.
///
/// The alphabet makes it safe as a subject of a broker, in a URN and in a log line.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct AgentId(Arc<str>);

impl AgentId {
    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// How the agent is named in messages and certificates: `urn:sealpost:agent:<id>`.
    #[must_use]
    pub fn urn(&self) -> String {
        format!("urn:sealpost:agent:{self}")
    }
}

impl FromStr for AgentId {
    type Err = InvalidAgentId;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match sealpost_validator::parse_agent_id(text) {
            Ok(id) => Ok(Self(id.into())),
            Err(violation) => Err(InvalidAgentId(violation.to_string())),
        }
    }
}

impl fmt::Display for AgentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Serialize for AgentId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for AgentId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(de::Error::custom)
    }
}

/// A text that is no agent id. Its text is the violation: `agentId: …`.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
#[error("{0}")]
pub struct InvalidAgentId(String);
