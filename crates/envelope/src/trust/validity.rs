//! The validity of issuers, which may begin and end before 1970.

use super::chain_error::ChainError;
use crate::time::UnixTime;

/// Fails unless an issuer's certificate is valid at this time.
pub(super) fn check_validity(
    not_before: UnixTime,
    not_after: UnixTime,
    now: UnixTime,
) -> Result<(), ChainError> {
    if not_after < not_before {
        return Err(ChainError::IssuerNeverValid);
    }
    if now > not_after {
        return Err(ChainError::IssuerExpired { not_after, now });
    }
    if now < not_before {
        return Err(ChainError::IssuerNotYetValid { not_before, now });
    }
    Ok(())
}
