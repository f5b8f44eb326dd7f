//! Putting a gateway together.

use std::sync::Arc;

use axum::Router;
use sealpost_carrier::Carrier;
use sealpost_channel::SigningKey;
use sealpost_protocol::{Clock, clock::SystemClock};

use crate::{
    admission::Admission,
    agents::Agents,
    audit::{AuditSink, Trail, TrailLife},
    auth::Authenticator,
    base_path::BasePath,
    body_memory::BodyMemory,
    component::Component,
    delivery::{Channels, Delivery},
    directory::AgentDirectory,
    expiry,
    idempotency::IdempotencySecret,
    limits::Limits,
    metrics::Metrics,
    middleware::Tracking,
    openapi::Description,
    operations::{self, Operations},
    router,
    state::ApiState,
    workload::Workload,
};

/// The parts of a gateway. [`router`](Self::router) makes an HTTP service of them.
#[derive(Debug)]
pub struct Gateway {
    authenticator: Arc<dyn Authenticator>,
    directory: Arc<dyn AgentDirectory>,
    carrier: Arc<dyn Carrier>,
    signing_key: SigningKey,
    clock: Arc<dyn Clock>,
    limits: Limits,
    idempotency_secret: IdempotencySecret,
    metrics: Arc<Metrics>,
    trail: Arc<Trail>,
    base_path: BasePath,
    components: Vec<Arc<dyn Component>>,
}

impl Gateway {
    /// Creates a gateway that accepts the tokens that `authenticator` accepts, opens channels to the agents of `directory`,
    /// signs them with `signing_key`, and sends through `carrier`.
    #[must_use]
    pub fn new(
        authenticator: Arc<dyn Authenticator>,
        directory: Arc<dyn AgentDirectory>,
        carrier: Arc<dyn Carrier>,
        signing_key: SigningKey,
    ) -> Self {
        Self {
            authenticator,
            directory,
            carrier,
            signing_key,
            clock: Arc::new(SystemClock),
            limits: Limits::default(),
            idempotency_secret: IdempotencySecret::random(),
            metrics: Arc::new(Metrics::new()),
            trail: Arc::default(),
            base_path: BasePath::default(),
            components: Vec::new(),
        }
    }

    /// Sets another clock, for tests.
    #[must_use]
    pub fn with_clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Sets other limits.
    #[must_use]
    pub fn with_limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Sets a secret that other gateways share, so that they recognise each other's retries. By default it is random, and
    /// retries are recognised until this process ends.
    #[must_use]
    pub fn with_idempotency_secret(mut self, secret: IdempotencySecret) -> Self {
        self.idempotency_secret = secret;
        self
    }

    /// Sets the path that all routes begin with.
    #[must_use]
    pub fn with_base_path(mut self, base_path: BasePath) -> Self {
        self.base_path = base_path;
        self
    }

    /// Counts in these metrics.
    #[must_use]
    pub fn with_metrics(mut self, metrics: Arc<Metrics>) -> Self {
        self.metrics = metrics;
        self
    }

    /// Keeps an audit trail. See [`AuditSink`] for what happens when it can't be written.
    #[must_use]
    pub fn with_audit(mut self, sink: Arc<dyn AuditSink>) -> Self {
        self.trail = Arc::new(Trail::new(sink));
        self
    }

    /// Adds components without which requests can't be carried out: `/readyz` names those that are not ready.
    #[must_use]
    pub fn with_components(
        mut self,
        components: impl IntoIterator<Item = Arc<dyn Component>>,
    ) -> Self {
        self.components.extend(components);
        self
    }

    /// Returns the HTTP service: the operations, and their description at `/openapi.yaml` and `/openapi.json`, which
    /// needs no token.
    ///
    /// Every answer has a body of its own and a request id; errors are `application/problem+json`.
    pub fn router(self) -> Router {
        let limits = self.limits;
        let tracking = Tracking {
            clock: Arc::clone(&self.clock),
            metrics: Arc::clone(&self.metrics),
            trail: Arc::clone(&self.trail),
            deadline: limits.deadline,
        };
        let state = ApiState {
            admission: Admission::new(
                self.authenticator,
                Arc::clone(&self.clock),
                Arc::clone(&self.metrics),
                limits.rate,
            ),
            agents: Agents::new(self.directory),
            body_memory: BodyMemory::new(&limits),
            workload: Workload::new(&limits),
            delivery: Delivery::new(
                self.carrier,
                Channels::new(
                    Arc::clone(&self.clock),
                    self.signing_key,
                    limits.deadline,
                    Arc::clone(&self.metrics),
                ),
                self.idempotency_secret,
            ),
            trail: self.trail,
            clock: self.clock,
            deadline: limits.deadline,
            body_timeout: limits.body_timeout,
            description: Description::new(&self.base_path),
            base_path: self.base_path,
        };
        router::api(state, tracking)
    }

    /// Returns the service for operators: `/metrics`, `/healthz` and `/readyz`. It needs no token and belongs on a
    /// listener of its own.
    pub fn operations(&self) -> Router {
        operations::router(Operations {
            authenticator: Arc::clone(&self.authenticator),
            directory: Arc::clone(&self.directory),
            clock: Arc::clone(&self.clock),
            metrics: Arc::clone(&self.metrics),
            trail: Arc::clone(&self.trail),
            components: self.components.clone(),
        })
    }

    /// Returns what writes to the audit trail that the process starts, and that it ends.
    #[must_use]
    pub fn trail_life(&self) -> TrailLife {
        TrailLife {
            trail: Arc::clone(&self.trail),
            clock: Arc::clone(&self.clock),
        }
    }

    /// Returns when the audit trail can't be written any more until the process is started again, and why: its thread has ended.
    /// Every request is refused from then on.
    pub fn audit_ended(&self) -> impl Future<Output = &'static str> + Send + use<> {
        let trail = Arc::clone(&self.trail);
        async move { trail.ended().await }
    }

    /// Logs once a day which agents' certificates expire within 30 days. Never returns: run it beside the gateway.
    pub fn watch_certificates(&self) -> impl Future<Output = ()> + Send + use<> {
        expiry::watch(Arc::clone(&self.directory), Arc::clone(&self.clock))
    }
}
