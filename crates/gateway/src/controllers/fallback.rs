//! Requests that no route takes.

use std::sync::Arc;

use axum::{
    Extension,
    extract::{Request, State},
    response::Response,
};
use sealpost_rest::ProblemType;

use crate::{
    body, problem::Problem, request_id::RequestId, request_record::RequestRecord, state::ApiState,
};

pub(crate) async fn not_found(
    State(state): State<Arc<ApiState>>,
    Extension(id): Extension<RequestId>,
    Extension(record): Extension<RequestRecord>,
    request: Request,
) -> Response {
    discard(request);
    let detail = format!("{}/openapi.yaml lists the routes.", state.base_path);
    record.answer(Err(Problem::new(ProblemType::NotFound, detail)), &id)
}

/// The router adds `Allow`.
pub(crate) async fn method_not_allowed(
    Extension(id): Extension<RequestId>,
    Extension(record): Extension<RequestRecord>,
    request: Request,
) -> Response {
    discard(request);
    let detail = "The header Allow names the methods that the route has.";
    let problem = Problem::new(ProblemType::MethodNotAllowed, detail);
    record.answer(Err(problem), &id)
}

fn discard(request: Request) {
    let (parts, body) = request.into_parts();
    body::linger(&parts.headers, body);
}
