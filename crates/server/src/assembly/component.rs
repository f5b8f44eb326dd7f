//! What the readiness and the supervision of the process ask its parts.

use std::fmt::Debug;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use sealpost_gateway::Component;
use sealpost_protocol::AgentId;
use sealpost_vault::{Health, Vault};

/// Has a state.
pub(super) trait Reports: Debug + Send + Sync {
    fn health(&self) -> Health;
}

/// A part with its name.
#[derive(Debug)]
pub(super) struct Reporting<R> {
    name: String,
    part: R,
}

impl<R: Reports> Reporting<R> {
    pub(super) const fn new(name: String, part: R) -> Self {
        Self { name, part }
    }
}

impl<R: Reports> Component for Reporting<R> {
    fn name(&self) -> &str {
        &self.name
    }

    fn is_ready(&self) -> bool {
        self.part.health().is_ready()
    }
}

impl Reports for Arc<dyn Vault> {
    fn health(&self) -> Health {
        self.as_ref().health()
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

impl Reports for Serving {
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

/// Returns the name of an agent's part, with its id if there are several agents.
pub(super) fn name(part: &str, agent: Option<&AgentId>) -> String {
    match agent {
        Some(id) => format!("{part}:{id}"),
        None => part.to_owned(),
    }
}
