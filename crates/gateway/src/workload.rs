//! Limits how many requests are sealed and delivered at a time: in all, for each agent, and for each principal while
//! others send requests too.

use std::collections::HashMap;

use parking_lot::Mutex;
use sealpost_context::AgentId;
use tokio::time::Instant;

use crate::{
    limits::Limits,
    principal_id::PrincipalId,
    problem::Problem,
    turns::{Permits, Turns},
};

/// The permits of one gateway. An agent that does not answer takes up its own permits and no others.
#[derive(Debug)]
pub(crate) struct Workload {
    all: Turns,
    per_agent: usize,
    per_principal: usize,
    agents: Mutex<HashMap<AgentId, Turns>>,
}

/// The permit of one request; returned when dropped.
#[derive(Debug)]
pub(crate) struct WorkPermit {
    _of_the_agent: Permits,
    _of_all: Permits,
}

impl Workload {
    pub(crate) fn new(limits: &Limits) -> Self {
        Self {
            all: Turns::new(limits.requests),
            per_agent: limits.requests_per_agent,
            per_principal: limits.requests_per_principal,
            agents: Mutex::default(),
        }
    }

    /// Waits for the principal's turn, for a request to this agent, which must exist.
    ///
    /// # Errors
    ///
    /// The answer, if there is no permit before the deadline.
    pub(crate) async fn acquire(
        &self,
        principal: PrincipalId,
        agent: &AgentId,
        deadline: Instant,
    ) -> Result<WorkPermit, Problem> {
        // The agent's permit first: a request that waits for it makes no other agent's requests wait.
        let of_the_agent = self.agent(agent).take(principal, 1, deadline).await;
        let of_the_agent = of_the_agent.ok_or_else(Problem::overloaded)?;
        let of_all = self.all.take(principal, 1, deadline).await;
        Ok(WorkPermit {
            _of_the_agent: of_the_agent,
            _of_all: of_all.ok_or_else(Problem::overloaded)?,
        })
    }

    fn agent(&self, agent: &AgentId) -> Turns {
        let mut agents = self.agents.lock();
        if let Some(turns) = agents.get(agent) {
            return turns.clone();
        }
        if agents.len() >= MANY {
            agents.retain(|_, turns| !turns.is_unused());
        }
        let among_others = self.per_principal.min(self.per_agent);
        let turns = Turns::with_shares(self.per_agent, self.per_agent, among_others);
        agents.insert(*agent, turns.clone());
        turns
    }
}

/// How many agents' permits are kept without being used.
const MANY: usize = 1024;

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use futures_util::FutureExt as _;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn unused_permits_are_dropped() {
        let workload = Workload::new(&Limits::default());
        let deadline = Instant::now() + Duration::from_secs(1);
        let first: AgentId = "first".parse().unwrap();
        let principal = PrincipalId::new(1);
        let kept = workload.acquire(principal, &first, deadline).await.unwrap();
        for n in 0..3 * MANY {
            let agent = format!("a{n}").parse().unwrap();
            let permit = workload.acquire(principal, &agent, deadline).await;
            assert!(permit.is_ok());
        }
        let agents = workload.agents.lock();
        assert!(agents.len() <= MANY && agents.contains_key(&first));
        drop(kept);
    }

    #[tokio::test(start_paused = true)]
    async fn an_agent_that_does_not_answer_takes_its_own_permits_alone() {
        let limits = Limits {
            requests: 6,
            requests_per_agent: 4,
            requests_per_principal: 2,
            ..Limits::default()
        };
        let workload = Workload::new(&limits);
        let (a, b) = (PrincipalId::new(1), PrincipalId::new(2));
        let [silent, other] = ["silent", "other"].map(|id| id.parse().unwrap());
        let deadline = Instant::now() + Duration::from_secs(1);
        let mut held = Vec::new();
        for _ in 0..4 {
            held.push(workload.acquire(a, &silent, deadline).await.unwrap());
        }
        // Both wait for the silent agent, and so not for the others' permits.
        let waiting = [a, b].map(|p| Box::pin(workload.acquire(p, &silent, deadline)));
        for mut waiting in waiting {
            assert!((&mut waiting).now_or_never().is_none());
        }
        for principal in [a, b] {
            let permit = workload.acquire(principal, &other, deadline).await;
            held.push(permit.unwrap());
        }
    }
}
