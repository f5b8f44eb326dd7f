//! Limits of number and time.

use std::{num::NonZeroU32, thread::available_parallelism, time::Duration};

/// The limits of one gateway. The defaults suit a small one.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Limits {
    /// The time for a TLS handshake.
    pub handshake_timeout: Duration,
    /// The time to send a request's headers, and how long a connection may be idle. A quarter of it while more than three
    /// quarters of [`connections`](Self::connections) are taken.
    pub header_timeout: Duration,
    /// The time to send a request's body.
    pub body_timeout: Duration,
    /// How long an answer may stay unread until the connection is closed.
    pub write_timeout: Duration,
    /// The time for a whole request, until it is answered with 504.
    pub deadline: Duration,
    /// Connections at a time. For a further one, the one that has been silent longest is closed; while all are worked on,
    /// others wait to be accepted.
    pub connections: usize,
    /// Connections at a time from one address (IPv6: one /64). For a further one, its own that has been silent longest is
    /// closed; while all are worked on, others are closed at once. Behind a proxy all come from one: give it as many as
    /// `connections`.
    pub connections_per_address: usize,
    /// Requests that are sealed and delivered at a time; others wait until their deadline.
    pub requests: usize,
    /// How many of these may be for one agent, so that an agent that does not answer leaves room for the others.
    pub requests_per_agent: usize,
    /// How many of these may be of one principal while others send requests too, so that many requests of one don't make
    /// another's slow: by default two for each processor, at least 4. Alone, a principal has all.
    pub requests_per_principal: usize,
    /// Bytes of bodies in memory at a time; for others, requests wait until their deadline before they are read. One principal has
    /// at most half.
    pub body_memory: usize,
    /// How many requests one principal may send; `None` for no limit.
    pub rate: Option<RateLimit>,
    /// The time that running requests get to finish when the gateway stops.
    pub drain: Duration,
}

impl Limits {
    /// The limits of the listener for operators: few connections, all of which may come from one address.
    #[must_use]
    pub fn for_operations() -> Self {
        Self {
            connections: 64,
            connections_per_address: 64,
            ..Self::default()
        }
    }

    /// Returns how many sockets of callers may be open at a time.
    #[must_use]
    pub const fn sockets(&self) -> usize {
        self.connections.saturating_add(MOST_LEAVING)
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            handshake_timeout: Duration::from_secs(5),
            header_timeout: Duration::from_secs(10),
            body_timeout: Duration::from_secs(10),
            write_timeout: Duration::from_secs(10),
            deadline: Duration::from_secs(30),
            connections: 1024,
            connections_per_address: 256,
            requests: 256,
            requests_per_agent: 128,
            // More would not be faster where agents share the processors, and others would wait for them.
            requests_per_principal: 2 * available_parallelism().map_or(2, |n| n.get().max(2)),
            body_memory: 64 << 20,
            rate: Some(RateLimit::default()),
            drain: Duration::from_secs(35),
        }
    }
}

/// A token bucket: `burst` requests at once, and `per_second` in the long run.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct RateLimit {
    /// How many requests become possible again each second.
    pub per_second: NonZeroU32,
    /// How many may come at once after a pause.
    pub burst: NonZeroU32,
}

impl Default for RateLimit {
    /// 1,000 a second and 2,000 at once: more than one person or pipeline needs, less than what would stop others.
    fn default() -> Self {
        Self {
            per_second: NonZeroU32::MIN.saturating_add(999),
            burst: NonZeroU32::MIN.saturating_add(1_999),
        }
    }
}

/// Sockets that may be open beside those with a place, for the moment until they are closed.
pub(crate) const MOST_LEAVING: usize = 64;
