//! A bearer token.

use std::fmt;

use bytes::Bytes;
use reqwest::header::HeaderValue;
use zeroize::Zeroizing;

/// A bearer token. It is wiped when dropped, and `Debug` does not show it.
pub struct Token(Zeroizing<String>);

impl Token {
    /// Takes the token, without the word `Bearer`.
    #[must_use]
    pub fn new(token: String) -> Self {
        Self(Zeroizing::new(token))
    }

    /// The value of the `Authorization` header in a buffer that is wiped with its last copy; `None` if the token
    /// has characters that no header has.
    pub(crate) fn header_value(&self) -> Option<HeaderValue> {
        let mut text = Zeroizing::new(Vec::with_capacity(SCHEME.len() + self.0.len()));
        text.extend_from_slice(SCHEME.as_bytes());
        text.extend_from_slice(self.0.trim().as_bytes());
        let mut value = HeaderValue::from_maybe_shared(Bytes::from_owner(text)).ok()?;
        value.set_sensitive(true);
        Some(value)
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(…)")
    }
}

const SCHEME: &str = "Bearer ";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_becomes_a_sensitive_header() {
        let value = Token::new("a.b.c\n".into()).header_value().unwrap();
        assert_eq!(value.as_bytes(), b"Bearer a.b.c");
        assert!(value.is_sensitive());
        assert!(!format!("{value:?} {:?}", Token::new("a.b.c".into())).contains("a.b.c"));
        assert!(Token::new("a\nb".into()).header_value().is_none());
    }
}
