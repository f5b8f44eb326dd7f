//! The algorithms that tokens may be signed with.

use std::{fmt, str::FromStr};

use jsonwebtoken::Algorithm;
use thiserror::Error;

/// An algorithm of RFC 7518 or RFC 8037 that a token may be signed with. Symmetric algorithms and `none` have no
/// variant.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum TokenAlgorithm {
    /// RSASSA-PKCS1-v1_5 with SHA-256.
    Rs256,
    /// RSASSA-PSS with SHA-256.
    Ps256,
    /// ECDSA with P-256 and SHA-256.
    Es256,
    /// Ed25519.
    EdDsa,
}

impl TokenAlgorithm {
    /// Every algorithm.
    pub const ALL: [Self; 4] = [Self::Rs256, Self::Ps256, Self::Es256, Self::EdDsa];

    /// Returns the name that `alg` has in a token.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Rs256 => "RS256",
            Self::Ps256 => "PS256",
            Self::Es256 => "ES256",
            Self::EdDsa => "EdDSA",
        }
    }

    pub(super) const fn is(self, algorithm: Algorithm) -> bool {
        matches!(
            (self, algorithm),
            (Self::Rs256, Algorithm::RS256)
                | (Self::Ps256, Algorithm::PS256)
                | (Self::Es256, Algorithm::ES256)
                | (Self::EdDsa, Algorithm::EdDSA)
        )
    }
}

impl FromStr for TokenAlgorithm {
    type Err = UnknownAlgorithm;

    fn from_str(name: &str) -> Result<Self, UnknownAlgorithm> {
        Self::ALL
            .into_iter()
            .find(|algorithm| algorithm.name() == name)
            .ok_or(UnknownAlgorithm)
    }
}

impl fmt::Display for TokenAlgorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The name does not belong to an algorithm that tokens may be signed with.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[error(
    "must be RS256, PS256, ES256 or EdDSA; tokens signed with another algorithm are never accepted"
)]
pub struct UnknownAlgorithm;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_parsed_and_others_refused() {
        for algorithm in TokenAlgorithm::ALL {
            assert_eq!(algorithm.name().parse(), Ok(algorithm));
        }
        for name in ["HS256", "none", "rs256", "ES384", ""] {
            assert_eq!(name.parse::<TokenAlgorithm>(), Err(UnknownAlgorithm));
        }
    }
}
