//! What the log says of a request.

use std::time::Duration;

use axum::response::Response;
use sealpost_protocol::{AgentId, ProjectId};
use tracing::info;

use crate::{problem::Problem, request_id::RequestId};

/// What became known of a request while it was handled: enough to find it again, and nothing of its content.
///
/// # Security
///
/// Never here, and so never in the log: a value or its members' names, a body, a token, a secret's name, or a
/// text of the caller's that was not checked.
#[derive(Clone, Debug, Default)]
pub(crate) struct Report {
    pub(crate) agent: Option<AgentId>,
    pub(crate) project: Option<ProjectId>,
    outcome: &'static str,
    violations: usize,
}

impl Report {
    /// The response to a result. The report travels in its extensions, to be logged when all is done.
    pub(crate) fn answer(self, result: Result<Response, Problem>, id: &RequestId) -> Response {
        self.answer_as("stored", result, id)
    }

    /// The same, with another name for success.
    pub(crate) fn answer_as(
        mut self,
        success: &'static str,
        result: Result<Response, Problem>,
        id: &RequestId,
    ) -> Response {
        let mut response = match result {
            Ok(response) => {
                self.outcome = success;
                response
            }
            Err(problem) => {
                self.outcome = problem.kind().name();
                self.violations = problem.violations();
                problem.into_response(id)
            }
        };
        response.extensions_mut().insert(self);
        response
    }

    /// One line a request; the request id is in the span.
    pub(crate) fn log(&self, status: u16, duration: Duration) {
        info!(
            agent = self.agent.as_ref().map(tracing::field::display),
            project = self.project.map(tracing::field::display),
            outcome = self.outcome,
            status,
            violations = self.violations,
            duration_ms = duration.as_secs_f64() * 1000.0,
            "request answered"
        );
    }
}
