//! Failures of a well-formed message that does not open.

use sealpost_envelope::{Error, KeyringError};

use crate::error::Failure;

/// The failure of an envelope that is well formed.
pub(crate) fn cannot_open(error: KeyringError) -> Failure {
    match error {
        KeyringError::Opening(Error::Open(error)) => Failure::cannot_open(error).hint(
            "give exactly the --agent-id, --name, --key, --type and --project that it was sealed with",
        ),
        KeyringError::Opening(error @ Error::NotSingle { .. }) => {
            Failure::cannot_open(error).hint("give --batch")
        }
        error => Failure::cannot_open(error),
    }
}
