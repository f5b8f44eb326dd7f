//! What is the same for every request.

use axum::{
    extract::Request,
    http::{HeaderValue, header},
    middleware::Next,
    response::Response,
};
use tokio::time::Instant;
use tracing::{Instrument as _, error, info_span};

use crate::{problem::Problem, report::Report, request_id::RequestId};

/// Gives the request its id, carries it out, and logs what became of it.
///
/// A request runs in a task of its own: a caller who hangs up does not stop it half-way, and a panic is
/// answered like any other failure.
pub(crate) async fn track(mut request: Request, next: Next) -> Response {
    let id = RequestId::of(request.headers());
    request.extensions_mut().insert(id.clone());
    let span = info_span!("request", request_id = %id);
    let run = run(id.clone(), request, next);
    match tokio::spawn(run.instrument(span.clone())).await {
        Ok(response) => response,
        Err(stopped) => {
            span.in_scope(|| error!(panicked = stopped.is_panic(), "request not carried out"));
            with_headers(Report::default().answer(Err(Problem::internal()), &id), &id)
        }
    }
}

async fn run(id: RequestId, request: Request, next: Next) -> Response {
    let started = Instant::now();
    let mut response = next.run(request).await;
    let report: Report = response.extensions_mut().remove().unwrap_or_default();
    report.log(response.status().as_u16(), started.elapsed());
    with_headers(response, &id)
}

fn with_headers(mut response: Response, id: &RequestId) -> Response {
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    );
    if let Some(id) = id.header_value() {
        headers.insert(RequestId::HEADER, id);
    }
    response
}
