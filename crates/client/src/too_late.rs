//! A wait that a call has no time for.

use std::time::Duration;

/// A server asks to wait for longer than the call may take (`Retry-After`).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct TooLate {
    /// What it asks for.
    pub asked: Duration,
    /// What was left of the call's time.
    pub left: Duration,
}
