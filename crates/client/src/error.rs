//! Why a call fails.

use std::{error::Error as StdError, io};

use sealpost_envelope::{
    SealError,
    trust::{TrustAnchorsError, TrustError},
};
use sealpost_rest::ErrorChain;
use thiserror::Error;

use crate::problem::Problem;

/// A cause from another library.
pub type BoxError = Box<dyn StdError + Send + Sync>;

/// Why a secret was not created, or may not have been. No variant holds anything of a value or a token.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ClientError {
    /// The URL can't be used.
    #[error("the gateway's URL can't be used: {0}")]
    Url(&'static str),
    /// The text is not an agent id.
    #[error("the agent's id must be 1 to 64 of A-Z a-z 0-9 _ -")]
    AgentId,
    /// The project's id is not a UUID.
    #[error("the project's id must be a UUID with its hyphens")]
    ProjectId,
    /// The token has characters that tokens can't have.
    #[error("the token can't be sent: it has characters that tokens can't have; copy it again")]
    Token,
    /// The [`TokenProvider`](crate::token::TokenProvider) failed.
    #[error("there is no token: {0}")]
    TokenProvider(#[source] BoxError),
    /// The idempotency key has characters that keys can't have.
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
    /// The agent's certificate is refused. Nothing of the value was sent.
    #[error("the agent's certificate is refused: {0}")]
    AgentCertificate(#[from] TrustError),
    /// The authorities that must have issued agents' certificates can't be used.
    #[error(transparent)]
    TrustAnchors(#[from] TrustAnchorsError),
    /// The value can't be sealed. Nothing was sent.
    #[error("the value can't be sealed: {0}")]
    Seal(#[from] SealError),
    /// The gateway answered with a problem.
    #[error("{}", describe(.0))]
    Problem(Box<Problem>),
    /// No answer in time. The secret may have been created.
    #[error("the gateway did not answer in time; the secret may have been created")]
    Timeout,
    /// No connection: nothing was sent.
    #[error("no connection to the gateway: {}", ErrorChain(.0.as_ref()))]
    Connect(#[source] BoxError),
    /// One side refuses TLS: nothing was sent. Trying again would not help.
    #[error("no TLS connection to the gateway: {}; check its certificate, and which authority issued it", ErrorChain(.0.as_ref()))]
    Tls(#[source] BoxError),
    /// The connection broke. The secret may have been created.
    #[error("the connection to the gateway broke, the secret may have been created: {}", ErrorChain(.0.as_ref()))]
    Connection(#[source] BoxError),
    /// The client does not understand the answer.
    #[error(
        "the answer (status {status}) is not one of a sealpost gateway: check the URL and what is in between"
    )]
    Unexpected {
        /// The HTTP status.
        status: u16,
    },
}

impl ClientError {
    /// Returns whether the secret may have been created all the same.
    ///
    /// If so, repeat the call with the same [idempotency key](crate::IdempotencyKey): it creates the secret only if the
    /// first call did not, and gets the same answer if it did.
    #[must_use]
    pub fn may_have_been_created(&self) -> bool {
        match self {
            Self::Timeout | Self::Connection(_) => true,
            // The answer of an intermediary, or a cut answer, does not tell what the gateway did.
            Self::Unexpected { status } => *status < 300 || *status >= 500,
            Self::Problem(problem) => {
                problem.after_unknown
                    || match problem.kind {
                        Some(kind) => kind.may_have_been_stored(),
                        None => problem.status >= 500,
                    }
            }
            Self::Url(_)
            | Self::AgentId
            | Self::ProjectId
            | Self::Token
            | Self::TokenProvider(_)
            | Self::IdempotencyKey
            | Self::Certificate(_)
            | Self::ClientCertificate(_)
            | Self::Setup(_)
            | Self::Randomness
            | Self::ValueNotJson
            | Self::AgentCertificate(_)
            | Self::TrustAnchors(_)
            | Self::Seal(_)
            | Self::Connect(_)
            | Self::Tls(_) => false,
        }
    }

    pub(crate) fn from_http(error: reqwest::Error) -> Self {
        // Without the URL: the caller knows it, and the log must not have it.
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

/// Returns whether the TLS library failed: it reports invalid data, and the layers above wrap that once more.
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
            "\n  (an earlier attempt of this call had no answer: it may have created the secret)",
        );
    }
    if let Some(id) = &problem.request_id {
        text.push_str(&format!("\n  (request id {id})"));
    }
    text
}
