//! What the readiness and the supervision of the process ask its parts.

use std::fmt::Debug;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use sealpost_agent::Agent;
use sealpost_context::AgentId;
use sealpost_gateway::Component;
use sealpost_vault::{Health, Vault};

/// A component with a health.
pub(super) trait Reporting: Component {
    fn health(&self) -> Health;
}

/// What has a health.
pub(super) trait Healthy: Debug + Send + Sync {
    fn health(&self) -> Health;
}

/// A part with its name.
#[derive(Debug)]
struct Named<H> {
    name: String,
    part: H,
}

/// Gives a part of an agent a name, with the agent's id if there are several agents.
pub(super) fn named(
    name: &str,
    agent: Option<&AgentId>,
    part: impl Healthy + 'static,
) -> Arc<dyn Reporting> {
    let name = match agent {
        Some(id) => format!("{name}:{id}"),
        None => name.to_owned(),
    };
    Arc::new(Named { name, part })
}

impl<H: Healthy> Component for Named<H> {
    fn name(&self) -> &str {
        &self.name
    }

    fn is_ready(&self) -> bool {
        self.part.health().is_ready()
    }
}

impl<H: Healthy> Reporting for Named<H> {
    fn health(&self) -> Health {
        self.part.health()
    }
}

impl Healthy for Arc<dyn Vault> {
    fn health(&self) -> Health {
        self.as_ref().health()
    }
}

/// The ledger of an agent.
#[derive(Debug)]
pub(super) struct LedgerOf(pub(super) Arc<Agent>);

impl Healthy for LedgerOf {
    fn health(&self) -> Health {
        self.0.ledger_health()
    }
}

/// Whether an agent takes messages.
#[derive(Clone, Debug, Default)]
pub(super) struct Serving(Arc<AtomicBool>);

impl Serving {
    /// The agent takes messages until the result is dropped.
    pub(super) fn begin(self) -> Serves {
        self.0.store(true, Ordering::Release);
        Serves(self)
    }
}

impl Healthy for Serving {
    fn health(&self) -> Health {
        if self.0.load(Ordering::Acquire) {
            Health::Ready
        } else {
            Health::recovering("the agent does not take messages")
        }
    }
}

/// An agent that takes messages.
#[derive(Debug)]
pub(super) struct Serves(Serving);

impl Drop for Serves {
    fn drop(&mut self) {
        self.0.0.store(false, Ordering::Release);
    }
}
