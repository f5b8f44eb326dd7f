//! What is recorded of a request, for the log, the metrics and the audit trail.

use std::{fmt, sync::Arc, time::Duration};

use axum::response::Response;
use parking_lot::Mutex;
use sealpost_context::{AgentId, ProjectId};
use sealpost_envelope::UnixTime;
use tracing::info;

use crate::{
    audit::{AuditEvent, Recorded, Trail, What},
    auth::{Denied, Principal},
    problem::Problem,
    request_id::RequestId,
    time::rfc3339,
};

/// What became known of a request while it was handled: enough to find it again, and nothing of its content.
///
/// It is in the request's extensions, and shared, so that it survives a handler that panics.
///
/// # Security
///
/// It never holds a value or its members' names, a body, a token, or an unchecked text of the caller. The secret's name,
/// issuer and subject go to the audit trail alone.
#[derive(Clone, Default)]
pub(crate) struct RequestRecord(Arc<Mutex<Facts>>);

#[derive(Default)]
struct Facts {
    issuer: Option<String>,
    subject: Option<String>,
    agent: Option<AgentId>,
    project: Option<ProjectId>,
    name: Option<String>,
    denied: Option<Denied>,
    outcome: &'static str,
    violations: usize,
    stored: bool,
    /// What became of the line that says that an agent is about to be asked.
    intent: Option<Recorded>,
    /// The request is for the API, not for a document or a missing route.
    audited: bool,
}

impl RequestRecord {
    /// Records which agent and project the request is for, if they could be read.
    pub(crate) fn target(&self, agent: Option<&AgentId>, project: Option<ProjectId>) {
        let mut facts = self.0.lock();
        facts.audited = true;
        facts.agent = agent.cloned();
        facts.project = project;
    }

    /// Records who sends it.
    pub(crate) fn principal(&self, principal: &Principal) {
        let mut facts = self.0.lock();
        facts.issuer = Some(principal.issuer.clone());
        facts.subject.clone_from(&principal.subject);
    }

    /// Records why its token was refused.
    pub(crate) fn denied(&self, reason: Denied) {
        self.0.lock().denied = Some(reason);
    }

    /// Records the secret's name.
    pub(crate) fn name(&self, name: &str) {
        self.0.lock().name = Some(name.to_owned());
    }

    /// Records that a secret was stored.
    pub(crate) fn stored(&self) {
        self.0.lock().stored = true;
    }

    /// Records the outcome, and returns the response.
    pub(crate) fn answer(&self, result: Result<Response, Problem>, id: &RequestId) -> Response {
        let mut facts = self.0.lock();
        match result {
            Ok(response) => {
                facts.outcome = if facts.stored { "stored" } else { "served" };
                response
            }
            Err(problem) => {
                facts.outcome = problem.kind().name();
                facts.violations = problem.violations();
                problem.into_response(id)
            }
        }
    }

    /// Writes one line to the log, whose span has the request id, and returns the outcome.
    pub(crate) fn log(&self, status: u16, duration: Duration) -> &'static str {
        let facts = self.0.lock();
        info!(
            agent = facts.agent.as_ref().map(tracing::field::display),
            project = facts.project.map(tracing::field::display),
            outcome = facts.outcome,
            status,
            violations = facts.violations,
            duration_ms = milliseconds(duration),
            "request answered"
        );
        facts.outcome
    }

    /// Writes to the trail that an agent is about to be asked to store this secret, within `limit`.
    ///
    /// # Errors
    ///
    /// It is not written, and the agent must not be asked: the answer, 500.
    pub(crate) async fn intend(
        &self,
        trail: &Trail,
        id: &RequestId,
        now: UnixTime,
        limit: Duration,
    ) -> Result<(), Problem> {
        if !trail.is_kept() {
            return Ok(());
        }
        let line = AuditEvent::Intent {
            time: rfc3339(now),
            request_id: id.as_str(),
            what: self.0.lock().what(),
        }
        .to_line();
        let recorded = trail.intend(line, now, limit).await;
        self.0.lock().intent = Some(recorded);
        match recorded {
            Recorded::Written => Ok(()),
            Recorded::Failed | Recorded::Late => Err(Problem::unrecorded()),
        }
    }

    /// Returns what became of the line of [`intend`](Self::intend), if there was one.
    pub(crate) fn intent(&self) -> Option<Recorded> {
        self.0.lock().intent
    }

    /// Returns the line of the audit trail, if the request is one that the trail records.
    pub(crate) fn line(
        &self,
        id: &RequestId,
        now: UnixTime,
        status: u16,
        duration: Duration,
    ) -> Option<Vec<u8>> {
        let facts = self.0.lock();
        let event = || AuditEvent::Request {
            time: rfc3339(now),
            request_id: id.as_str(),
            what: facts.what(),
            outcome: facts.outcome,
            denied: facts.denied.map(Denied::name),
            status,
            duration_ms: milliseconds(duration),
        };
        facts.audited.then(|| event().to_line())
    }
}

impl Facts {
    fn what(&self) -> What<'_> {
        What {
            issuer: self.issuer.as_deref(),
            subject: self.subject.as_deref(),
            agent: self.agent.as_ref().map(AgentId::as_str),
            project: self.project.map(|project| project.to_string()),
            name: self.name.as_deref(),
        }
    }
}

impl fmt::Debug for RequestRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RequestRecord").finish_non_exhaustive()
    }
}

fn milliseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}
