//! What is the same for every request.

use std::{
    future::poll_fn,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::pin,
    sync::Arc,
    task::Poll,
    time::Duration,
};

use axum::{
    extract::{Request, State},
    http::{HeaderValue, header},
    middleware::Next,
    response::Response,
};
use tokio::time::{Instant, timeout_at};
use tracing::{Instrument as _, error, info_span};

use crate::{Gateway, ProblemType, problem::Problem, report::Report, request_id::RequestId};

/// Gives the request its id, carries it out, and says what became of it to log, metrics and audit trail.
///
/// A request runs in a task of its own: a caller who hangs up does not stop it half-way, and a panic is
/// answered like any other failure.
pub(crate) async fn track(
    State(gateway): State<Arc<Gateway>>,
    request: Request,
    next: Next,
) -> Response {
    let id = RequestId::of(request.headers());
    let span = info_span!("request", request_id = %id);
    let run = run(gateway, id.clone(), request, next);
    let answer = tokio::spawn(run.instrument(span.clone())).await;
    let response = answer.unwrap_or_else(|_| {
        span.in_scope(|| error!("request not reported on"));
        Problem::internal().into_response(&id)
    });
    with_headers(response, &id)
}

async fn run(gateway: Arc<Gateway>, id: RequestId, mut request: Request, next: Next) -> Response {
    let started = Instant::now();
    let _in_flight = gateway.metrics.request();
    let report = Report::default();
    request.extensions_mut().insert(id.clone());
    request.extensions_mut().insert(report.clone());
    let response = if gateway.trail.mend(gateway.clock.now()) {
        // Handlers keep the deadline themselves, and know better what to say.
        let deadline = started + gateway.limits.deadline + GRACE;
        match timeout_at(deadline, catch(next.run(request))).await {
            Ok(Ok(response)) => response,
            Ok(Err(Panicked)) => {
                error!(panicked = true, "request not carried out");
                report.answer(Err(Problem::internal()), &id)
            }
            Err(_) => {
                error!("request not carried out in time");
                report.answer(Err(too_late()), &id)
            }
        }
    } else {
        error!("request refused: the audit trail can't be written");
        report.answer(Err(Problem::internal()), &id)
    };
    report.close(&gateway, &id, response.status().as_u16(), started.elapsed());
    response
}

struct Panicked;

/// Runs a future up to its end or its panic, after which it is never run again.
async fn catch<T>(future: impl Future<Output = T>) -> Result<T, Panicked> {
    let mut future = pin!(future);
    poll_fn(
        |cx| match catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(cx))) {
            Ok(Poll::Pending) => Poll::Pending,
            Ok(Poll::Ready(value)) => Poll::Ready(Ok(value)),
            Err(_) => Poll::Ready(Err(Panicked)),
        },
    )
    .await
}

fn too_late() -> Problem {
    Problem::new(
        ProblemType::AgentTimeout,
        "The request was not carried out in time. The secret may be stored or not: send the request again, and a \
         409 may mean that the first attempt succeeded.",
    )
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

/// For answers that handlers give at the deadline.
const GRACE: Duration = Duration::from_secs(1);
