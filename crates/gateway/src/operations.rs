//! Metrics and health, for operators, on a listener of their own.

use std::sync::Arc;

use axum::{
    Json, Router,
    extract::State,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse as _, Response},
    routing::get,
};
use sealpost_protocol::Clock;
use sealpost_rest::ProblemType;
use serde::Serialize;

use crate::{
    audit::Trail, auth::Authenticator, component::Component, directory::AgentDirectory,
    metrics::Metrics, problem::Problem, request_id::RequestId,
};

/// The parts that report their state.
#[derive(Clone, Debug)]
pub(crate) struct Operations {
    pub(crate) authenticator: Arc<dyn Authenticator>,
    pub(crate) directory: Arc<dyn AgentDirectory>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) trail: Arc<Trail>,
    pub(crate) components: Vec<Arc<dyn Component>>,
}

/// Returns the routes `/metrics`, `/healthz` and `/readyz`.
pub(crate) fn router(operations: Operations) -> Router {
    Router::new()
        .route("/metrics", get(metrics))
        .route("/healthz", get(alive))
        .route("/readyz", get(ready))
        .fallback(not_found)
        .method_not_allowed_fallback(method_not_allowed)
        .with_state(operations)
}

async fn metrics(State(operations): State<Operations>) -> Response {
    let agents = operations.directory.known();
    operations.metrics.certificates(
        agents
            .iter()
            .map(|agent| (agent.id(), agent.certificate().not_after())),
    );
    for component in &operations.components {
        let ready = component.is_ready();
        operations.metrics.component(component.name(), ready);
    }
    match operations.metrics.encode() {
        Ok(text) => {
            let media_type = HeaderValue::from_static(OPEN_METRICS);
            ([(header::CONTENT_TYPE, media_type)], text).into_response()
        }
        Err(_) => Problem::internal().into_response(&RequestId::new()),
    }
}

#[derive(Serialize)]
struct Alive {
    alive: bool,
}

/// Liveness: responding is success.
async fn alive() -> Json<Alive> {
    Json(Alive { alive: true })
}

#[derive(Serialize)]
struct Ready {
    ready: bool,
    /// Why it is not ready.
    missing: Vec<String>,
}

async fn ready(State(operations): State<Operations>) -> Response {
    let mut missing = Vec::new();
    if !operations.authenticator.is_ready() {
        missing.push("issuer-keys".to_owned());
    }
    // A probe lets the trail recover even if no requests arrive.
    if !operations.trail.recover(operations.clock.now()) {
        missing.push("audit-trail".to_owned());
    }
    let components = operations.components.iter();
    let not_ready = components.filter(|component| !component.is_ready());
    missing.extend(not_ready.map(|component| component.name().to_owned()));
    if operations.metrics.is_draining() {
        missing.push("draining".to_owned());
    }
    let ready = missing.is_empty();
    let status = if ready {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    (status, Json(Ready { ready, missing })).into_response()
}

async fn not_found() -> Response {
    let detail = "There are /metrics, /healthz and /readyz.";
    Problem::new(ProblemType::NotFound, detail).into_response(&RequestId::new())
}

async fn method_not_allowed() -> Response {
    let detail = "The header Allow names the methods that the route has.";
    Problem::new(ProblemType::MethodNotAllowed, detail).into_response(&RequestId::new())
}

const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
