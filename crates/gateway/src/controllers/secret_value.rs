//! `POST /v1/secrets/{agentId}/secret-value`: seals a value, unless the caller has, and has the agent store it.

use std::sync::Arc;

use axum::{
    Extension, Json,
    body::Body,
    extract::{FromRequestParts as _, Request, State},
    http::{StatusCode, request::Parts},
    response::{IntoResponse as _, Response},
};
use sealpost_context::Owner;
use sealpost_rest::ProblemType;
use serde::Serialize;
use tokio::time::Instant;

use crate::{
    body,
    delivery::{Order, Sending, Stored},
    media_type::MediaType,
    parameters::Parameters,
    principal_id::PrincipalId,
    problem::Problem,
    rejection::Rejection,
    request_id::RequestId,
    request_record::RequestRecord,
    state::ApiState,
    submission::Submission,
    turns::Permits,
};

/// `ResolverSecretReferenceResponse` of the endpoint's description.
#[derive(Serialize)]
struct Created {
    resolver_ref: String,
    #[serde(rename = "vaultSecretName")]
    vault_secret_name: String,
}

pub(crate) async fn encrypt_and_store_secret(
    State(state): State<Arc<ApiState>>,
    Extension(id): Extension<RequestId>,
    Extension(record): Extension<RequestRecord>,
    request: Request,
) -> Response {
    let result = store(&state, &id, request, &record).await;
    record.answer(result.map(created), &id)
}

/// The order of these steps is part of the interface. The body is not read until the token has been verified, and nothing
/// is looked up until the body has been checked.
async fn store(
    state: &ApiState,
    id: &RequestId,
    request: Request,
    record: &RequestRecord,
) -> Result<Stored, Problem> {
    let deadline = Instant::now() + state.deadline;
    let (mut parts, body) = request.into_parts();
    let Ok(parameters) = Parameters::from_request_parts(&mut parts, &()).await;

    let caller = match state.admission.admit(&parts, &parameters, record).await {
        Ok(admitted) => admitted,
        Err(problem) => {
            body::linger(&parts.headers, body);
            return Err(problem);
        }
    };

    let (submission, _memory) = read(state, &parts, body, caller.id, deadline).await?;
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
        (parameters, submission) => return Err(parameters.reject(submission.err()).into()),
    };
    let mismatches = submission.mismatches(&owner);
    if !mismatches.is_empty() {
        return Err(Rejection::new(ProblemType::ContextMismatch, mismatches).into());
    }

    if let Some(name) = submission.name() {
        record.name(name);
    }
    let entry = state.agents.find(&owner.agent).await?;
    if let Some(vault) = entry.vault() {
        vault.check(&submission, &owner)?;
    }
    // Callers who make the agent use its key in vain get fewer requests.
    let reserved = match submission.is_sealed() {
        true => Some(
            state
                .admission
                .reserve_failed_open(caller.id, deadline)
                .await?,
        ),
        false => None,
    };
    let _permit = state
        .workload
        .acquire(caller.id, entry.id(), deadline)
        .await?;
    let order = Order {
        submission,
        owner,
        caller: caller.principal,
        key,
    };
    let limit = deadline.saturating_duration_since(Instant::now());
    let recorded = record.intend(&state.trail, id, state.clock.now(), limit);
    let sending = Sending {
        id,
        entry,
        agents: &state.agents,
        deadline,
    };
    let delivery = state.delivery.deliver(sending, order, recorded);
    let stored = delivery.await;
    if let (Some(reserved), Err(problem)) = (reserved, &stored)
        && problem.kind() == ProblemType::SealedDoesNotOpen
    {
        reserved.charge();
    }
    let stored = stored?;
    record.stored();
    Ok(stored)
}

/// Reads and checks the body. Returns the result, and the memory that it takes for as long as there is anything of it.
///
/// # Errors
///
/// The answer, if there is no room for the body before the deadline.
async fn read(
    state: &ApiState,
    parts: &Parts,
    body: Body,
    caller: PrincipalId,
    deadline: Instant,
) -> Result<(Result<Submission, Rejection>, Option<Permits>), Problem> {
    let headers = &parts.headers;
    let media_type = MediaType::try_from(headers);
    let expected = media_type.and_then(|t| Ok((t, body::capacity(headers, &body)?)));
    let (media_type, capacity) = match expected {
        Ok(expected) => expected,
        Err(rejection) => {
            body::linger(headers, body);
            return Ok((Err(rejection), None));
        }
    };
    let Some(memory) = state.body_memory.take(caller, capacity, deadline).await else {
        body::linger(headers, body);
        return Err(Problem::overloaded());
    };
    let body = body::read(headers, body, capacity, state.body_timeout).await;
    let submission = body.and_then(|body| Submission::check(media_type, body, state.clock.now()));
    Ok((submission, Some(memory)))
}

fn created(stored: Stored) -> Response {
    let Stored {
        resolver_ref,
        vault_secret_name,
    } = stored;
    let body = Created {
        resolver_ref,
        vault_secret_name,
    };
    (StatusCode::CREATED, Json(body)).into_response()
}
