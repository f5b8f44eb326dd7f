//! Early answers: a step either goes on, or ends the request with its outcome.

use std::{error::Error, ops::ControlFlow};

use sealpost_channel::Outcome;
use tracing::error;

/// Goes on with a value, or ends the request with an outcome, which may be a success: a repeated request gets the
/// outcome of the first.
pub(crate) type Step<T> = ControlFlow<Outcome, T>;

/// Goes on if nothing failed.
pub(crate) fn step<T>(result: Result<T, Outcome>) -> Step<T> {
    match result {
        Ok(value) => Step::Continue(value),
        Err(outcome) => Step::Break(outcome),
    }
}

/// Logs what failed. The reply says only that the log has the cause.
pub(crate) fn failed(what: &str, cause: &dyn Error) -> Outcome {
    error!(%cause, "{what}");
    Outcome::Failed
}

/// Refuses a request that breaks one rule.
pub(crate) fn refused(violation: String) -> Outcome {
    Outcome::Refused(vec![violation])
}
