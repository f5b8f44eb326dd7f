//! The client's errors as failures of the command: an exit code, and what to do.

use sealpost_client::{ClientError, ProblemKind};

use crate::error::{Exit, Failure};

/// The failure of a call.
pub(crate) fn failure(error: ClientError) -> Failure {
    let exit = exit(&error);
    let hint = match &error {
        ClientError::Certificate(_) => Some("give the authority's certificates in PEM with --ca"),
        ClientError::ClientCertificate(_) => {
            Some("put the certificate, then its private key as PKCS#8, into one file")
        }
        ClientError::Tls(_) => Some("name the authority that issued it with --ca"),
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

/// The exit code of a call's error.
pub(crate) fn exit(error: &ClientError) -> Exit {
    match error {
        ClientError::AgentId
        | ClientError::ProjectId
        | ClientError::IdempotencyKey
        | ClientError::ValueNotJson
        | ClientError::AgentCertificate(_)
        | ClientError::Seal(_)
        | ClientError::TrustAnchors(_) => Exit::Refused,
        ClientError::Problem(problem) => match problem.kind {
            // The connection failed; the input may be right.
            ProblemKind::BodyIncomplete | ProblemKind::BodyTimeout => Exit::Usage,
            ProblemKind::SealedDoesNotOpen => Exit::CannotOpen,
            _ if matches!(problem.status, 400 | 409) => Exit::Refused,
            _ => Exit::Usage,
        },
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
        | ClientError::Tls(_)
        | ClientError::Url(_) => true,
        ClientError::Problem(problem) => matches!(
            problem.kind,
            ProblemKind::UnknownAgent
                | ProblemKind::CertificateExpired
                | ProblemKind::NotFound
                | ProblemKind::MethodNotAllowed
                | ProblemKind::UnsupportedMediaType
                | ProblemKind::FormatNotAccepted
        ),
        _ => false,
    }
}
