//! From the agent's reply to the answer to the caller.

use sealpost_carrier::CarrierError;
use sealpost_channel::{Kind, Outcome, RefusalCode, gateway::Answer};
use sealpost_rest::ProblemType;
use tracing::warn;

use crate::{problem::Problem, rejection::Rejection};

/// What the agent reports of a stored secret.
#[derive(Debug)]
pub(crate) struct Stored {
    pub(crate) resolver_ref: String,
    pub(crate) vault_secret_name: String,
}

/// Returns what was stored, or the answer for everything else.
///
/// Only what the vault has said holds for all processes of an agent: a carrier that delivered twice may have picked the
/// answer. A caller did not cause it if a value that was sealed here can't be read: then the answer is 500.
pub(super) fn stored(answer: Answer, is_sealed_here: bool) -> Result<Stored, Problem> {
    let outcome = match answer {
        Answer::Outcome(outcome) => outcome,
        Answer::Refused(code) => return Err(refused(code)),
    };
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
        Outcome::Refused(violations) => {
            stored_nothing(Rejection::new(ProblemType::InvalidRequest, violations))
        }
        Outcome::Unreadable(reason) if is_sealed_here => Problem::unsettled(reason),
        Outcome::Unreadable(reason) => stored_nothing(Rejection::one(
            ProblemType::SealedUnreadable,
            format!("#: {reason}"),
        )),
        Outcome::DoesNotOpen if is_sealed_here => {
            Problem::unsettled("the value did not open at the agent")
        }
        Outcome::DoesNotOpen => stored_nothing(Rejection::one(
            ProblemType::SealedDoesNotOpen,
            "#: the value does not open: it was sealed for another context, or it was changed; seal it again to the \
             agent's current certificate",
        )),
        Outcome::NotAccepted(kinds) => stored_nothing(Rejection::one(
            ProblemType::FormatNotAccepted,
            not_accepted(&kinds),
        )),
        Outcome::ContextMismatch(violations) if is_sealed_here => {
            Problem::unsettled(violations.join("; "))
        }
        Outcome::ContextMismatch(violations) => {
            stored_nothing(Rejection::new(ProblemType::ContextMismatch, violations))
        }
        Outcome::KeyReused => stored_nothing(Rejection::one(
            ProblemType::IdempotencyKeyReused,
            "Idempotency-Key: was used within 24 hours for another request; give a new one for each request, and the \
             same only to repeat it unchanged",
        )),
        Outcome::Expired => {
            warn!("the agent found the request expired");
            maybe_stored(
                ProblemType::AgentTimeout,
                "The request reached the agent too late.",
            )
        }
        Outcome::Busy => {
            warn!("the agent can take no more for now");
            maybe_stored(
                ProblemType::AgentBusy,
                "The agent can take no more requests for now; its log says why.",
            )
        }
        Outcome::Failed => Problem::unsettled("the agent failed; its log says why"),
        Outcome::Reused => Problem::unsettled(
            "the agent had another request with this number: a copy of this gateway may be running, or have run",
        ),
        Outcome::UnknownVerb(_) | Outcome::Malformed => {
            Problem::unsettled("the agent can't read the request: it is of another release")
        }
    })
}

/// Returns the answer to a request in whose place the agent refused the channel. Another process of the agent may have done
/// what was asked.
fn refused(code: RefusalCode) -> Problem {
    match code {
        RefusalCode::KeyUnavailable | RefusalCode::Limit | RefusalCode::UnsignedRequests => {
            maybe_stored(
                ProblemType::AgentBusy,
                "The agent does not accept the request for now; its log says why.",
            )
        }
        RefusalCode::OtherKey => Problem::unsettled(
            "the agent does not have the key of its certificate: update the certificate",
        ),
        RefusalCode::DoesNotOpen => Problem::unsettled("the channel does not open at the agent"),
        RefusalCode::Times => {
            Problem::unsettled("the agent does not believe the channel's times: check both clocks")
        }
    }
}

/// The rejection, and for which process it holds.
fn stored_nothing(rejection: Rejection) -> Problem {
    Problem::from(rejection).with_note("This agent process stored nothing.")
}

/// A problem after which the secret may be there, and what to do then.
fn maybe_stored(kind: ProblemType, what: &'static str) -> Problem {
    Problem::new(kind, what).with_note(MAY_BE_STORED)
}

/// Known kinds are translated, and others, of a later release, are left out.
fn not_accepted(kinds: &[u8]) -> String {
    let types: Vec<_> = kinds
        .iter()
        .filter_map(|kind| match Kind::from_number(*kind)? {
            Kind::Clear => Some("application/json"),
            Kind::Jwe => Some("application/jose"),
            Kind::Cms => Some("application/pkcs7-mime"),
            Kind::Native => None,
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
        CarrierError::DeadlineExceeded | CarrierError::NoAnswer => maybe_stored(
            ProblemType::AgentTimeout,
            "The agent did not answer in time.",
        ),
        CarrierError::NotSent(_) => Problem::internal(),
        CarrierError::Failed(cause) => Problem::unsettled(cause),
    }
}

const MAY_BE_STORED: &str = "The secret may be stored or not: send the request again. With the same Idempotency-Key it \
                             happens once; without one, a 409 may mean that the first attempt succeeded.";
