//! The counters of the agents in this process.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use parking_lot::RwLock;
use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeMetric},
    metrics::{MetricType, counter::ConstCounter},
};
use sealpost_protocol::AgentId;

/// The counters of an agent in this process.
#[derive(Clone, Debug, Default)]
pub struct AgentMetrics(Arc<Counts>);

#[derive(Debug, Default)]
struct Counts {
    failed_opens: AtomicU64,
    ledger_failures: AtomicU64,
    panics: AtomicU64,
}

impl AgentMetrics {
    /// Counts a value that did not open.
    pub fn open_failed(&self) {
        self.0.failed_opens.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts a request for which the ledger could not be read or written.
    pub fn ledger_failed(&self) {
        self.0.ledger_failures.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts a panic that ended one request and nothing else.
    pub fn panicked(&self) {
        self.0.panics.fetch_add(1, Ordering::Relaxed);
    }
}

/// The agents of this process, in the order in which they were added.
#[derive(Clone, Debug, Default)]
pub(super) struct Agents(Arc<RwLock<Vec<(AgentId, AgentMetrics)>>>);

impl Agents {
    pub(super) fn add(&self, agent: AgentId) -> AgentMetrics {
        let metrics = AgentMetrics::default();
        self.0.write().push((agent, metrics.clone()));
        metrics
    }
}

impl Collector for Agents {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let agents = self.0.read();
        for (name, help, count) in METRICS {
            let mut metric = encoder.encode_descriptor(name, help, None, MetricType::Counter)?;
            for (agent, metrics) in agents.iter() {
                let labels = [("agent", agent.as_str())];
                let count = count(&metrics.0).load(Ordering::Relaxed);
                ConstCounter::new(count).encode(metric.encode_family(&labels)?)?;
            }
        }
        Ok(())
    }
}

type Metric = (&'static str, &'static str, fn(&Counts) -> &AtomicU64);

const METRICS: [Metric; 3] = [
    (
        "agent_failed_opens",
        "Envelopes that did not open at an agent in this process",
        |counts| &counts.failed_opens,
    ),
    (
        "agent_ledger_failures",
        "Requests for which the ledger of an agent in this process could not be read or written",
        |counts| &counts.ledger_failures,
    ),
    (
        "agent_panics",
        "Requests to an agent in this process that ended in a panic, which was contained",
        |counts| &counts.panics,
    ),
];
