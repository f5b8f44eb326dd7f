//! The gateway: what it works with, and its routes.

use std::{sync::Arc, thread::available_parallelism};

use axum::{
    Extension, Router,
    extract::{Request, State},
    middleware,
    response::Response,
    routing::{get, post},
};
use sealpost_carrier::Carrier;
use sealpost_protocol::{AgentId, Clock, SigningKey, SystemClock};
use tokio::{sync::Semaphore, time::Instant};

use crate::{
    AgentDirectory, AuditSink, Authenticator, BasePath, IdempotencySecret, Limits, Metrics,
    Principal, ProblemType,
    audit::Trail,
    body,
    controllers::{certificate, secret_value},
    expiry,
    middleware::track,
    openapi::Description,
    operations::{self, Operations},
    problem::Problem,
    rate_limit::RateLimiter,
    report::Report,
    request_id::RequestId,
    workload::{Place, Workload},
};

/// What a gateway works with. [`router`](Self::router) makes a service of it.
#[derive(Debug)]
pub struct Gateway {
    pub(crate) authenticator: Arc<dyn Authenticator>,
    pub(crate) directory: Arc<dyn AgentDirectory>,
    pub(crate) carrier: Arc<dyn Carrier>,
    pub(crate) signing_key: SigningKey,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) limits: Limits,
    pub(crate) idempotency_secret: IdempotencySecret,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) trail: Arc<Trail>,
    pub(crate) rates: RateLimiter,
    base_path: BasePath,
    description: Description,
    workload: Workload,
    /// One place for each sealing at a time; more would only compete for the same processors.
    pub(crate) sealings: Semaphore,
}

impl Gateway {
    /// A gateway that lets in whom `authenticator` knows, seals to the agents of `directory`, and sends through
    /// `carrier` what it has signed with `signing_key`.
    #[must_use]
    pub fn new(
        authenticator: Arc<dyn Authenticator>,
        directory: Arc<dyn AgentDirectory>,
        carrier: Arc<dyn Carrier>,
        signing_key: SigningKey,
    ) -> Self {
        let limits = Limits::default();
        Self {
            authenticator,
            directory,
            carrier,
            signing_key,
            clock: Arc::new(SystemClock),
            limits,
            idempotency_secret: IdempotencySecret::random(),
            metrics: Arc::new(Metrics::new()),
            trail: Arc::default(),
            rates: RateLimiter::new(limits.rate),
            base_path: BasePath::default(),
            description: Description::at(&BasePath::default()),
            workload: Workload::new(&limits),
            sealings: Semaphore::new(available_parallelism().map_or(1, usize::from)),
        }
    }

    /// With another clock, for tests.
    #[must_use]
    pub fn with_clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// With other limits.
    #[must_use]
    pub fn with_limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self.rates = RateLimiter::new(limits.rate);
        self.workload = Workload::new(&limits);
        self
    }

    /// With a secret that other gateways have, too, so that they know each other's retries; unless this is called, it
    /// is random, and a retry is known until this process ends.
    #[must_use]
    pub fn with_idempotency_secret(mut self, secret: IdempotencySecret) -> Self {
        self.idempotency_secret = secret;
        self
    }

    /// With routes that begin with this path.
    #[must_use]
    pub fn with_base_path(mut self, base_path: BasePath) -> Self {
        self.description = Description::at(&base_path);
        self.base_path = base_path;
        self
    }

    /// Counting into these metrics.
    #[must_use]
    pub fn with_metrics(mut self, metrics: Arc<Metrics>) -> Self {
        self.metrics = metrics;
        self
    }

    /// Keeping an audit trail. See [`AuditSink`] for what happens when it can't be written.
    #[must_use]
    pub fn with_audit(mut self, sink: Arc<dyn AuditSink>) -> Self {
        self.trail = Arc::new(Trail::new(sink));
        self
    }

    /// The HTTP service: the operations, and their description at `/openapi.yaml` and `/openapi.json`, which asks for
    /// no token.
    ///
    /// Every answer has a body of its own making and a request id; errors are `application/problem+json`.
    pub fn router(self) -> Router {
        let gateway = Arc::new(self);
        let at = |route| gateway.base_path.join(route);
        Router::new()
            .route(
                &at("/v1/secrets/{agentId}/secret-value"),
                post(secret_value::encrypt_and_store_secret),
            )
            .route(
                &at("/v1/agents/{agentId}/certificate"),
                get(certificate::get_certificate),
            )
            .route(&at("/openapi.yaml"), get(description_as_yaml))
            .route(&at("/openapi.json"), get(description_as_json))
            .fallback(not_found)
            .method_not_allowed_fallback(method_not_allowed)
            .with_state(Arc::clone(&gateway))
            .layer(middleware::from_fn_with_state(gateway, track))
    }

    /// The service for those who run the gateway: `/metrics`, `/healthz` and `/readyz`. It asks for no token and
    /// belongs on a listener of its own.
    pub fn operations(&self) -> Router {
        operations::router(Operations {
            authenticator: Arc::clone(&self.authenticator),
            directory: Arc::clone(&self.directory),
            clock: Arc::clone(&self.clock),
            metrics: Arc::clone(&self.metrics),
            trail: Arc::clone(&self.trail),
        })
    }

    /// Says in the log, once a day and for ever, which agents' certificates expire within 30 days. Run it beside
    /// the gateway.
    pub fn watch_certificates(&self) -> impl Future<Output = ()> + Send + use<> {
        expiry::watch(Arc::clone(&self.directory), Arc::clone(&self.clock))
    }

    /// A place to seal and deliver in; kept until the request is answered.
    ///
    /// # Errors
    ///
    /// The answer, if there is none before the deadline.
    pub(crate) async fn place(&self, agent: &AgentId, deadline: Instant) -> Result<Place, Problem> {
        let place = self.workload.place(agent, deadline).await;
        place.ok_or_else(Problem::overloaded)
    }

    /// Lets a principal pay for what is dearer than a request, or looks like an attack, in requests.
    pub(crate) fn charge(&self, principal: &Principal, cost: u32) {
        self.rates.charge(principal, cost);
    }
}

async fn description_as_yaml(
    State(gateway): State<Arc<Gateway>>,
    Extension(id): Extension<RequestId>,
    Extension(report): Extension<Report>,
) -> Response {
    report.answer(Ok(gateway.description.yaml()), &id)
}

async fn description_as_json(
    State(gateway): State<Arc<Gateway>>,
    Extension(id): Extension<RequestId>,
    Extension(report): Extension<Report>,
) -> Response {
    report.answer(Ok(gateway.description.json()), &id)
}

async fn not_found(
    State(gateway): State<Arc<Gateway>>,
    Extension(id): Extension<RequestId>,
    Extension(report): Extension<Report>,
    request: Request,
) -> Response {
    discard(request);
    let detail = format!("{}/openapi.yaml lists the routes.", gateway.base_path);
    report.answer(Err(Problem::new(ProblemType::NotFound, detail)), &id)
}

/// The router adds `Allow`.
async fn method_not_allowed(
    Extension(id): Extension<RequestId>,
    Extension(report): Extension<Report>,
    request: Request,
) -> Response {
    discard(request);
    let detail = "The header Allow names the methods that the route has.";
    report.answer(
        Err(Problem::new(ProblemType::MethodNotAllowed, detail)),
        &id,
    )
}

fn discard(request: Request) {
    let (parts, body) = request.into_parts();
    body::linger(&parts.headers, body);
}
