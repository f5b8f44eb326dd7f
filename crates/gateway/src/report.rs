//! What is remembered of a request, for the log, the metrics and the audit trail.

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use axum::response::Response;
use sealpost_protocol::{AgentId, ProjectId};
use tracing::info;

use crate::{
    Denied, Gateway, Principal,
    audit::{AuditEvent, rfc3339},
    problem::Problem,
    request_id::RequestId,
};

/// What became known of a request while it was handled: enough to find it again, and nothing of its content.
///
/// It travels in the request's extensions and is shared, so that what is known survives a handler that panics.
///
/// # Security
///
/// Never here: a value or its members' names, a body, a token, or a text of the caller's that was not checked. The
/// secret's name is for the audit trail alone, and so are issuer and subject.
#[derive(Clone, Default)]
pub(crate) struct Report(Arc<Mutex<Facts>>);

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
    /// It is a request to the API, not one that leads nowhere or to a document.
    audited: bool,
}

impl Report {
    /// Which agent and project the request is for, as far as they could be read.
    pub(crate) fn target(&self, agent: Option<&AgentId>, project: Option<ProjectId>) {
        let mut facts = self.facts();
        facts.audited = true;
        facts.agent = agent.cloned();
        facts.project = project;
    }

    /// Whom it comes from.
    pub(crate) fn principal(&self, principal: &Principal) {
        let mut facts = self.facts();
        facts.issuer = Some(principal.issuer.clone());
        facts.subject.clone_from(&principal.subject);
    }

    /// Why its token was refused.
    pub(crate) fn denied(&self, reason: Denied) {
        self.facts().denied = Some(reason);
    }

    /// The secret that it is about.
    pub(crate) fn name(&self, name: &str) {
        self.facts().name = Some(name.to_owned());
    }

    /// That a secret was stored.
    pub(crate) fn stored(&self) {
        self.facts().stored = true;
    }

    /// The response to a result.
    pub(crate) fn answer(&self, result: Result<Response, Problem>, id: &RequestId) -> Response {
        let mut facts = self.facts();
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

    /// One line in the log, where the request id is in the span; one in the audit trail; and the counters.
    pub(crate) fn close(&self, gateway: &Gateway, id: &RequestId, status: u16, duration: Duration) {
        let facts = self.facts();
        let duration_ms = duration.as_secs_f64() * 1000.0;
        info!(
            agent = facts.agent.as_ref().map(tracing::field::display),
            project = facts.project.map(tracing::field::display),
            outcome = facts.outcome,
            status,
            violations = facts.violations,
            duration_ms,
            "request answered"
        );
        gateway.metrics.answered(status, facts.outcome, duration);
        if !facts.audited || !gateway.trail.is_kept() {
            return;
        }
        let written = gateway.trail.record(&AuditEvent::Request {
            time: rfc3339(gateway.clock.now()),
            request_id: id.as_str(),
            issuer: facts.issuer.as_deref(),
            subject: facts.subject.as_deref(),
            agent: facts.agent.as_ref().map(AgentId::as_str),
            project: facts.project.map(|project| project.to_string()),
            name: facts.name.as_deref(),
            outcome: facts.outcome,
            denied: facts.denied.map(Denied::name),
            status,
            duration_ms,
        });
        if !written {
            gateway.metrics.audit_failed();
        }
    }

    fn facts(&self) -> MutexGuard<'_, Facts> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Report").finish_non_exhaustive()
    }
}
