//! Where the programs take the time from. The functions of this crate take it as an argument.

use std::fmt;

use sealpost_envelope::UnixTime;

/// A source of the current time, so that expiry can be tested.
pub trait Clock: Send + Sync + fmt::Debug {
    /// The time now.
    fn now(&self) -> UnixTime;
}

/// The host's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> UnixTime {
        UnixTime::now()
    }
}
