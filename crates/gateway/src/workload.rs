//! Places for requests that are sealed and delivered: in all, and for each agent.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use sealpost_protocol::AgentId;
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{Instant, timeout_at},
};

use crate::Limits;

/// The places of one gateway. An agent that does not answer takes those that are for it, and no others.
#[derive(Debug)]
pub(crate) struct Workload {
    all: Arc<Semaphore>,
    per_agent: usize,
    agents: Mutex<HashMap<AgentId, Arc<Semaphore>>>,
}

/// A request's place, until it is dropped.
#[derive(Debug)]
pub(crate) struct Place {
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

    /// A place for a request to this agent, which must be one that exists; `None` if there is none before the
    /// deadline.
    pub(crate) async fn place(&self, agent: &AgentId, deadline: Instant) -> Option<Place> {
        let of_the_agent = self.agent(agent);
        let both = async {
            // The agent's first: who waits for it keeps nobody else waiting.
            let of_the_agent = of_the_agent.acquire_owned().await.ok()?;
            let of_all = Arc::clone(&self.all).acquire_owned().await.ok()?;
            Some(Place {
                _of_the_agent: of_the_agent,
                _of_all: of_all,
            })
        };
        timeout_at(deadline, both).await.ok().flatten()
    }

    fn agent(&self, agent: &AgentId) -> Arc<Semaphore> {
        let mut agents = self.agents.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(places) = agents.get(agent) {
            return Arc::clone(places);
        }
        if agents.len() >= MANY {
            // Those that nobody has or waits for.
            agents.retain(|_, places| Arc::strong_count(places) > 1);
        }
        let places = Arc::new(Semaphore::new(self.per_agent));
        agents.insert(agent.clone(), Arc::clone(&places));
        places
    }
}

/// Agents whose places are remembered without being used.
const MANY: usize = 1024;

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn what_is_not_used_is_forgotten() {
        let workload = Workload::new(&Limits::default());
        let deadline = Instant::now() + Duration::from_secs(1);
        let first: AgentId = "first".parse().unwrap();
        let kept = workload.place(&first, deadline).await.unwrap();
        for n in 0..3 * MANY {
            let agent = format!("a{n}").parse().unwrap();
            assert!(workload.place(&agent, deadline).await.is_some());
        }
        let agents = workload.agents.lock().unwrap();
        assert!(agents.len() <= MANY && agents.contains_key(&first));
        drop(kept);
    }
}
