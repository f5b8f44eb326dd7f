//! A clock that the test sets.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use sealpost_envelope::UnixTime;
use sealpost_protocol::Clock;

use crate::keys::NOW;

/// A clock that stands still until it is set. Starts at [`NOW`].
#[derive(Debug)]
pub struct TestClock(AtomicU64);

impl TestClock {
    /// A clock at [`NOW`].
    #[must_use]
    pub fn new() -> Arc<Self> {
        Arc::default()
    }

    /// Sets the seconds since 1970.
    pub fn set(&self, seconds: u64) {
        self.0.store(seconds, Ordering::SeqCst);
    }

    /// Sets the time to so many seconds after [`NOW`].
    pub fn set_after_now(&self, seconds: u64) {
        self.set(NOW.as_secs() + seconds);
    }
}

impl Default for TestClock {
    fn default() -> Self {
        Self(AtomicU64::new(NOW.as_secs()))
    }
}

impl Clock for TestClock {
    fn now(&self) -> UnixTime {
        UnixTime::from_secs(self.0.load(Ordering::SeqCst))
    }
}
