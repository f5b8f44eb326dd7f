//! Time, which is always an argument.

/// Seconds since 1970-01-01T00:00:00Z, without leap seconds (POSIX time).
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct UnixTime(u64);

impl UnixTime {
    /// The time that many seconds after the epoch.
    #[must_use]
    pub const fn from_secs(seconds: u64) -> Self {
        Self(seconds)
    }

    /// The seconds since the epoch.
    #[must_use]
    pub const fn as_secs(self) -> u64 {
        self.0
    }

    /// Returns the time that is `duration` later, without its fraction of a second.
    #[must_use]
    pub const fn saturating_add(self, duration: core::time::Duration) -> Self {
        Self(self.0.saturating_add(duration.as_secs()))
    }

    /// The host's clock.
    #[cfg(feature = "std")]
    #[must_use]
    pub fn now() -> Self {
        // A clock before 1970 is read as 1970: every certificate is then refused as not yet valid.
        std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)
            .map_or(Self(0), |elapsed| Self(elapsed.as_secs()))
    }
}
