//! The agent's time, which never goes back.

use std::time::Duration;

use sealpost_envelope::UnixTime;

/// Makes one time of two clocks: the later of the wall clock, and the wall clock at the start with what has passed since.
///
/// With a wall clock that is set back alone, a request that had expired could be replayed.
#[derive(Clone, Copy, Debug)]
pub struct SteadyClock {
    wall_at_start: UnixTime,
}

impl SteadyClock {
    /// Starts with what the wall clock says now.
    #[must_use]
    pub fn start(wall: UnixTime) -> Self {
        Self {
            wall_at_start: wall,
        }
    }

    /// The time, where `elapsed` is the monotonic time since the start.
    #[must_use]
    pub fn now(&self, wall: UnixTime, elapsed: Duration) -> UnixTime {
        wall.max(self.wall_at_start.saturating_add(elapsed))
    }
}

/// By how much a gateway's clock may differ.
pub(super) const LEEWAY: Duration = Duration::from_secs(60);
