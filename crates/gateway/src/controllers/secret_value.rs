//! `POST /v1/secrets/{agentId}/secret-value`: seals a value, unless the caller has, and has the agent store it.

use std::{sync::Arc, time::Duration};

use axum::{
    Extension, Json,
    body::Body,
    extract::{FromRequestParts as _, Request, State},
    http::{StatusCode, request::Parts},
    response::{IntoResponse as _, Response},
};
use sealpost_envelope::UnixTime;
use sealpost_protocol::context::Owner;
use sealpost_rest::ProblemType;
use serde::Serialize;
use tokio::time::Instant;

use crate::{
    body,
    delivery::{Order, Stored},
    idempotency::Caller,
    media_type::MediaType,
    parameters::Parameters,
    problem::Problem,
    rejection::Rejection,
    request_id::RequestId,
    request_record::RequestRecord,
    state::ApiState,
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

    let principal = match state.admission.admit(&parts, &parameters, record).await {
        Ok(principal) => principal,
        Err(problem) => {
            body::linger(&parts.headers, body);
            return Err(problem);
        }
    };

    let submission = read(&parts, body, state.body_timeout, state.clock.now()).await;
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
    let _permit = state.workload.acquire(entry.id(), deadline).await?;
    if submission.is_sealed() {
        // Requests that came with this one may have failed while it waited.
        state.admission.check_debt(&principal)?;
    }
    let order = Order {
        submission,
        owner,
        caller: key.map(|key| Caller::new(&principal, key)),
    };
    let limit = deadline.saturating_duration_since(Instant::now());
    let recorded = record.intend(&state.trail, id, state.clock.now(), limit);
    let delivery = state.delivery.deliver(id, entry, order, deadline, recorded);
    let stored = delivery.await;
    let stored = stored.inspect_err(|problem| {
        // Callers who make the agent use its key in vain get fewer requests.
        if problem.kind() == ProblemType::SealedDoesNotOpen {
            state.admission.charge(&principal, FAILED_OPEN);
        }
    })?;
    record.stored();
    Ok(stored)
}

/// Reads and checks the body.
async fn read(
    parts: &Parts,
    body: Body,
    timeout: Duration,
    now: UnixTime,
) -> Result<Submission, Rejection> {
    let media_type = match MediaType::try_from(&parts.headers) {
        Ok(media_type) => media_type,
        Err(rejection) => {
            body::linger(&parts.headers, body);
            return Err(rejection);
        }
    };
    let body = body::read(&parts.headers, body, timeout).await?;
    Submission::check(media_type, body, now)
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

/// The cost of a sealed value that does not open, in requests.
const FAILED_OPEN: u32 = 100;
