//! How much and how long.

use std::time::Duration;

/// What one gateway puts up with. The defaults suit a small one.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Limits {
    /// The time to send a request's headers, and how long a connection may be idle.
    pub header_timeout: Duration,
    /// The time to send a request's body.
    pub body_timeout: Duration,
    /// The time for a whole request, until it is answered with 504.
    pub deadline: Duration,
    /// Connections at a time; others wait to be accepted.
    pub connections: usize,
    /// The time that running requests get to finish when the gateway stops.
    pub drain: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            header_timeout: Duration::from_secs(10),
            body_timeout: Duration::from_secs(10),
            deadline: Duration::from_secs(30),
            connections: 1024,
            drain: Duration::from_secs(35),
        }
    }
}
