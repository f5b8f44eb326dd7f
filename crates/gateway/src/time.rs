//! Times as texts.

use std::time::{Duration, UNIX_EPOCH};

use sealpost_envelope::UnixTime;

/// Returns the time in RFC 3339, UTC: `2033-05-18T03:33:20Z`. A time that the system can't represent gives an empty
/// text.
pub(crate) fn rfc3339(time: UnixTime) -> String {
    let time = UNIX_EPOCH.checked_add(Duration::from_secs(time.as_secs()));
    time.map_or_else(String::new, |time| {
        humantime::format_rfc3339_seconds(time).to_string()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_in_utc() {
        assert_eq!(
            rfc3339(UnixTime::from_secs(2_000_000_000)),
            "2033-05-18T03:33:20Z"
        );
    }
}
