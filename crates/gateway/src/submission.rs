//! A request body that follows the rules, ready for its agent.

mod clear_request;
mod sealed;

use sealpost_context::Owner;
use sealpost_envelope::UnixTime;
use zeroize::Zeroizing;

pub(crate) use self::{clear_request::ClearRequest, sealed::AtSource};
use crate::{media_type::MediaType, rejection::Rejection};

/// What was submitted.
pub(crate) enum Submission {
    /// A value that the gateway seals.
    Clear(ClearRequest),
    /// A value that the caller has sealed.
    AtSource(AtSource),
}

impl Submission {
    /// Checks a body.
    ///
    /// # Errors
    ///
    /// Returns the violations in document order, and the type of problem that they are.
    pub(crate) fn check(
        media_type: MediaType,
        body: Zeroizing<Vec<u8>>,
        now: UnixTime,
    ) -> Result<Self, Rejection> {
        match media_type {
            MediaType::Json => ClearRequest::check(body).map(Self::Clear),
            MediaType::Sealed(sealed_type) => {
                AtSource::check(sealed_type, &body, now).map(Self::AtSource)
            }
        }
    }

    /// Returns the violations where a sealed value's own context, if it can be read, differs from the URL.
    pub(crate) fn mismatches(&self, owner: &Owner) -> Vec<String> {
        match self {
            Self::Clear(_) => Vec::new(),
            Self::AtSource(sealed) => sealed.mismatches(owner),
        }
    }

    /// Returns the secret's name, if it can be read.
    pub(crate) fn name(&self) -> Option<&str> {
        match self {
            Self::Clear(clear) => Some(clear.name()),
            Self::AtSource(sealed) => sealed.name(),
        }
    }

    /// Returns the length of the value in bytes, if it can be read.
    pub(crate) fn value_len(&self) -> Option<usize> {
        match self {
            Self::Clear(clear) => Some(clear.value().len()),
            Self::AtSource(_) => None,
        }
    }

    pub(crate) fn is_sealed(&self) -> bool {
        matches!(self, Self::AtSource(_))
    }
}
