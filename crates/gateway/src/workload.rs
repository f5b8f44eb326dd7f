//! Limits how many requests are sealed and delivered at a time: in all, and for each agent.

use std::{collections::HashMap, sync::Arc};

use parking_lot::Mutex;
use sealpost_protocol::AgentId;
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{Instant, timeout_at},
};

use crate::{limits::Limits, problem::Problem};

/// The permits of one gateway. An agent that does not answer takes up its own permits and no others.
#[derive(Debug)]
pub(crate) struct Workload {
    all: Arc<Semaphore>,
    per_agent: usize,
    agents: Mutex<HashMap<AgentId, Arc<Semaphore>>>,
}

/// The permit of one request; returned when dropped.
#[derive(Debug)]
pub(crate) struct WorkPermit {
    _of_the_agent: OwnedSemaphorePermit,
    _of_all: OwnedSemaphorePermit,
}

impl Workload {
    pub(crate) fn new(limits: &Limits) -> Self {
        Self {
            all: Arc::new(Semaphore::new(limits.requests)),
            per_agent: limits.requests_per_agent,
            agents: Mutex::default(),
        }
    }

    /// Waits for a permit for a request to this agent, which must exist.
    ///
    /// # Errors
    ///
    /// The answer, if there is no permit before the deadline.
    pub(crate) async fn acquire(
        &self,
        agent: &AgentId,
        deadline: Instant,
    ) -> Result<WorkPermit, Problem> {
        let of_the_agent = self.agent(agent);
        let both = async {
            // The agent's permit first: a request that waits for it makes no other agent's requests wait.
            let of_the_agent = of_the_agent.acquire_owned().await.ok()?;
            let of_all = Arc::clone(&self.all).acquire_owned().await.ok()?;
            Some(WorkPermit {
                _of_the_agent: of_the_agent,
                _of_all: of_all,
            })
        };
        let permit = timeout_at(deadline, both).await.ok().flatten();
        permit.ok_or_else(Problem::overloaded)
    }

    fn agent(&self, agent: &AgentId) -> Arc<Semaphore> {
        let mut agents = self.agents.lock();
        if let Some(permits) = agents.get(agent) {
            return Arc::clone(permits);
        }
        if agents.len() >= MANY {
            // Drops those that are neither taken nor waited for.
            agents.retain(|_, permits| Arc::strong_count(permits) > 1);
        }
        let permits = Arc::new(Semaphore::new(self.per_agent));
        agents.insert(*agent, Arc::clone(&permits));
        permits
    }
}

/// How many agents' permits are kept without being used.
const MANY: usize = 1024;

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn unused_permits_are_dropped() {
        let workload = Workload::new(&Limits::default());
        let deadline = Instant::now() + Duration::from_secs(1);
        let first: AgentId = "first".parse().unwrap();
        let kept = workload.acquire(&first, deadline).await.unwrap();
        for n in 0..3 * MANY {
            let agent = format!("a{n}").parse().unwrap();
            assert!(workload.acquire(&agent, deadline).await.is_ok());
        }
        let agents = workload.agents.lock();
        assert!(agents.len() <= MANY && agents.contains_key(&first));
        drop(kept);
    }
}
