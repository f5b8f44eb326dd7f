//! The counters, for Prometheus.

mod agents;

use std::{
    fmt,
    sync::atomic::{AtomicBool, AtomicU64, Ordering},
    time::Duration,
};

use prometheus_client::{
    encoding::{EncodeLabelSet, text},
    metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram},
    registry::Registry,
};
use sealpost_channel::{RefusalCode, gateway::Dropped};
use sealpost_context::AgentId;
use sealpost_envelope::UnixTime;

pub use agents::AgentMetrics;
use agents::Agents;

/// The counters of one gateway.
///
/// # Security
///
/// Labels are statuses, problem types, reasons, the components and the ids of the agents in the directory: never a name or a text that
/// a caller chose. So their number is bounded too.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    requests: Family<RequestLabels, Counter>,
    duration: Histogram,
    in_flight: Gauge,
    denied: Family<ReasonLabels, Counter>,
    connections: Gauge,
    connections_refused: Counter,
    connections_displaced: Counter,
    handshakes_failed: Counter,
    keys_fetches: Family<ResultLabels, Counter>,
    keys_fetched: Gauge<f64, AtomicU64>,
    keys_known: Gauge,
    tls_reloads: Family<ResultLabels, Counter>,
    tls_certificate: Gauge<f64, AtomicU64>,
    certificates: Family<AgentLabels, Gauge<f64, AtomicU64>>,
    agents: Agents,
    channels: Counter,
    channels_refused: Family<CodeLabels, Counter>,
    answers_dropped: Family<ReasonLabels, Counter>,
    audit_failures: Counter,
    log: LogMetrics,
    components: Family<ComponentLabels, Gauge>,
    panics: Counter,
    draining: AtomicBool,
}

impl Metrics {
    /// Creates the counters, all zero.
    #[must_use]
    pub fn new() -> Self {
        let mut metrics = Self {
            registry: Registry::with_prefix("sealpost"),
            requests: Family::default(),
            duration: Histogram::new(DURATIONS),
            in_flight: Gauge::default(),
            denied: Family::default(),
            connections: Gauge::default(),
            connections_refused: Counter::default(),
            connections_displaced: Counter::default(),
            handshakes_failed: Counter::default(),
            keys_fetches: Family::default(),
            keys_fetched: Gauge::default(),
            keys_known: Gauge::default(),
            tls_reloads: Family::default(),
            tls_certificate: Gauge::default(),
            certificates: Family::default(),
            agents: Agents::default(),
            channels: Counter::default(),
            channels_refused: Family::default(),
            answers_dropped: Family::default(),
            audit_failures: Counter::default(),
            log: LogMetrics::default(),
            components: Family::default(),
            panics: Counter::default(),
            draining: AtomicBool::new(false),
        };
        metrics.register();
        metrics
    }

    #[rustfmt::skip]
    fn register(&mut self) {
        let r = &mut self.registry;
        r.register("requests", "Requests answered, by status and outcome", self.requests.clone());
        r.register("request_duration_seconds", "Time from the headers to the answer", self.duration.clone());
        r.register("requests_in_flight", "Requests being handled", self.in_flight.clone());
        r.register("tokens_denied", "Requests answered with 403, by reason", self.denied.clone());
        r.register("connections", "Connections open", self.connections.clone());
        r.register("connections_refused", "Connections closed because their address had too many", self.connections_refused.clone());
        r.register("connections_displaced", "Silent connections closed to make room for others", self.connections_displaced.clone());
        r.register("tls_handshakes_failed", "TLS handshakes that failed or took too long", self.handshakes_failed.clone());
        r.register("jwks_fetches", "Fetches of the issuer's keys, by result", self.keys_fetches.clone());
        r.register("jwks_last_success_timestamp_seconds", "When the issuer's keys were last fetched; 0 for never", self.keys_fetched.clone());
        r.register("jwks_keys", "Keys of the issuer that tokens are checked with", self.keys_known.clone());
        r.register("tls_reloads", "Reloads of the TLS files, by result", self.tls_reloads.clone());
        r.register("tls_certificate_not_after_timestamp_seconds", "When the gateway's own certificate expires; 0 without TLS", self.tls_certificate.clone());
        r.register("agent_certificate_not_after_timestamp_seconds", "When the certificate of an agent expires", self.certificates.clone());
        r.register_collector(Box::new(self.agents.clone()));
        r.register("channels_opened", "Channels to agents opened, each with one RSA operation", self.channels.clone());
        r.register("channel_refusals", "Requests in whose place an agent refused the channel, by code", self.channels_refused.clone());
        r.register("answers_dropped", "Answers of agents that were not believed, by reason", self.answers_dropped.clone());
        r.register("audit_failures", "Audit events that could not be written", self.audit_failures.clone());
        r.register("request_panics", "Requests to the gateway that ended in a panic, which was contained", self.panics.clone());
        r.register("log_lines_dropped", "Lines of the log that could not be written", self.log.0.clone());
        r.register("component_ready", "Whether a component can do its work: 1 or 0", self.components.clone());
    }

    /// Returns the counter of the log's writer.
    #[must_use]
    pub fn log(&self) -> LogMetrics {
        self.log.clone()
    }

    /// Adds an agent of this process, and returns its counters.
    #[must_use]
    pub fn agent(&self, agent: AgentId) -> AgentMetrics {
        self.agents.add(agent)
    }

    /// Returns all metrics in the text format of OpenMetrics 1.0.
    ///
    /// # Errors
    ///
    /// Writing to memory does not fail in practice.
    pub fn encode(&self) -> Result<String, fmt::Error> {
        let mut text = String::new();
        text::encode(&mut text, &self.registry)?;
        Ok(text)
    }

    pub(crate) fn request(&self) -> InFlight<'_> {
        self.in_flight.inc();
        InFlight(&self.in_flight)
    }

    pub(crate) fn answered(&self, status: u16, outcome: &'static str, duration: Duration) {
        let labels = RequestLabels {
            status: status.into(),
            outcome,
        };
        self.requests.get_or_create(&labels).inc();
        self.duration.observe(duration.as_secs_f64());
    }

    /// Counts a refused token, by one of a fixed set of reasons.
    pub(crate) fn denied(&self, reason: &'static str) {
        self.denied.get_or_create(&ReasonLabels { reason }).inc();
    }

    pub(crate) fn connection_opened(&self) {
        self.connections.inc();
    }

    pub(crate) fn connection_closed(&self) {
        self.connections.dec();
    }

    pub(crate) fn connection_refused(&self) {
        self.connections_refused.inc();
    }

    pub(crate) fn connections_displaced(&self, number: usize) {
        self.connections_displaced.inc_by(number as u64);
    }

    pub(crate) fn handshake_failed(&self) {
        self.handshakes_failed.inc();
    }

    pub(crate) fn keys_fetched(&self, succeeded: bool) {
        self.keys_fetches.get_or_create(&succeeded.into()).inc();
        if succeeded {
            self.keys_fetched.set(seconds(UnixTime::now()));
        }
    }

    /// Records how many of the issuer's keys can be used.
    pub(crate) fn keys_known(&self, keys: usize) {
        self.keys_known.set(i64::try_from(keys).unwrap_or(i64::MAX));
    }

    pub(crate) fn tls_reloaded(&self, succeeded: bool) {
        self.tls_reloads.get_or_create(&succeeded.into()).inc();
    }

    pub(crate) fn tls_certificate(&self, not_after: UnixTime) {
        self.tls_certificate.set(seconds(not_after));
    }

    /// Replaces what is known of the agents' certificates: when each expires.
    pub(crate) fn certificates<'a>(&self, agents: impl Iterator<Item = (&'a AgentId, UnixTime)>) {
        self.certificates.clear();
        for (agent, not_after) in agents {
            let agent = agent.to_string();
            self.certificates
                .get_or_create(&AgentLabels { agent })
                .set(seconds(not_after));
        }
    }

    pub(crate) fn channel_opened(&self) {
        self.channels.inc();
    }

    pub(crate) fn channel_refused(&self, code: RefusalCode) {
        let code = code.number().into();
        let labels = CodeLabels { code };
        self.channels_refused.get_or_create(&labels).inc();
    }

    pub(crate) fn answer_dropped(&self, dropped: Dropped) {
        let reason = match dropped {
            Dropped::Ended => "ended",
            Dropped::Malformed(_) => "malformed",
            Dropped::OtherChannel => "other-channel",
            Dropped::OtherNumber => "other-number",
            Dropped::Signature => "signature",
            Dropped::Frame => "frame",
        };
        let labels = ReasonLabels { reason };
        self.answers_dropped.get_or_create(&labels).inc();
    }

    pub(crate) fn audit_failed(&self) {
        self.audit_failures.inc();
    }

    pub(crate) fn request_panicked(&self) {
        self.panics.inc();
    }

    /// Sets whether a component can do its work.
    pub(crate) fn component(&self, component: &str, is_ready: bool) {
        let component = component.to_owned();
        self.components
            .get_or_create(&ComponentLabels { component })
            .set(is_ready.into());
    }

    pub(crate) fn drain(&self) {
        self.draining.store(true, Ordering::Relaxed);
    }

    pub(crate) fn is_draining(&self) -> bool {
        self.draining.load(Ordering::Relaxed)
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

/// A request that is being handled; dropped when it is answered or cancelled.
#[derive(Debug)]
pub(crate) struct InFlight<'m>(&'m Gauge);

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        self.0.dec();
    }
}

/// What is counted of the log.
#[derive(Clone, Debug, Default)]
pub struct LogMetrics(Counter);

impl LogMetrics {
    /// Counts lines that could not be written.
    pub fn lines_dropped(&self, lines: u64) {
        self.0.inc_by(lines);
    }

    /// Returns how many lines could not be written.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.0.get()
    }
}

#[derive(Clone, Debug, EncodeLabelSet, Eq, Hash, PartialEq)]
struct RequestLabels {
    status: u32,
    outcome: &'static str,
}

#[derive(Clone, Debug, EncodeLabelSet, Eq, Hash, PartialEq)]
struct ReasonLabels {
    reason: &'static str,
}

#[derive(Clone, Debug, EncodeLabelSet, Eq, Hash, PartialEq)]
struct CodeLabels {
    code: u32,
}

#[derive(Clone, Debug, EncodeLabelSet, Eq, Hash, PartialEq)]
struct ResultLabels {
    result: &'static str,
}

#[derive(Clone, Debug, EncodeLabelSet, Eq, Hash, PartialEq)]
struct ComponentLabels {
    component: String,
}

#[derive(Clone, Debug, EncodeLabelSet, Eq, Hash, PartialEq)]
struct AgentLabels {
    agent: String,
}

impl From<bool> for ResultLabels {
    fn from(succeeded: bool) -> Self {
        let result = if succeeded { "success" } else { "failure" };
        Self { result }
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "exact for the next 285 million years"
)]
fn seconds(time: UnixTime) -> f64 {
    time.as_secs() as f64
}

/// In seconds: from the time that sealing alone takes to the default deadline.
const DURATIONS: [f64; 14] = [
    0.001, 0.002, 0.003, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 30.0,
];
