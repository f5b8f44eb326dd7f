//! From a checked request to the agent's answer: seal, sign, send, believe.

use std::sync::Arc;

use sealpost_envelope::{AwsLcRng, CertificateError, SealError, seal, text};
use sealpost_protocol::{
    Context, MessageId, Outcome, ProjectId, StoreReply, StoreRequest, TransportError,
};
use tokio::{task::spawn_blocking, time::Instant};
use tracing::{error, warn};

use crate::{
    AgentEntry, Gateway, ProblemType, problem::Problem, request_id::RequestId,
    submission::Submission,
};

/// What the agent says of a stored secret.
pub(crate) struct Stored {
    pub(crate) resolver_ref: String,
    pub(crate) vault_secret_name: String,
}

/// Has the agent store what was submitted.
pub(crate) async fn deliver(
    gateway: &Gateway,
    id: &RequestId,
    entry: Arc<AgentEntry>,
    submission: Submission,
    project: Option<ProjectId>,
    deadline: Instant,
) -> Result<Stored, Problem> {
    let (context, envelope) = seal_to(gateway, &entry, submission, project).await?;
    let request = StoreRequest {
        id: MessageId::random(),
        request_id: id.as_str().to_owned(),
        context,
        envelope,
    };
    let now = gateway.clock.now();
    let lifetime = deadline.saturating_duration_since(Instant::now()).as_secs() + 1;
    let message = request
        .sign(&gateway.signing_key, now, lifetime)
        .map_err(internal)?;
    let answer = gateway
        .transport
        .request(entry.id(), message, deadline)
        .await
        .map_err(|error| no_answer(&error))?;
    let outcome = StoreReply::verify(
        &answer,
        (entry.id(), entry.verify_keys()),
        &gateway.signing_key.gateway_name(),
        request.id,
        gateway.clock.now(),
        LEEWAY,
    )
    .map_err(internal)?;
    interpret(outcome)
}

/// Seals on a thread for blocking work, where the submission is wiped as well.
async fn seal_to(
    gateway: &Gateway,
    entry: &Arc<AgentEntry>,
    submission: Submission,
    project: Option<ProjectId>,
) -> Result<(Context, String), Problem> {
    let now = gateway.clock.now();
    let entry = Arc::clone(entry);
    let place = gateway.sealings.acquire().await;
    let sealed = spawn_blocking(move || {
        let recipient = entry.recipient(now).map_err(SealFailure::Certificate)?;
        let context = submission.context(entry.id().clone(), project);
        let recipients = std::slice::from_ref(recipient);
        let envelope = seal(
            recipients,
            &context.sealing(),
            submission.value(),
            &mut AwsLcRng,
        )
        .map_err(SealFailure::Seal)?;
        Ok((context, text::encode(&envelope)))
    });
    let sealed = sealed.await;
    drop(place);
    match sealed {
        Ok(Ok(sealed)) => Ok(sealed),
        Ok(Err(SealFailure::Certificate(error))) => {
            warn!(%error, "agent certificate not valid");
            let violation = format!("agentId: {error}");
            Err(Problem::of_request(
                ProblemType::CertificateExpired,
                vec![violation],
            ))
        }
        Ok(Err(SealFailure::Seal(error))) => Err(internal(error)),
        Err(stopped) => Err(internal(stopped)),
    }
}

enum SealFailure {
    Certificate(CertificateError),
    Seal(SealError),
}

fn interpret(outcome: Outcome) -> Result<Stored, Problem> {
    Err(match outcome {
        Outcome::Stored {
            resolver_ref,
            vault_secret_name,
        } => {
            return Ok(Stored {
                resolver_ref,
                vault_secret_name,
            });
        }
        Outcome::Refused { violations } => {
            Problem::of_request(ProblemType::InvalidRequest, violations)
        }
        Outcome::Exists => Problem::new(
            ProblemType::SecretExists,
            "A secret with this name exists already and was left as it is. Choose another name, or delete that \
             secret in the vault first.",
        ),
        Outcome::PendingDeletion => Problem::new(
            ProblemType::SecretPendingDeletion,
            "A secret with this name was deleted, and the vault still holds it for a while. Choose another name, \
             or purge or restore that secret in the vault.",
        ),
        Outcome::Expired => {
            warn!("the agent found the request expired");
            timeout(
                "The request reached the agent too late, and nothing was stored. Send it again.",
            )
        }
        // The value was sealed here: if it can't be opened, that is not the caller's doing.
        Outcome::Unreadable { reason } => internal(reason),
        Outcome::DoesNotOpen => internal("the envelope did not open at the agent"),
        Outcome::Failed => internal("the agent failed; its log says why"),
        _ => internal("the agent gave an outcome that this release does not know"),
    })
}

fn no_answer(error: &TransportError) -> Problem {
    warn!(%error, "no answer from the agent");
    match error {
        TransportError::Offline => Problem::new(
            ProblemType::AgentOffline,
            "The agent is not connected, and nothing was stored. Send the request again when it is.",
        ),
        TransportError::DeadlineExceeded | TransportError::NoAnswer => timeout(
            "The agent did not answer in time. The secret may be stored or not: send the request again, and a 409 \
             may mean that the first attempt succeeded.",
        ),
        _ => Problem::internal(),
    }
}

fn timeout(detail: &'static str) -> Problem {
    Problem::new(ProblemType::AgentTimeout, detail)
}

fn internal(cause: impl ToString) -> Problem {
    error!(cause = cause.to_string(), "request failed");
    Problem::internal()
}

/// Seconds by which the agent's clock may differ.
const LEEWAY: u64 = 60;
