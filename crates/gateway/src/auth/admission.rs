//! Letting a request in.

use axum::http::request::Parts;
use tracing::info;

use super::{Denied, Principal, bearer::bearer_token};
use crate::{Gateway, parameters::Parameters, problem::Problem, report::Report};

/// Whom the request comes from, if they may write to its agent and project and have not sent too many.
///
/// # Errors
///
/// The answer: 403 whatever the token lacks, and 504 when there were too many.
pub(crate) async fn admit(
    gateway: &Gateway,
    parts: &Parts,
    parameters: &Parameters,
    report: &Report,
) -> Result<Principal, Problem> {
    report.target(parameters.agent.as_ref(), parameters.project.flatten());
    let principal = match authorise(gateway, parts, parameters, report).await {
        Ok(principal) => principal,
        Err(reason) => {
            info!(%reason, "token refused");
            gateway.metrics.denied(reason);
            report.denied(reason);
            return Err(Problem::forbidden());
        }
    };
    gateway
        .rates
        .take(&principal)
        .map_err(Problem::rate_limited)?;
    Ok(principal)
}

async fn authorise(
    gateway: &Gateway,
    parts: &Parts,
    parameters: &Parameters,
    report: &Report,
) -> Result<Principal, Denied> {
    let token = bearer_token(&parts.headers)?;
    let principal = gateway
        .authenticator
        .authenticate(token, gateway.clock.now())
        .await?;
    report.principal(&principal);
    principal.authorise_write(parameters.agent.as_ref(), parameters.project)?;
    Ok(principal)
}
