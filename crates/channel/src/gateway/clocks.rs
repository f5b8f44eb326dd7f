//! The gateway's time.

use std::time::Duration;

use sealpost_envelope::UnixTime;

/// What both clocks say.
#[derive(Clone, Copy, Debug)]
pub struct Clocks {
    /// The wall clock.
    pub wall: UnixTime,
    /// The monotonic time since any moment of this process.
    pub monotonic: Duration,
}
