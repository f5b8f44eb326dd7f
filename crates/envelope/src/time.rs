//! Time, which is always an argument.

/// Seconds since 1970-01-01T00:00:00Z, without leap seconds (POSIX time). Certificates may have dates before it.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct UnixTime(i128);

impl UnixTime {
    /// The time that many seconds after the epoch.
    #[must_use]
    pub const fn from_secs(seconds: u64) -> Self {
        Self(widened(seconds))
    }

    /// The time that many seconds before the epoch.
    #[must_use]
    pub const fn before_epoch(seconds: u64) -> Self {
        Self(-widened(seconds))
    }

    /// The seconds since the epoch, 0 for a time before it.
    #[must_use]
    pub const fn as_secs(self) -> u64 {
        self.seconds_since(Self(0))
    }

    /// The seconds from `earlier` until this time, 0 if that is the later one.
    #[must_use]
    pub const fn seconds_since(self, earlier: Self) -> u64 {
        narrowed(self.0.saturating_sub(earlier.0))
    }

    /// Returns the time that is `duration` later, without its fraction of a second.
    #[must_use]
    pub const fn saturating_add(self, duration: core::time::Duration) -> Self {
        Self(widened(narrowed(
            self.0.saturating_add(widened(duration.as_secs())),
        )))
    }

    /// The host's clock.
    #[cfg(feature = "std")]
    #[must_use]
    pub fn now() -> Self {
        // A clock before 1970 is read as 1970: every certificate is then refused as not yet valid.
        std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)
            .map_or(Self(0), |elapsed| Self::from_secs(elapsed.as_secs()))
    }
}

const fn widened(seconds: u64) -> i128 {
    seconds as i128
}

/// The nearest number that fits.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the number was compared with both ends"
)]
const fn narrowed(seconds: i128) -> u64 {
    if seconds < 0 {
        0
    } else if seconds > widened(u64::MAX) {
        u64::MAX
    } else {
        seconds as u64
    }
}

#[cfg(test)]
mod tests {
    use core::time::Duration;

    use super::*;

    #[test]
    fn times_before_1970_are_before_those_after_it() {
        let (early, late) = (UnixTime::before_epoch(7), UnixTime::before_epoch(3));
        let (epoch, last) = (UnixTime::from_secs(0), UnixTime::from_secs(u64::MAX));
        assert!(early < late && late < epoch && epoch < last);
        assert_eq!(UnixTime::before_epoch(0), epoch);
        assert_eq!(
            (late.seconds_since(early), early.seconds_since(late)),
            (4, 0)
        );
        assert_eq!(
            (last.seconds_since(early), last.as_secs()),
            (u64::MAX, u64::MAX)
        );
        assert_eq!((early.as_secs(), epoch.as_secs()), (0, 0));
        assert_eq!(last.saturating_add(Duration::MAX), last);
    }
}
