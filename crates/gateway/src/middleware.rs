//! What every request goes through: its id, its deadline, and its record.

use std::{panic::AssertUnwindSafe, sync::Arc, time::Duration};

use axum::{
    extract::{Request, State},
    http::{HeaderValue, header},
    middleware::Next,
    response::Response,
};
use futures_util::FutureExt as _;
use sealpost_protocol::Clock;
use sealpost_rest::ProblemType;
use tokio::time::{Instant, timeout_at};
use tracing::{Instrument as _, error, info_span};

use crate::{
    audit::Trail, metrics::Metrics, problem::Problem, request_id::RequestId,
    request_record::RequestRecord,
};

/// Carries requests out, and writes what became of them to log, metrics and audit trail.
#[derive(Debug)]
pub(crate) struct Tracking {
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) trail: Arc<Trail>,
    /// The time for a whole request.
    pub(crate) deadline: Duration,
}

/// Gives the request its id, carries it out, and records what became of it.
///
/// A request runs in a task of its own: a caller who disconnects does not stop it half-way, and a panic is answered like
/// any other failure.
pub(crate) async fn track(
    State(tracking): State<Arc<Tracking>>,
    request: Request,
    next: Next,
) -> Response {
    let id = RequestId::from(request.headers());
    let span = info_span!("request", request_id = %id);
    let run = tracking.run(id.clone(), request, next);
    let answer = tokio::spawn(run.instrument(span.clone())).await;
    let response = answer.unwrap_or_else(|_| {
        span.in_scope(|| error!("request not recorded"));
        Problem::internal().into_response(&id)
    });
    with_headers(response, &id)
}

impl Tracking {
    async fn run(self: Arc<Self>, id: RequestId, mut request: Request, next: Next) -> Response {
        let started = Instant::now();
        let _in_flight = self.metrics.request();
        let record = RequestRecord::default();
        request.extensions_mut().insert(id.clone());
        request.extensions_mut().insert(record.clone());
        let response = if self.trail.recover(self.clock.now()) {
            // Handlers keep the deadline themselves, and know a better answer.
            let deadline = started + self.deadline + GRACE;
            // Caught here, not by joining the task: the task outlives the caller, and must record a panic too.
            let carried_out = AssertUnwindSafe(next.run(request)).catch_unwind();
            match timeout_at(deadline, carried_out).await {
                Ok(Ok(response)) => response,
                Ok(Err(_)) => {
                    error!(panicked = true, "request not carried out");
                    self.metrics.request_panicked();
                    record.answer(Err(Problem::unsettled("it panicked")), &id)
                }
                Err(_) => {
                    error!("request not carried out in time");
                    record.answer(Err(too_late()), &id)
                }
            }
        } else {
            error!("request refused: the audit trail can't be written");
            record.answer(Err(Problem::internal()), &id)
        };
        self.close(&record, &id, response.status().as_u16(), started.elapsed());
        response
    }

    /// Writes one line to the log and one to the audit trail, and counts.
    fn close(&self, record: &RequestRecord, id: &RequestId, status: u16, duration: Duration) {
        let outcome = record.log(status, duration);
        self.metrics.answered(status, outcome, duration);
        if !self.trail.is_kept() {
            return;
        }
        record.audit(id, self.clock.now(), status, duration, |event| {
            if !self.trail.record(event) {
                self.metrics.audit_failed();
            }
        });
    }
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

/// Leaves time for the answers that handlers give at the deadline.
const GRACE: Duration = Duration::from_secs(1);
