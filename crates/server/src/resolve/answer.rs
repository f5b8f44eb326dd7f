//! What a reference leads to, or why it leads to nothing.

use sealpost_agent::{ResolveError, Resolver};
use sealpost_vault::error::FetchError;
use zeroize::Zeroizing;

/// The value, or why there is none.
pub type Answer = Result<Zeroizing<Vec<u8>>, Refusal>;

/// Why there is no value. Neither text holds anything of one.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Refusal {
    /// The reference leads to nothing.
    Refused(String),
    /// The vault failed, or the process that has it open.
    Failed(String),
}

/// Resolves a reference to a whole object byte for byte, or to one property: a string decoded, anything else as its JSON
/// text.
///
/// # Errors
///
/// [`Refusal`].
pub async fn resolve(resolver: &Resolver, reference: &str) -> Answer {
    match resolver.resolve(reference).await {
        Ok(resolved) => Ok(resolved.to_plain()),
        Err(error @ ResolveError::Vault(FetchError::Damaged | FetchError::Failed(_))) => {
            Err(Refusal::Failed(error.to_string()))
        }
        Err(error) => Err(Refusal::Refused(error.to_string())),
    }
}
