//! The id that a request has in answers and logs.

use std::{fmt, sync::Arc};

use axum::http::{HeaderMap, HeaderName, HeaderValue};
use uuid::Uuid;

use crate::headers::single;

/// The id of one HTTP request: the caller's `X-Request-Id` if it is loggable, else a new UUID.
///
/// It need not be unique: messages to agents have ids of their own.
#[derive(Clone, Debug)]
pub(crate) struct RequestId(Arc<str>);

impl RequestId {
    /// The header that carries it in requests and answers.
    pub(crate) const HEADER: HeaderName = HeaderName::from_static("x-request-id");

    /// Creates a new one.
    pub(crate) fn new() -> Self {
        Self(Uuid::new_v4().to_string().into())
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the `instance` of a problem (RFC 9457 §3.1.5), a URI.
    pub(crate) fn urn(&self) -> String {
        format!("urn:sealpost:request:{self}")
    }

    pub(crate) fn header_value(&self) -> Option<HeaderValue> {
        HeaderValue::from_str(&self.0).ok()
    }
}

impl From<&HeaderMap> for RequestId {
    fn from(headers: &HeaderMap) -> Self {
        match single(headers, &Self::HEADER) {
            Some(id) if is_loggable(id) => Self(id.into()),
            _ => Self::new(),
        }
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// 8 to 64 unreserved characters (RFC 3986 §2.3) without `~`: harmless in a log line, a URN and a file name.
fn is_loggable(id: &str) -> bool {
    (8..=64).contains(&id.len())
        && id
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(values: &[&str]) -> String {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(RequestId::HEADER, value.parse().unwrap());
        }
        RequestId::from(&headers).to_string()
    }

    #[test]
    fn a_loggable_id_is_used() {
        assert_eq!(id(&["order-4711.a_b"]), "order-4711.a_b");
    }

    #[test]
    fn anything_else_is_replaced() {
        let long = "a".repeat(65);
        for values in [
            &[][..],
            &["short"],
            &[&long],
            &["with space"],
            &["<script>"],
            &["one-and-1", "two-and-2"],
        ] {
            let made = id(values);
            assert_eq!(
                Uuid::try_parse(&made).map(|id| id.get_version_num()),
                Ok(4),
                "{values:?}"
            );
        }
    }
}
