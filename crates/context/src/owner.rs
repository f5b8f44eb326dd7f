//! What is known of a sealed value before it is opened.

use crate::{AgentId, ProjectId};

/// Whose secrets they are: an agent's, and perhaps a project's. Known of a value before it is opened, and shared by all
/// secrets of a batch.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[cfg_attr(
    feature = "serde",
    derive(::serde::Deserialize, ::serde::Serialize),
    serde(deny_unknown_fields)
)]
pub struct Owner {
    /// The agent that opens and stores.
    pub agent: AgentId,
    /// The project that the name belongs to.
    #[cfg_attr(
        feature = "serde",
        serde(default, skip_serializing_if = "Option::is_none")
    )]
    pub project: Option<ProjectId>,
}

impl Owner {
    /// An agent, without a project.
    #[must_use]
    pub const fn new(agent: AgentId) -> Self {
        Self {
            agent,
            project: None,
        }
    }
}

impl From<AgentId> for Owner {
    fn from(agent: AgentId) -> Self {
        Self::new(agent)
    }
}
