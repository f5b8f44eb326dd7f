//! What may go wrong.

use std::error::Error as StdError;

use thiserror::Error;

use crate::Problem;

/// Why a secret was not created, or may not have been. No variant holds anything of a value or a token.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ClientError {
    /// The URL can't be used.
    #[error("the gateway's URL can't be used: {0}")]
    Url(&'static str),
    /// The agent's id can't stand in a URL.
    #[error("the agent's id must be 1 to 64 of A-Z a-z 0-9 _ -")]
    AgentId,
    /// The token has characters that no token has.
    #[error("the token can't be sent: it has characters that no token has; copy it again")]
    Token,
    /// The certificates of the authority can't be read.
    #[error("the authority's certificates can't be read: give them in PEM")]
    Certificate(#[source] Box<dyn StdError + Send + Sync>),
    /// The HTTP library can't be set up.
    #[error("the HTTP client can't be set up: {0}")]
    Setup(#[source] Box<dyn StdError + Send + Sync>),
    /// The value is not one JSON value. Nothing was sent.
    #[error(
        "the value is not one JSON value in UTF-8: it must be an object such as {{\"password\":\"…\"}}"
    )]
    ValueNotJson,
    /// The gateway said why not.
    #[error("{}", describe(.0))]
    Problem(Box<Problem>),
    /// No answer in time. The secret may have been created.
    #[error("the gateway did not answer in time; the secret may have been created")]
    Timeout,
    /// No connection: nothing was sent.
    #[error("no connection to the gateway: {}", causes(.0.as_ref()))]
    Connect(#[source] Box<dyn StdError + Send + Sync>),
    /// The connection broke. The secret may have been created.
    #[error("the connection to the gateway broke, the secret may have been created: {}", causes(.0.as_ref()))]
    Connection(#[source] Box<dyn StdError + Send + Sync>),
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
    pub(crate) fn from_http(error: reqwest::Error) -> Self {
        // Without the URL: who calls knows it, and a log need not.
        let error = error.without_url();
        if error.is_connect() {
            Self::Connect(error.into())
        } else if error.is_timeout() {
            Self::Timeout
        } else {
            Self::Connection(error.into())
        }
    }
}

fn describe(problem: &Problem) -> String {
    let mut text = format!("{}: {}", problem.title, problem.detail);
    for violation in &problem.violations {
        text.push_str("\n  ");
        text.push_str(violation);
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
