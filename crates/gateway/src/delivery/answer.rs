//! From the agent's reply to the answer to the caller.

use sealpost_carrier::CarrierError;
use sealpost_protocol::Outcome;
use sealpost_rest::ProblemType;
use tracing::warn;

use crate::{problem::Problem, rejection::Rejection};

/// What the agent reports of a stored secret.
#[derive(Debug)]
pub(crate) struct Stored {
    pub(crate) resolver_ref: String,
    pub(crate) vault_secret_name: String,
}

/// Returns what was stored, or the answer for every other outcome.
///
/// A caller did not cause it if a value that was sealed here can't be opened: then the answer is 500.
pub(super) fn stored(outcome: Outcome, is_sealed_here: bool) -> Result<Stored, Problem> {
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
            Rejection::new(ProblemType::InvalidRequest, violations).into()
        }
        Outcome::Exists => Problem::new(
            ProblemType::SecretExists,
            "What is stored under this name was left as it is. Choose another name, or delete that \
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
        Outcome::Unreadable { reason } if is_sealed_here => Problem::unsettled(reason),
        Outcome::Unreadable { reason } => {
            Rejection::one(ProblemType::SealedUnreadable, format!("#: {reason}")).into()
        }
        Outcome::DoesNotOpen if is_sealed_here => {
            Problem::unsettled("the envelope did not open at the agent")
        }
        Outcome::DoesNotOpen => Rejection::one(
            ProblemType::SealedDoesNotOpen,
            "#: the value does not open: it was sealed for another context, or it was changed; seal it again to the \
             agent's current certificate",
        )
        .into(),
        Outcome::NotAccepted { accepted } => {
            Rejection::one(ProblemType::FormatNotAccepted, not_accepted(&accepted)).into()
        }
        Outcome::ContextMismatch { violations } if is_sealed_here => {
            Problem::unsettled(violations.join("; "))
        }
        Outcome::ContextMismatch { violations } => {
            Rejection::new(ProblemType::ContextMismatch, violations).into()
        }
        Outcome::KeyReused => Rejection::one(
            ProblemType::IdempotencyKeyReused,
            "Idempotency-Key: was used within 24 hours for another request; give a new one for each request, and the \
             same only to repeat it unchanged",
        )
        .into(),
        Outcome::Busy => {
            warn!("the agent can take no more for now");
            Problem::new(
                ProblemType::AgentBusy,
                "The agent can take no more requests for now, and nothing was stored. Send the request again later; \
                 the agent's log says why.",
            )
        }
        Outcome::Failed => Problem::unsettled("the agent failed; its log says why"),
    })
}

/// The agent chose these names: known ones are translated, and unknown ones are not repeated.
fn not_accepted(accepted: &[String]) -> String {
    let types: Vec<_> = accepted
        .iter()
        .filter_map(|name| match name.as_str() {
            "native" => Some("application/json"),
            "jwe" => Some("application/jose"),
            "cms" => Some("application/pkcs7-mime"),
            _ => None,
        })
        .collect();
    format!(
        "Content-Type: this agent does not take the format; send one of {}, or ask its operator",
        types.join(", ")
    )
}

/// Returns the answer to a request that the carrier has no reply for.
pub(super) fn no_answer(error: &CarrierError) -> Problem {
    warn!(%error, "no answer from the agent");
    match error {
        CarrierError::Offline => Problem::new(
            ProblemType::AgentOffline,
            "The agent is not connected, and nothing was stored. Send the request again when it is.",
        ),
        CarrierError::DeadlineExceeded | CarrierError::NoAnswer => timeout(
            "The agent did not answer in time. The secret may be stored or not: send the request again. With the same \
             Idempotency-Key it happens once; without one, a 409 may mean that the first attempt succeeded.",
        ),
        CarrierError::NotSent(_) => Problem::internal(),
        CarrierError::Failed(cause) => Problem::unsettled(cause),
    }
}

fn timeout(detail: &'static str) -> Problem {
    Problem::new(ProblemType::AgentTimeout, detail)
}
