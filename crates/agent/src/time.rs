//! The agent's time: the host's clock, which never goes back further than what has passed since the start.

use std::{sync::Arc, time::Duration};

use sealpost_channel::agent::SteadyClock;
use sealpost_envelope::UnixTime;
use sealpost_protocol::Clock;
use tokio::time::Instant;

/// What the agent takes the time from.
#[derive(Clone, Debug)]
pub(crate) struct Time {
    clock: Arc<dyn Clock>,
    steady: SteadyClock,
    started: Instant,
}

impl Time {
    /// Starts with what the clock says now.
    pub(crate) fn start(clock: Arc<dyn Clock>) -> Self {
        Self {
            steady: SteadyClock::start(clock.now()),
            clock,
            started: Instant::now(),
        }
    }

    pub(crate) fn now(&self) -> UnixTime {
        self.steady.now(self.clock.now(), self.started.elapsed())
    }
}

/// By how much a gateway's or a caller's clock may differ.
pub(crate) const LEEWAY: Duration = Duration::from_secs(60);
