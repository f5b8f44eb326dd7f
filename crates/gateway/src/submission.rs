//! A request that broke no rule, ready for its agent.

mod clear;
mod sealed;

use sealpost_envelope::UnixTime;
use sealpost_protocol::Owner;
use zeroize::Zeroizing;

pub(crate) use self::{clear::Clear, sealed::AtSource};
use crate::{body::MediaType, problem::ProblemType};

/// What was submitted.
pub(crate) enum Submission {
    /// A value that the gateway seals.
    Clear(Clear),
    /// One that the caller has sealed.
    AtSource(AtSource),
}

impl Submission {
    /// Checks a body.
    ///
    /// # Errors
    ///
    /// The violations in document order, and what kind of problem they are.
    pub(crate) fn check(
        media_type: MediaType,
        body: Zeroizing<Vec<u8>>,
        now: UnixTime,
    ) -> Result<Self, (ProblemType, Vec<String>)> {
        match media_type {
            MediaType::Json => Clear::check(body).map(Self::Clear),
            MediaType::Jose | MediaType::JoseJson | MediaType::Pkcs7 => {
                AtSource::check(media_type, &body, now).map(Self::AtSource)
            }
        }
    }

    /// In what a value's own context differs from where it was sent to, as far as it shows.
    pub(crate) fn mismatches(&self, owner: &Owner) -> Vec<String> {
        match self {
            Self::Clear(_) => Vec::new(),
            Self::AtSource(sealed) => sealed.mismatches(owner),
        }
    }

    /// The secret's name, where it can be read.
    pub(crate) fn name(&self) -> Option<&str> {
        match self {
            Self::Clear(clear) => Some(clear.name()),
            Self::AtSource(sealed) => sealed.name(),
        }
    }

    pub(crate) fn is_sealed(&self) -> bool {
        matches!(self, Self::AtSource(_))
    }
}
