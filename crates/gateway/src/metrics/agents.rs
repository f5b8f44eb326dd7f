//! The counters of the agents in this process.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use parking_lot::{Mutex, RwLock};
use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeMetric},
    metrics::{MetricType, counter::ConstCounter},
};
use sealpost_channel::RefusalCode;
use sealpost_context::AgentId;

/// The counters of an agent in this process.
#[derive(Clone, Debug, Default)]
pub struct AgentMetrics(Arc<Counts>);

#[derive(Debug, Default)]
struct Counts {
    failed_opens: AtomicU64,
    ledger_failures: AtomicU64,
    panics: AtomicU64,
    channels: AtomicU64,
    replays: AtomicU64,
    alarms: AtomicU64,
    refusals: Mutex<BTreeMap<u8, u64>>,
    dropped: Mutex<BTreeMap<&'static str, u64>>,
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

    /// Counts a channel that was opened.
    pub fn channel_opened(&self) {
        self.0.channels.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts a message whose channel was refused.
    pub fn channel_refused(&self, code: RefusalCode) {
        *self.0.refusals.lock().entry(code.number()).or_default() += 1;
    }

    /// Counts a message that got no answer, by one of a fixed set of reasons.
    pub fn message_dropped(&self, reason: &'static str) {
        *self.0.dropped.lock().entry(reason).or_default() += 1;
    }

    /// Counts a message that came again.
    pub fn replayed(&self) {
        self.0.replays.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts an alarm: a copy of a gateway, or a caller who has the private key used in vain.
    pub fn alarm(&self) {
        self.0.alarms.fetch_add(1, Ordering::Relaxed);
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
        let (name, help) = REFUSALS;
        let mut metric = encoder.encode_descriptor(name, help, None, MetricType::Counter)?;
        for (agent, metrics) in agents.iter() {
            for (code, count) in metrics.0.refusals.lock().iter() {
                let labels = [("agent", agent.as_str()), ("code", &code.to_string())];
                ConstCounter::new(*count).encode(metric.encode_family(&labels)?)?;
            }
        }
        let (name, help) = DROPPED;
        let mut metric = encoder.encode_descriptor(name, help, None, MetricType::Counter)?;
        for (agent, metrics) in agents.iter() {
            for (reason, count) in metrics.0.dropped.lock().iter() {
                let labels = [("agent", agent.as_str()), ("reason", reason)];
                ConstCounter::new(*count).encode(metric.encode_family(&labels)?)?;
            }
        }
        Ok(())
    }
}

type Metric = (&'static str, &'static str, fn(&Counts) -> &AtomicU64);

const METRICS: [Metric; 6] = [
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
    (
        "agent_channels_opened",
        "Channels opened by an agent in this process, each with one operation of the private key",
        |counts| &counts.channels,
    ),
    (
        "agent_replays",
        "Messages that came again to an agent in this process",
        |counts| &counts.replays,
    ),
    (
        "agent_alarms",
        "Signs of a copied gateway, or of a caller who has the private key used in vain, at an agent in this process",
        |counts| &counts.alarms,
    ),
];

const REFUSALS: (&str, &str) = (
    "agent_channel_refusals",
    "Messages whose channel an agent in this process refused, by code",
);
const DROPPED: (&str, &str) = (
    "agent_messages_dropped",
    "Messages that got no answer from an agent in this process, by reason",
);
