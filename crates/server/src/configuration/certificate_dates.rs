//! Certificates that have ended or will end soon.

use sealpost_envelope::UnixTime;

/// Returns how many days are left, if so few that the operator should know.
pub(super) fn days_left(not_after: UnixTime, now: UnixTime) -> Option<u64> {
    let days = not_after.as_secs().saturating_sub(now.as_secs()) / (24 * 60 * 60);
    (days < SOON_DAYS).then_some(days)
}

/// Certificates that end within so many days are pointed out.
const SOON_DAYS: u64 = 30;
