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
    audit::{Recorded, Trail},
    metrics::Metrics,
    problem::Problem,
    request_id::RequestId,
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
        // Handlers keep the deadline themselves, and know a better answer.
        let deadline = started + self.deadline + GRACE;
        // Caught here, not by joining the task: the task outlives the caller, and must record a panic too.
        let carried_out = AssertUnwindSafe(next.run(request)).catch_unwind();
        let mut response = match timeout_at(deadline, carried_out).await {
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
        };
        let status = response.status().as_u16();
        let is_recorded = self.audit(&record, &id, status, started.elapsed()).await;
        // Where an agent was to be asked, the answer says already what became of that.
        if !is_recorded && record.intent().is_none() {
            response = record.answer(Err(Problem::unrecorded()), &id);
        }
        let (status, duration) = (response.status().as_u16(), started.elapsed());
        let outcome = record.log(status, duration);
        self.metrics.answered(status, outcome, duration);
        response
    }

    /// Writes the line of the audit trail, if the request has one. Returns `false` if it is missing.
    async fn audit(
        self: &Arc<Self>,
        record: &RequestRecord,
        id: &RequestId,
        status: u16,
        duration: Duration,
    ) -> bool {
        if !self.trail.is_kept() {
            return true;
        }
        let now = self.clock.now();
        let Some(line) = record.line(id, now, status, duration) else {
            return true;
        };
        let intent = record.intent();
        if matches!(intent, Some(Recorded::Failed | Recorded::Late)) {
            self.metrics.audit_failed();
        }
        if intent == Some(Recorded::Late) {
            // The caller has waited long enough.
            let tracking = Arc::clone(self);
            tokio::spawn(async move { tracking.trail.record(line, now).await });
            return false;
        }
        let is_recorded = self.trail.record(line, now).await == Recorded::Written;
        if !is_recorded {
            self.metrics.audit_failed();
        }
        is_recorded
    }
}

fn too_late() -> Problem {
    Problem::new(
        ProblemType::AgentTimeout,
        "The request was not carried out in time. The secret may be stored or not: send the request again, and a \
         409 may mean that the first attempt succeeded.",
    )
}

/// Adds the headers that every answer has.
pub(crate) fn with_headers(mut response: Response, id: &RequestId) -> Response {
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
