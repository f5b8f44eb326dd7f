//! How long a server asks to wait (RFC 9110 §10.2.3).

use std::time::{Duration, SystemTime};

use reqwest::header::{DATE, HeaderMap, RETRY_AFTER};

/// Returns the time that `Retry-After` names: in seconds, or until a date in any of the three forms of RFC 9110 §5.6.7. Of
/// several, the longest. A date that has passed is no wait; what can't be read is ignored.
///
/// A date counts from the answer's own `Date`, so that the two clocks need not agree.
pub(crate) fn retry_after(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let date = headers.get(DATE).and_then(|date| date.to_str().ok());
    let now = date.and_then(parse_date).unwrap_or(now);
    let values = headers.get_all(RETRY_AFTER).iter();
    let values = values.filter_map(|value| wait(value.to_str().ok()?.trim(), now));
    values.max()
}

fn wait(value: &str, now: SystemTime) -> Option<Duration> {
    if !value.is_empty() && value.bytes().all(|b| b.is_ascii_digit()) {
        // More digits than fit are longer than any deadline.
        return Some(Duration::from_secs(value.parse().unwrap_or(u64::MAX)));
    }
    Some(parse_date(value)?.duration_since(now).unwrap_or_default())
}

fn parse_date(text: &str) -> Option<SystemTime> {
    httpdate::parse_http_date(text.trim()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(values: &[&str], date: Option<&str>) -> Option<u64> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(RETRY_AFTER, value.parse().unwrap());
        }
        if let Some(date) = date {
            headers.append(DATE, date.parse().unwrap());
        }
        // Sun, 06 Nov 1994 08:49:30 GMT.
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_770);
        retry_after(&headers, now).map(|wait| wait.as_secs())
    }

    #[test]
    fn seconds_and_the_three_forms_of_a_date_are_read() {
        for (value, wait) in [
            ("0", Some(0)),
            ("7", Some(7)),
            (" 120 ", Some(120)),
            ("007", Some(7)),
            ("99999999999999999999999", Some(u64::MAX)),
            // RFC 9110 §5.6.7: IMF-fixdate, RFC 850, asctime.
            ("Sun, 06 Nov 1994 08:49:37 GMT", Some(7)),
            ("Sunday, 06-Nov-94 08:49:37 GMT", Some(7)),
            ("Sun Nov  6 08:49:37 1994", Some(7)),
            ("Sun, 06 Nov 1994 08:49:00 GMT", Some(0)),
            ("Thu, 01 Jan 1970 00:00:00 GMT", Some(0)),
            ("", None),
            ("-1", None),
            ("+7", None),
            ("1.5", None),
            ("7 s", None),
            ("soon", None),
            ("Sun, 06 Nov 1994 08:49:37 CET", None),
        ] {
            assert_eq!(of(&[value], None), wait, "{value:?}");
        }
        assert_eq!(of(&[], None), None);
        assert_eq!(of(&["3", "soon", "5"], None), Some(5));
    }

    #[test]
    fn a_date_counts_from_the_answers_own_date() {
        let date = Some("Fri, 27 Nov 2026 22:00:00 GMT");
        assert_eq!(of(&["Fri, 27 Nov 2026 22:00:09 GMT"], date), Some(9));
        assert_eq!(of(&["Friday, 27-Nov-26 22:00:09 GMT"], date), Some(9));
        assert_eq!(of(&["Fri Nov 27 22:00:09 2026"], date), Some(9));
        assert_eq!(of(&["9"], date), Some(9));
    }
}
