//! Looking up the agent that a request names.

use std::sync::Arc;

use sealpost_context::AgentId;
use sealpost_rest::ProblemType;
use tracing::error;

use crate::{
    directory::{AgentDirectory, AgentEntry},
    problem::Problem,
    rejection::Rejection,
};

/// The directory, with answers for callers.
#[derive(Debug)]
pub(crate) struct Agents(Arc<dyn AgentDirectory>);

impl Agents {
    pub(crate) fn new(directory: Arc<dyn AgentDirectory>) -> Self {
        Self(directory)
    }

    /// Returns the agent with this id.
    ///
    /// # Errors
    ///
    /// The answer, if there is no such agent or the directory fails.
    pub(crate) async fn find(&self, agent: &AgentId) -> Result<Arc<AgentEntry>, Problem> {
        match self.0.find(agent).await {
            Ok(Some(entry)) => Ok(entry),
            Ok(None) => Err(unknown().into()),
            Err(error) => {
                error!(%error, "agent not looked up");
                Err(Problem::internal())
            }
        }
    }
}

fn unknown() -> Rejection {
    Rejection::one(
        ProblemType::UnknownAgent,
        "agentId: there is no such agent here; compare it with the id that its operator gave you",
    )
}
