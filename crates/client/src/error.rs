//! What may go wrong.

use std::{error::Error as StdError, io};

use sealpost_envelope::{SealError, TrustAnchorsError, TrustError};
use thiserror::Error;

use crate::{Problem, ProblemKind};

/// A cause of another library's.
pub type BoxError = Box<dyn StdError + Send + Sync>;

/// Why a secret was not created, or may not have been. No variant holds anything of a value or a token.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ClientError {
    /// The URL can't be used.
    #[error("the gateway's URL can't be used: {0}")]
    Url(&'static str),
    /// The agent's id can't be one.
    #[error("the agent's id must be 1 to 64 of A-Z a-z 0-9 _ -")]
    AgentId,
    /// The project's id is no UUID.
    #[error("the project's id must be a UUID with its hyphens")]
    ProjectId,
    /// The token has characters that no token has.
    #[error("the token can't be sent: it has characters that no token has; copy it again")]
    Token,
    /// The [`TokenProvider`](crate::TokenProvider) gave none.
    #[error("there is no token: {0}")]
    TokenProvider(#[source] BoxError),
    /// The idempotency key has characters that none has.
    #[error("the idempotency key must be 1 to 64 of A-Z a-z 0-9 . _ ~ : -")]
    IdempotencyKey,
    /// The certificates of the authority can't be read.
    #[error("the authority's certificates can't be read: give them in PEM")]
    Certificate(#[source] BoxError),
    /// The client's own certificate and key can't be read.
    #[error("the client certificate can't be read: give the certificate and its key in one PEM")]
    ClientCertificate(#[source] BoxError),
    /// The HTTP library can't be set up.
    #[error("the HTTP client can't be set up: {0}")]
    Setup(#[source] BoxError),
    /// The operating system gave no randomness. Nothing was sent.
    #[error("the operating system gave no randomness; try again")]
    Randomness,
    /// The value is not one JSON value. Nothing was sent.
    #[error(
        "the value is not one JSON value in UTF-8: it must be an object such as {{\"password\":\"…\"}}"
    )]
    ValueNotJson,
    /// The agent's certificate can't be sealed to. Nothing of the value was sent.
    #[error("the agent's certificate is not sealed to: {0}")]
    AgentCertificate(#[from] TrustError),
    /// The authorities that agents' certificates are to be issued by can't be used.
    #[error(transparent)]
    TrustAnchors(#[from] TrustAnchorsError),
    /// The value can't be sealed. Nothing was sent.
    #[error("the value can't be sealed: {0}")]
    Seal(#[from] SealError),
    /// The gateway said why not.
    #[error("{}", describe(.0))]
    Problem(Box<Problem>),
    /// No answer in time. The secret may have been created.
    #[error("the gateway did not answer in time; the secret may have been created")]
    Timeout,
    /// No connection: nothing was sent.
    #[error("no connection to the gateway: {}", causes(.0.as_ref()))]
    Connect(#[source] BoxError),
    /// TLS is refused, by this side or the other: nothing was sent. Trying again would not help.
    #[error("no TLS connection to the gateway: {}; check its certificate, and by which authority it is issued", causes(.0.as_ref()))]
    Tls(#[source] BoxError),
    /// The connection broke. The secret may have been created.
    #[error("the connection to the gateway broke, the secret may have been created: {}", causes(.0.as_ref()))]
    Connection(#[source] BoxError),
    /// The answer is none that this client understands.
    #[error(
        "the answer (status {status}) is not one of a sealpost gateway: check the URL and what is in between"
    )]
    Unexpected {
        /// The HTTP status.
        status: u16,
    },
}

impl ClientError {
    /// May the secret have been created all the same?
    ///
    /// If so, the same call with the same [idempotency key](crate::IdempotencyKey) finds out: it creates the secret
    /// only if it was not, and gets the same answer if it was.
    #[must_use]
    pub fn may_have_been_created(&self) -> bool {
        match self {
            Self::Timeout | Self::Connection(_) => true,
            // What an intermediary answers, and an answer that was cut, say nothing of what happened behind them.
            Self::Unexpected { status } => *status < 300 || *status >= 500,
            Self::Problem(problem) => {
                problem.after_unknown
                    || matches!(
                        problem.kind,
                        ProblemKind::AgentTimeout | ProblemKind::Internal
                    )
                    || matches!(problem.kind, ProblemKind::Other(_)) && problem.status >= 500
            }
            _ => false,
        }
    }

    pub(crate) fn from_http(error: reqwest::Error) -> Self {
        // Without the URL: who calls knows it, and a log need not.
        let error = error.without_url();
        if error.is_connect() && is_tls(&error) {
            Self::Tls(error.into())
        } else if error.is_connect() {
            Self::Connect(error.into())
        } else if error.is_timeout() {
            Self::Timeout
        } else {
            Self::Connection(error.into())
        }
    }
}

/// The TLS library marks what it refuses as invalid data; the layers above it wrap that once more.
fn is_tls(error: &reqwest::Error) -> bool {
    fn is_invalid(error: &io::Error) -> bool {
        let wrapped = error.get_ref().and_then(|inner| inner.downcast_ref());
        error.kind() == io::ErrorKind::InvalidData || wrapped.is_some_and(is_invalid)
    }
    let mut next = error.source();
    while let Some(cause) = next {
        if cause.downcast_ref().is_some_and(is_invalid) {
            return true;
        }
        next = cause.source();
    }
    false
}

fn describe(problem: &Problem) -> String {
    let mut text = format!("{}: {}", problem.title, problem.detail);
    for violation in &problem.violations {
        text.push_str("\n  ");
        text.push_str(violation);
    }
    if problem.after_unknown {
        text.push_str(
            "\n  (an earlier attempt of this call had no answer: the secret may have been created by it)",
        );
    }
    if let Some(id) = &problem.request_id {
        text.push_str(&format!("\n  (request id {id})"));
    }
    text
}

/// The error with its causes: the HTTP library's outermost text says little.
fn causes(error: &(dyn StdError + 'static)) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        next = cause.source();
    }
    text
}
