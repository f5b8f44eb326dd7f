//! Why a token is refused.

use thiserror::Error;

/// Why a token was refused: for the log, never for the answer. It holds nothing of the token.
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
    #[error("the token is longer than {limit} bytes")]
    TooLong {
        /// The longest token that is read, in bytes.
        limit: usize,
    },
    /// Not a JWS in compact form with a JSON header.
    #[error("the token is not a JWT")]
    Malformed,
    /// A `typ` that is not one of an access token.
    #[error("the token's typ is not JWT or at+jwt")]
    Type,
    /// A `crit` or `b64` header: members that must be understood and are not.
    #[error("the token's header has crit or b64")]
    Critical,
    /// Signed with an algorithm that the policy does not allow.
    #[error("the token's alg is not allowed")]
    Algorithm,
    /// No key for the token's `kid` and `alg`.
    #[error("the key set has no key for the token's kid and alg")]
    UnknownKey,
    /// Not signed with the key that it names.
    #[error("the token's signature is wrong")]
    Signature,
    /// Claims that are missing or of the wrong type.
    #[error("the token lacks a claim (exp, iss, aud), or one has the wrong type")]
    Claims,
    /// Issued by another issuer.
    #[error("the token is from another issuer")]
    Issuer,
    /// Issued for another audience.
    #[error("the token is for another audience")]
    Audience,
    /// Expired.
    #[error("the token has expired")]
    Expired,
    /// Not valid yet.
    #[error("the token is not valid yet")]
    NotYetValid,
    /// Without the scope that the operation needs.
    #[error("the token lacks the scope {needed}")]
    Scope {
        /// The scope.
        needed: &'static str,
    },
    /// Limited to other agents.
    #[error("the token does not permit this agent")]
    Agent,
    /// Limited to other projects.
    #[error("the token does not permit this project")]
    Project,
}

impl Denied {
    /// Returns one word, for metrics and the audit trail.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::NoToken => "no-token",
            Self::NotBearer => "not-bearer",
            Self::TooLong { .. } => "too-long",
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
            Self::Scope { .. } => "scope",
            Self::Agent => "agent",
            Self::Project => "project",
        }
    }
}
