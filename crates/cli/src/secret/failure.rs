//! The client's errors as failures of the command: an exit code, and what to do.

use sealpost_client::{ClientError, ProblemType, error::TlsFailure};

use crate::error::{Exit, Failure};

/// The failure of a call.
pub(crate) fn failure(error: ClientError) -> Failure {
    let exit = exit(&error);
    let hint = match &error {
        ClientError::Certificate(_) => Some("give the authority's certificates in PEM with --ca"),
        ClientError::ClientCertificate(_) => {
            Some("put the certificate, then its private key as PKCS#8, into one file")
        }
        ClientError::Tls { reason, .. } => of_tls(reason),
        ClientError::Connect(_) => Some("check --url, and that the gateway runs"),
        _ => None,
    };
    let failure = match exit {
        Exit::Refused => Failure::refused(&error),
        Exit::Usage => Failure::usage(&error),
        Exit::CannotOpen => Failure::cannot_open(&error),
    };
    match hint {
        Some(hint) => failure.hint(hint),
        None => failure,
    }
}

/// The flag that helps, if one does.
fn of_tls(reason: &TlsFailure) -> Option<&'static str> {
    match reason {
        TlsFailure::UnknownIssuer => Some("name the authority that issued it with --ca"),
        TlsFailure::OtherHost { .. } | TlsFailure::UnknownHost => Some("check the host in --url"),
        TlsFailure::WantsClientCertificate { .. }
        | TlsFailure::RefusesClientCertificate(_)
        | TlsFailure::Refuses { .. } => {
            Some("give the certificate that it wants, with its key, with --client-certificate")
        }
        TlsFailure::Other(_) => Some("check --url"),
        _ => None,
    }
}

/// Returns the exit code of a failed call.
pub(crate) fn exit(error: &ClientError) -> Exit {
    match error {
        ClientError::AgentId
        | ClientError::ProjectId
        | ClientError::IdempotencyKey
        | ClientError::ValueNotJson
        | ClientError::AgentCertificate(_)
        // As a file of authorities that `seal` refuses.
        | ClientError::Certificate(_)
        | ClientError::ClientCertificate(_)
        | ClientError::Seal(_)
        | ClientError::TrustAnchors(_) => Exit::Refused,
        ClientError::Problem(problem) => match problem.kind {
            Some(kind) => exit_of(kind),
            None if matches!(problem.status, 400 | 409) => Exit::Refused,
            None => Exit::Usage,
        },
        ClientError::NoAgentCertificate(error) => exit(error),
        _ => Exit::Usage,
    }
}

/// Returns whether every other secret will fail in the same way.
pub(crate) fn is_for_all(error: &ClientError) -> bool {
    match error {
        ClientError::AgentId
        | ClientError::AgentCertificate(_)
        | ClientError::Token
        | ClientError::TokenProvider(_)
        | ClientError::Tls { .. }
        | ClientError::TlsToPlain { .. }
        | ClientError::PlainToTls { .. }
        | ClientError::NotHttp { .. }
        | ClientError::Url(_) => true,
        ClientError::NoAgentCertificate(error) => is_for_all(error),
        ClientError::Problem(problem) => problem.kind.is_some_and(is_for_every_secret),
        _ => false,
    }
}

fn exit_of(kind: ProblemType) -> Exit {
    use ProblemType as P;
    match kind {
        P::InvalidRequest
        | P::InvalidParameter
        | P::MalformedJson
        | P::TooLarge
        | P::UnsupportedMediaType
        | P::FormatNotAccepted
        | P::ContextMismatch
        | P::SealedUnreadable
        | P::IdempotencyKeyReused
        | P::UnknownAgent
        | P::CertificateExpired
        | P::SecretExists
        | P::SecretPendingDeletion => Exit::Refused,
        P::SealedDoesNotOpen => Exit::CannotOpen,
        // The connection failed, not the input.
        P::BodyIncomplete | P::BodyTimeout => Exit::Usage,
        P::Forbidden
        | P::Internal
        | P::AgentOffline
        | P::AgentTimeout
        | P::AgentBusy
        | P::RateLimited
        | P::Overloaded
        | P::NotFound
        | P::MethodNotAllowed => Exit::Usage,
    }
}

fn is_for_every_secret(kind: ProblemType) -> bool {
    use ProblemType as P;
    match kind {
        P::UnknownAgent
        | P::CertificateExpired
        | P::NotFound
        | P::MethodNotAllowed
        | P::UnsupportedMediaType
        | P::FormatNotAccepted => true,
        P::InvalidRequest
        | P::InvalidParameter
        | P::MalformedJson
        | P::TooLarge
        | P::ContextMismatch
        | P::SealedUnreadable
        | P::SealedDoesNotOpen
        | P::IdempotencyKeyReused
        | P::BodyIncomplete
        | P::BodyTimeout
        | P::Forbidden
        | P::SecretExists
        | P::SecretPendingDeletion
        | P::Internal
        | P::AgentOffline
        | P::AgentTimeout
        | P::AgentBusy
        | P::RateLimited
        | P::Overloaded => false,
    }
}
