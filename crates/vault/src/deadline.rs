//! How long a caller waits.

use std::time::Duration;

use tokio::time::Instant;

/// When the caller of a vault stops waiting.
///
/// A vault that waits or retries (a sealed server, a throttled request, a failover) does so until then and not
/// longer: it then fails with what it knows, which says more than that it was late. The caller does not rely on
/// that; it drops the call when the time has come.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Deadline(Option<Instant>);

impl Deadline {
    /// The caller waits as long as it takes.
    pub const NONE: Self = Self(None);

    /// The caller waits until this time.
    #[must_use]
    pub const fn at(time: Instant) -> Self {
        Self(Some(time))
    }

    /// Returns the time until which the caller waits, or `None` without a deadline.
    #[must_use]
    pub const fn time(self) -> Option<Instant> {
        self.0
    }

    /// Returns how long the caller still waits, zero if the time has passed, or `None` without a deadline.
    #[must_use]
    pub fn remaining(self) -> Option<Duration> {
        self.0
            .map(|time| time.saturating_duration_since(Instant::now()))
    }

    /// Returns whether a wait of this length would end in time.
    #[must_use]
    pub fn allows(self, wait: Duration) -> bool {
        self.remaining().is_none_or(|remaining| wait < remaining)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_deadline_allows_what_ends_before_it() {
        let second = Duration::from_secs(1);
        assert!(Deadline::NONE.allows(Duration::MAX));
        assert_eq!(Deadline::NONE.remaining(), None);
        let deadline = Deadline::at(Instant::now() + 2 * second);
        assert!(deadline.allows(second) && !deadline.allows(2 * second));
        tokio::time::advance(5 * second).await;
        assert_eq!(deadline.remaining(), Some(Duration::ZERO));
        assert!(!deadline.allows(Duration::ZERO));
    }
}
