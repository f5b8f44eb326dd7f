//! Why a member of a key set is left out.

use std::fmt;

use thiserror::Error;

/// A member of a key set that is not used.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct LeftOut {
    index: usize,
    id: Option<String>,
    reason: Unusable,
}

impl LeftOut {
    pub(super) fn new(index: usize, id: Option<String>, reason: Unusable) -> Self {
        // The text is the issuer's, and goes to the log.
        let loggable = |id: &String| {
            id.len() <= MAX_ID && id.bytes().all(|b| b == b' ' || b.is_ascii_graphic())
        };
        Self {
            index,
            id: id.filter(loggable),
            reason,
        }
    }

    /// Returns its place in the set, from 0.
    #[must_use]
    pub const fn index(&self) -> usize {
        self.index
    }

    /// Returns why it is left out.
    #[must_use]
    pub const fn reason(&self) -> Unusable {
        self.reason
    }
}

impl fmt::Display for LeftOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "keys[{}]", self.index)?;
        if let Some(id) = &self.id {
            write!(f, " (kid {id:?})")?;
        }
        write!(f, " is left out: {}", self.reason)
    }
}

/// Why a member of a key set can't verify tokens.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum Unusable {
    /// Not a JSON object.
    #[error("it is not a JSON object")]
    NotAnObject,
    /// A member that is there twice.
    #[error("it has {0} twice")]
    Twice(&'static str),
    /// A member of another type than RFC 7517 and RFC 7518 say.
    #[error("{0} has the wrong type")]
    Type(&'static str),
    /// A member that is missing.
    #[error("it lacks {0}")]
    Missing(&'static str),
    /// For encryption, or for something else than verifying signatures.
    #[error("use or key_ops does not permit verifying signatures")]
    OtherUse,
    /// `use` and `key_ops` contradict each other, or `key_ops` repeats a value (RFC 7517 §4.3).
    #[error("key_ops repeats a value or contradicts use")]
    Inconsistent,
    /// A type, curve or algorithm that tokens are not signed with here.
    #[error("it is not a key for RS256, PS256, ES256 or EdDSA with Ed25519")]
    OtherKind,
    /// A symmetric key.
    #[error("it is a symmetric key (kty oct), and everyone who reads it can sign: revoke it")]
    Symmetric,
    /// A private key.
    #[error("it has a private part ({0}), and everyone who reads it can sign: revoke it")]
    Private(&'static str),
    /// Not base64url as RFC 7515 §2 has it.
    #[error("{0} is not base64url without padding")]
    Encoding(&'static str),
    /// A number of another length.
    #[error("{0} does not have 32 bytes")]
    Length(&'static str),
    /// Not a point of the curve, or not in its canonical encoding.
    #[error("it is not a point on its curve")]
    NotOnCurve,
    /// A point of small order, or with a component of small order.
    #[error(
        "it has a component of small order: it would verify forged signatures, or not all good ones"
    )]
    SmallOrder,
    /// A modulus that is too short or too long.
    #[error("its modulus has {bits} bits, not 2048 to 8192")]
    ModulusBits {
        /// How many it has.
        bits: usize,
    },
    /// A modulus that is even.
    #[error("its modulus is even")]
    EvenModulus,
    /// A modulus that anyone can factor.
    #[error("a prime below 752 divides its modulus: anyone can sign with it")]
    SmallFactor,
    /// An exponent that signatures can't be verified with, or that makes forging them easy.
    #[error("its exponent is not an odd number from 3 to 8589934591 (33 bits)")]
    Exponent,
    /// The library that verifies signatures refuses it.
    #[error("it can't be used to verify signatures")]
    Refused,
    /// There are many keys with its `kid`.
    #[error("four others have its kid, or like it none")]
    TooMany,
}

impl Unusable {
    /// Returns whether key sets have such keys for good reasons: tokens are just not signed with them.
    #[must_use]
    pub const fn is_usual(self) -> bool {
        matches!(self, Self::OtherUse | Self::OtherKind)
    }
}

const MAX_ID: usize = 128;
