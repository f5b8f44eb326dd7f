//! The gateway: what it works with, and its routes.

use std::{sync::Arc, thread::available_parallelism};

use axum::{
    Extension, Router,
    extract::Request,
    middleware,
    response::Response,
    routing::{get, post},
};
use sealpost_protocol::{Clock, SigningKey, SystemClock, Transport};
use tokio::sync::Semaphore;

use crate::{
    AgentDirectory, Authenticator, IdempotencySecret, Limits, ProblemType, body,
    controllers::{certificate, secret_value},
    middleware::track,
    problem::Problem,
    report::Report,
    request_id::RequestId,
};

/// What a gateway works with. [`router`](Self::router) makes a service of it.
#[derive(Debug)]
pub struct Gateway {
    pub(crate) authenticator: Arc<dyn Authenticator>,
    pub(crate) directory: Arc<dyn AgentDirectory>,
    pub(crate) transport: Arc<dyn Transport>,
    pub(crate) signing_key: SigningKey,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) limits: Limits,
    pub(crate) idempotency_secret: IdempotencySecret,
    /// One place for each sealing at a time; more would only compete for the same processors.
    pub(crate) sealings: Semaphore,
}

impl Gateway {
    /// A gateway that lets in whom `authenticator` knows, seals to the agents of `directory`, and sends through
    /// `transport` what it has signed with `signing_key`.
    #[must_use]
    pub fn new(
        authenticator: Arc<dyn Authenticator>,
        directory: Arc<dyn AgentDirectory>,
        transport: Arc<dyn Transport>,
        signing_key: SigningKey,
    ) -> Self {
        Self {
            authenticator,
            directory,
            transport,
            signing_key,
            clock: Arc::new(SystemClock),
            limits: Limits::default(),
            idempotency_secret: IdempotencySecret::random(),
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
        self
    }

    /// With a secret that other gateways have, too, so that they know each other's retries; unless this is called, it
    /// is random, and a retry is known until this process ends.
    #[must_use]
    pub fn with_idempotency_secret(mut self, secret: IdempotencySecret) -> Self {
        self.idempotency_secret = secret;
        self
    }

    /// The HTTP service.
    ///
    /// Every answer has a body of its own making and a request id; errors are `application/problem+json`.
    pub fn router(self) -> Router {
        Router::new()
            .route(
                "/v1/secrets/{agentId}/secret-value",
                post(secret_value::encrypt_and_store_secret),
            )
            .route(
                "/v1/agents/{agentId}/certificate",
                get(certificate::get_certificate),
            )
            .fallback(not_found)
            .method_not_allowed_fallback(method_not_allowed)
            .with_state(Arc::new(self))
            .layer(middleware::from_fn(track))
    }
}

async fn not_found(Extension(id): Extension<RequestId>, request: Request) -> Response {
    discard(request);
    let detail = "The operations are POST /v1/secrets/{agentId}/secret-value and GET \
                  /v1/agents/{agentId}/certificate.";
    Report::default().answer(Err(Problem::new(ProblemType::NotFound, detail)), &id)
}

/// The router adds `Allow`.
async fn method_not_allowed(Extension(id): Extension<RequestId>, request: Request) -> Response {
    discard(request);
    let detail = "The header Allow names the methods that the route has.";
    Report::default().answer(
        Err(Problem::new(ProblemType::MethodNotAllowed, detail)),
        &id,
    )
}

fn discard(request: Request) {
    let (parts, body) = request.into_parts();
    body::linger(&parts.headers, body);
}
