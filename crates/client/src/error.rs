//! Why a call fails.

use std::{error::Error as StdError, time::Duration};

use sealpost_envelope::{
    SealError,
    trust::{TrustAnchorsError, TrustError},
};
use sealpost_rest::ErrorChain;
use thiserror::Error;

use crate::{
    printable::printable,
    problem::Problem,
    sent::Sent,
    tls_failure::{self, causes},
};
pub use crate::{tls_failure::TlsFailure, too_late::TooLate};

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
    /// The certificates of the authority can't be used.
    #[error("the file of authorities (PEM) can't be used: {0}")]
    Certificate(#[source] BoxError),
    /// The client's own certificate and key can't be used.
    #[error("the file of the client certificate and its key (PEM) can't be used: {0}")]
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
    #[error("{}{}", describe(.0), unknown_type(.0))]
    Problem(Box<Problem>),
    /// No answer in time. The secret may have been created.
    #[error("{}; the secret may have been created", TIMEOUT)]
    Timeout,
    /// No connection: nothing was sent.
    #[error("no connection to the gateway: {}", shown(.0))]
    Connect(#[source] BoxError),
    /// One side refuses TLS: nothing was sent. Trying again would not help.
    #[error("no TLS connection to the gateway: {reason}")]
    Tls {
        /// Which side refuses, why, and what helps.
        reason: TlsFailure,
        /// The library's error.
        source: BoxError,
    },
    /// The URL says `https`, and the port does not speak TLS: nothing was sent.
    #[error(
        "the gateway's URL says https, and the port does not speak TLS{}: check the port; plain HTTP (http://) is for this host alone",
        speaks(.answer)
    )]
    TlsToPlain {
        /// What it answers instead, if that could be found out: the beginning, made safe to show.
        answer: Option<String>,
    },
    /// The URL says `http`, and the port speaks TLS.
    #[error(
        "the gateway's URL says http, and the port does not: it speaks TLS, use https://{}",
        if *.written { WRITTEN } else { "" }
    )]
    PlainToTls {
        /// Whether the request had been written before this was found out. What a port answers to something else does not
        /// tell what it did with the request: the secret may have been created.
        written: bool,
    },
    /// The URL says `http`, and the port speaks neither HTTP nor TLS.
    #[error(
        "the gateway's URL says http, and the port does not speak it{}: check host and port{}",
        speaks(.answer),
        if *.written { WRITTEN } else { "" }
    )]
    NotHttp {
        /// What it answers instead, if that could be found out: the beginning, made safe to show.
        answer: Option<String>,
        /// As for [`PlainToTls`](Self::PlainToTls).
        written: bool,
    },
    /// The agent's certificate was not fetched, so that nothing was sent.
    #[error("the agent's certificate could not be fetched, and nothing was sent: {}", without_created(.0))]
    NoAgentCertificate(#[source] Box<ClientError>),
    /// The connection broke. The secret may have been created.
    #[error("{}, the secret may have been created: {}", BROKEN, shown(.0))]
    Connection(#[source] BoxError),
    /// The client does not understand the answer. After a success or a 5xx, the secret may have been created.
    #[error(
        "{}{}{}",
        unexpected(*.status),
        waits_too_long(.too_late),
        if unexpected_may_have_created(*.status) { "; the secret may have been created" } else { "" }
    )]
    Unexpected {
        /// The HTTP status.
        status: u16,
        /// Why it was not tried again, if the answer asks to wait for longer than the call may take.
        too_late: Option<TooLate>,
    },
    /// The answer says that a secret was created, and it is not the one that was asked for. What was asked for may have been
    /// created.
    #[error(
        "the answer (status 201) is for another secret than was asked for, its reference {what}: check the URL and what is \
         in between; the secret may have been created"
    )]
    Misfit {
        /// What differs, with the answer's text made safe to show.
        what: String,
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
            Self::Timeout | Self::Connection(_) | Self::Misfit { .. } => true,
            Self::PlainToTls { written } | Self::NotHttp { written, .. } => *written,
            Self::Unexpected { status, .. } => unexpected_may_have_created(*status),
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
            | Self::Tls { .. }
            | Self::TlsToPlain { .. }
            | Self::NoAgentCertificate(_) => false,
        }
    }

    /// An answer that is not a gateway's.
    pub(crate) const fn unexpected(status: u16) -> Self {
        Self::Unexpected {
            status,
            too_late: None,
        }
    }

    /// The error of a call that creates nothing: it never says that something may have been created.
    pub(crate) fn of_fetching(self) -> Self {
        match self.may_have_been_created() {
            true => Self::NoAgentCertificate(Box::new(self)),
            false => self,
        }
    }

    /// Notes why it was not tried again.
    pub(crate) fn with_too_late(mut self, asked: Duration, left: Duration) -> Self {
        let note = Some(TooLate { asked, left });
        match &mut self {
            Self::Problem(problem) => problem.too_late = note,
            Self::Unexpected { too_late, .. } => *too_late = note,
            _ => {}
        }
        self
    }

    /// The failure of one attempt. `body` tells whether anything of the value left; `has_certificate`, whether the client has
    /// one to show.
    pub(crate) fn from_http(error: reqwest::Error, body: &Sent, has_certificate: bool) -> Self {
        let is_plain = error.url().is_some_and(|url| url.scheme() == "http");
        // Without the URL: the caller knows it, and the log must not have it.
        let error = error.without_url();
        let tls = tls_failure::find(&error);
        if error.is_connect() {
            match tls {
                Some(tls) if tls_failure::is_not_tls(tls) => Self::TlsToPlain { answer: None },
                Some(tls) => Self::Tls {
                    reason: TlsFailure::new(tls, has_certificate),
                    source: error.into(),
                },
                None => Self::Connect(error.into()),
            }
        } else if let Some(reason) = TlsFailure::after_request(&error, has_certificate) {
            Self::Tls {
                reason,
                source: error.into(),
            }
        } else if is_plain && is_not_http(&error) {
            Self::NotHttp {
                answer: None,
                written: !body.is_prevented(),
            }
        } else if body.is_prevented() {
            Self::Connect(error.into())
        } else if is_too_long(&error) {
            Self::Connection(TOO_LONG.into())
        } else if error.is_timeout() {
            Self::Timeout
        } else {
            Self::Connection(error.into())
        }
    }

    /// An attempt that did not end in time.
    pub(crate) fn out_of_time(body: &Sent) -> Self {
        match body.is_prevented() {
            true => Self::Connect(NOT_READY.into()),
            false => Self::Timeout,
        }
    }
}

/// The answer of an intermediary, or a cut answer, does not tell what the gateway did.
const fn unexpected_may_have_created(status: u16) -> bool {
    status < 300 || status >= 500
}

fn unexpected(status: u16) -> String {
    format!(
        "the answer (status {status}) is not one of a sealpost gateway: check the URL and what is in between"
    )
}

fn speaks(answer: &Option<String>) -> String {
    match answer {
        None => String::new(),
        Some(answer) if answer.starts_with("HTTP/") => ", it speaks plain HTTP".to_owned(),
        Some(answer) => format!(", it answers \"{answer}\""),
    }
}

fn waits_too_long(note: &Option<TooLate>) -> String {
    match note {
        None => String::new(),
        Some(TooLate { asked, left }) => format!(
            "; it asks to wait {}, more than the {} s left: try again after that, or allow more time",
            match *asked > YEAR {
                true => "longer than a year".to_owned(),
                false => format!("{} s", asked.as_secs()),
            },
            left.as_secs()
        ),
    }
}

/// What happened, without what may have become of a secret.
fn without_created(error: &ClientError) -> String {
    match error {
        ClientError::Timeout => TIMEOUT.to_owned(),
        ClientError::Connection(cause) => format!("{BROKEN}: {}", shown(cause)),
        ClientError::PlainToTls { .. } => ClientError::PlainToTls { written: false }.to_string(),
        ClientError::NotHttp { answer, .. } => ClientError::NotHttp {
            answer: answer.clone(),
            written: false,
        }
        .to_string(),
        ClientError::Unexpected {
            status,
            too_late: note,
        } => unexpected(*status) + &waits_too_long(note),
        ClientError::Problem(problem) => describe(&Problem {
            after_unknown: false,
            ..(**problem).clone()
        }),
        error => error.to_string(),
    }
}

/// The cause as the library words it. A peer's certificate and answer may be in it.
fn shown(error: &BoxError) -> String {
    printable(ErrorChain(error.as_ref()).to_string())
}

/// Returns whether the answer does not begin as HTTP does: an alert of TLS does not. The library has no name for it, and
/// a test holds it to its words.
fn is_not_http(error: &reqwest::Error) -> bool {
    causes(error).any(|cause| cause.to_string() == "invalid HTTP version parsed")
}

/// Returns whether the answer's headers are longer than the library reads. It has no name for that either.
fn is_too_long(error: &reqwest::Error) -> bool {
    causes(error).any(|cause| cause.to_string() == "message head is too large")
}

/// What a problem of a known type says itself.
fn unknown_type(problem: &Problem) -> &'static str {
    match problem.kind.is_none() && problem.status >= 500 {
        true => {
            "\n  (this client does not know the type of problem: the secret may have been created)"
        }
        false => "",
    }
}

fn describe(problem: &Problem) -> String {
    let mut text = format!("{}: {}", problem.title, problem.detail);
    for violation in &problem.violations {
        text.push_str("\n  ");
        text.push_str(violation);
    }
    if problem.too_late.is_some() {
        text.push_str(&format!(
            "\n  ({})",
            waits_too_long(&problem.too_late).trim_start_matches("; ")
        ));
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

/// A server that asks for more has no time in mind.
const YEAR: Duration = Duration::from_secs(365 * 24 * 60 * 60);
const TIMEOUT: &str = "the gateway did not answer in time";
const WRITTEN: &str = "; the request had been written, so that the secret may have been created";
const BROKEN: &str = "the connection to the gateway broke";
const TOO_LONG: &str =
    "the headers of the answer are longer than any gateway's: check the URL and what is in between";
const NOT_READY: &str = "it was not ready in time (connection, TLS): check host and port, and what is in between; nothing was sent";
