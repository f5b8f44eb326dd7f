//! `POST /v1/secrets/{agentId}/secret-value`: seal a value, unless its caller has, and have its agent store it.

use std::sync::Arc;

use axum::{
    Extension, Json,
    body::Body,
    extract::{Request, State},
    http::{StatusCode, request::Parts},
    response::{IntoResponse as _, Response},
};
use sealpost_protocol::{AgentId, Owner};
use serde::Serialize;
use tokio::time::Instant;
use tracing::error;

use crate::{
    AgentEntry, Gateway, ProblemType,
    auth::admit,
    body::{self, BodyError},
    delivery::{self, Order, Stored},
    idempotency::Caller,
    parameters::Parameters,
    problem::Problem,
    report::Report,
    request_id::RequestId,
    submission::Submission,
};

/// `ResolverSecretReferenceResponse` of the endpoint's description.
#[derive(Serialize)]
struct Created {
    resolver_ref: String,
    #[serde(rename = "vaultSecretName")]
    vault_secret_name: String,
}

pub(crate) async fn encrypt_and_store_secret(
    State(gateway): State<Arc<Gateway>>,
    Extension(id): Extension<RequestId>,
    Extension(report): Extension<Report>,
    request: Request,
) -> Response {
    let result = store(&gateway, &id, request, &report).await;
    report.answer(result, &id)
}

/// The order is part of the interface. Nothing of the body is read before the token is found good, and nothing
/// is looked up before the body is found in order.
async fn store(
    gateway: &Arc<Gateway>,
    id: &RequestId,
    request: Request,
    report: &Report,
) -> Result<Response, Problem> {
    let deadline = Instant::now() + gateway.limits.deadline;
    let (mut parts, body) = request.into_parts();
    let parameters = Parameters::of(&mut parts).await;

    let principal = match admit(gateway, &parts, &parameters, report).await {
        Ok(principal) => principal,
        Err(problem) => {
            body::linger(&parts.headers, body);
            return Err(problem);
        }
    };

    let submission = read(gateway, &parts, body).await;
    let (owner, key, submission) = match (parameters, submission) {
        (
            Parameters {
                agent: Some(agent),
                project: Some(project),
                idempotency_key: Some(key),
                ..
            },
            Ok(submission),
        ) => (Owner { agent, project }, key, submission),
        (parameters, submission) => return Err(refused(parameters, submission.err())),
    };
    let mismatches = submission.mismatches(&owner);
    if !mismatches.is_empty() {
        return Err(Problem::of_request(
            ProblemType::ContextMismatch,
            mismatches,
        ));
    }

    if let Some(name) = submission.name() {
        report.name(name);
    }
    let entry = find(gateway, &owner.agent).await?;
    let _place = gateway.place(entry.id(), deadline).await?;
    if submission.is_sealed() {
        // Others that came with this one may have failed while it waited.
        gateway
            .rates
            .check_debt(&principal)
            .map_err(Problem::rate_limited)?;
    }
    let order = Order {
        submission,
        owner,
        caller: key.map(|key| Caller::new(&principal, key)),
    };
    let stored = delivery::deliver(gateway, id, entry, order, deadline).await;
    let stored = stored.inspect_err(|problem| {
        // Whoever makes the agent use its key for nothing gets fewer requests.
        if problem.kind() == ProblemType::SealedDoesNotOpen {
            gateway.charge(&principal, FAILED_OPEN);
        }
    })?;
    report.stored();
    let Stored {
        resolver_ref,
        vault_secret_name,
    } = stored;
    Ok((
        StatusCode::CREATED,
        Json(Created {
            resolver_ref,
            vault_secret_name,
        }),
    )
        .into_response())
}

async fn read(
    gateway: &Gateway,
    parts: &Parts,
    body: Body,
) -> Result<Submission, (ProblemType, Vec<String>)> {
    let one = |BodyError(kind, violation)| (kind, vec![violation]);
    let media_type = match body::media_type(&parts.headers) {
        Ok(media_type) => media_type,
        Err(error) => {
            body::linger(&parts.headers, body);
            return Err(one(error));
        }
    };
    let body = body::read(&parts.headers, body, gateway.limits.body_timeout)
        .await
        .map_err(one)?;
    Submission::check(media_type, body, gateway.clock.now())
}

/// What is wrong with the parameters and with the body, together, in that order.
pub(super) fn refused(parameters: Parameters, body: Option<(ProblemType, Vec<String>)>) -> Problem {
    let mut violations = parameters.violations;
    let (kind, of_body) = body.unwrap_or((ProblemType::InvalidParameter, Vec::new()));
    violations.extend(of_body);
    Problem::of_request(kind, violations)
}

pub(super) async fn find(gateway: &Gateway, agent: &AgentId) -> Result<Arc<AgentEntry>, Problem> {
    match gateway.directory.find(agent).await {
        Ok(Some(entry)) => Ok(entry),
        Ok(None) => Err(Problem::of_request(
            ProblemType::UnknownAgent,
            vec!["agentId: there is no such agent here; compare it with the id that its operator gave you".into()],
        )),
        Err(error) => {
            error!(%error, "agent not looked up");
            Err(Problem::internal())
        }
    }
}

/// What a sealed value that does not open costs its caller, in requests.
const FAILED_OPEN: u32 = 100;
