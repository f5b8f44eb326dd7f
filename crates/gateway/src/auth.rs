//! Who may write which secrets.
//!
//! Authentication turns a bearer token into a [`Principal`]; authorisation asks the principal. Both happen
//! before a body is read and before anything is looked up. Every refusal is the same 403: the reason is a
//! [`Denied`], which goes to the log alone.

mod admission;
mod algorithm;
mod bearer;
mod jwks;
mod jwt;
mod keys;
mod principal;

use std::fmt;

use async_trait::async_trait;
use sealpost_envelope::UnixTime;
use thiserror::Error;

pub(crate) use admission::admit;
pub use algorithm::{TokenAlgorithm, UnknownAlgorithm};
pub use jwks::{IssuerKeys, JwksError, JwksRefresh, JwksSource};
pub use jwt::{JwtAuthenticator, TokenKeys, TokenPolicy};
pub use keys::{KeySet, KeySetError};
pub use principal::Principal;

/// Decides whom a token speaks for.
#[async_trait]
pub trait Authenticator: Send + Sync + fmt::Debug {
    /// Whom `token` speaks for at the time `now`.
    ///
    /// # Errors
    ///
    /// [`Denied`], for the log.
    async fn authenticate(&self, token: &str, now: UnixTime) -> Result<Principal, Denied>;

    /// Whether it can let anybody in.
    fn is_ready(&self) -> bool {
        true
    }
}

/// Why somebody was refused: for the log, never for the answer. It holds nothing of the token.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum Denied {
    /// No `Authorization` header.
    #[error("no Authorization header")]
    NoToken,
    /// More than one `Authorization` header, another scheme, or characters that no token has.
    #[error("the Authorization header is not one bearer token")]
    NotBearer,
    /// Longer than a token may be.
    #[error("the token is longer than {} bytes", bearer::MAX_TOKEN)]
    TooLong,
    /// Not a JWS in compact form with a JSON header.
    #[error("the token is no JWT")]
    Malformed,
    /// A `typ` that is not one of an access token.
    #[error("the token's typ is not JWT or at+jwt")]
    Type,
    /// Header members that must be understood and are not.
    #[error("the token has critical header members")]
    Critical,
    /// An algorithm that is not allowed here.
    #[error("the token's alg is not allowed")]
    Algorithm,
    /// No key for the token's `kid` and `alg`.
    #[error("no key of the set fits the token's kid and alg")]
    UnknownKey,
    /// Not signed with the key that it names.
    #[error("the token's signature is wrong")]
    Signature,
    /// Claims that are missing or of the wrong type.
    #[error("the token lacks a claim (exp, iss, aud), or one has the wrong type")]
    Claims,
    /// Issued by somebody else.
    #[error("the token is of another issuer")]
    Issuer,
    /// Meant for somebody else.
    #[error("the token is for another audience")]
    Audience,
    /// Too old.
    #[error("the token has expired")]
    Expired,
    /// Not good yet.
    #[error("the token is not valid yet")]
    NotYetValid,
    /// Without the scope that the operation needs.
    #[error("the token lacks the scope {}", principal::WRITE_SCOPE)]
    Scope,
    /// Limited to other agents.
    #[error("the token is not good for this agent")]
    Agent,
    /// Limited to other projects.
    #[error("the token is not good for this project")]
    Project,
}

impl Denied {
    /// One word, for metrics and the audit trail.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::NoToken => "no-token",
            Self::NotBearer => "not-bearer",
            Self::TooLong => "too-long",
            Self::Malformed => "malformed",
            Self::Type => "type",
            Self::Critical => "critical",
            Self::Algorithm => "algorithm",
            Self::UnknownKey => "unknown-key",
            Self::Signature => "signature",
            Self::Claims => "claims",
            Self::Issuer => "issuer",
            Self::Audience => "audience",
            Self::Expired => "expired",
            Self::NotYetValid => "not-yet-valid",
            Self::Scope => "scope",
            Self::Agent => "agent",
            Self::Project => "project",
        }
    }
}
