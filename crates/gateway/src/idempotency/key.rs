//! The header `Idempotency-Key`.

use std::fmt;

use axum::http::{HeaderMap, HeaderName};

/// A key as the caller gave it, without quotes.
#[derive(Clone, Eq, PartialEq)]
pub(crate) struct IdempotencyKey(String);

impl IdempotencyKey {
    /// The header of `draft-ietf-httpapi-idempotency-key-header`.
    pub(crate) const HEADER: HeaderName = HeaderName::from_static("idempotency-key");

    /// Reads the header, which may be missing. It is a string in quotes (RFC 9651 §3.3.3), or the same text without
    /// quotes if it needs none, which many callers send.
    ///
    /// # Errors
    ///
    /// Returns the violation.
    pub(crate) fn from_headers(headers: &HeaderMap) -> Result<Option<Self>, String> {
        let mut values = headers.get_all(Self::HEADER).iter();
        let Some(value) = values.next() else {
            return Ok(None);
        };
        if values.next().is_some() {
            return Err("Idempotency-Key: is given twice; give it once".into());
        }
        let text = value.to_str().ok().map(|text| text.trim_matches(' '));
        let key = text.and_then(|text| match text.strip_prefix('"') {
            Some(rest) => unquoted(rest),
            None => text.bytes().all(is_bare).then(|| text.to_owned()),
        });
        match key {
            Some(key) if (1..=MAX_KEY).contains(&key.len()) => Ok(Some(Self(key))),
            _ => Err(format!(
                "Idempotency-Key: must be 1 to {MAX_KEY} printable ASCII characters in double quotes, such as \
                 \"8e03978e-40d5-43dd-bc93-6894a57f9324\"; give a random one for each request, and the same for its \
                 retries"
            )),
        }
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

/// Shows nothing: callers choose keys, and a key may say something about them.
impl fmt::Debug for IdempotencyKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("IdempotencyKey")
    }
}

// RFC 9651 §4.2.5
/// Parses the text after the opening quote. Parameters are refused: the draft defines none.
fn unquoted(rest: &str) -> Option<String> {
    let mut key = String::with_capacity(rest.len());
    let mut chars = rest.chars();
    loop {
        match chars.next()? {
            '"' => break,
            '\\' => match chars.next()? {
                escaped @ ('"' | '\\') => key.push(escaped),
                _ => return None,
            },
            c @ ' '..='~' => key.push(c),
            _ => return None,
        }
    }
    chars.next().is_none().then_some(key)
}

/// Returns whether a byte needs no quotes: not a blank, and nothing that ends or escapes in a structured field.
fn is_bare(b: u8) -> bool {
    b.is_ascii_graphic() && !b"\"\\,;".contains(&b)
}

const MAX_KEY: usize = 255;

#[cfg(test)]
mod tests {
    use super::*;

    fn read(values: &[&str]) -> Result<Option<String>, String> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(IdempotencyKey::HEADER, value.parse().unwrap());
        }
        IdempotencyKey::from_headers(&headers).map(|key| key.map(|key| key.0))
    }

    #[test]
    fn a_key_is_read_with_quotes_and_without() {
        assert_eq!(read(&[]), Ok(None));
        let longest = "k".repeat(MAX_KEY);
        for (text, key) in [
            ("\"8e03978e-40d5\"", "8e03978e-40d5"),
            ("8e03978e-40d5", "8e03978e-40d5"),
            (r#""a b\"\\""#, r#"a b"\"#),
            ("  \"a\" ", "a"),
            ("order:4711/a=b+c", "order:4711/a=b+c"),
            (&longest, &longest),
        ] {
            assert_eq!(read(&[text]), Ok(Some(key.into())), "{text}");
        }
    }

    #[test]
    fn anything_else_is_a_violation() {
        let long = "k".repeat(MAX_KEY + 1);
        for values in [
            &[""][..],
            &["\"\""],
            &["\""],
            &["\"a"],
            &["a\""],
            &["\"a\";p=1"],
            &["\"a\", \"b\""],
            &["a,b"],
            &["a b"],
            &[r#""\n""#],
            &["\"\t\""],
            &[&long],
            &["a", "a"],
        ] {
            let violation = read(values).unwrap_err();
            assert!(violation.starts_with("Idempotency-Key: "), "{values:?}");
        }
        let mut headers = HeaderMap::new();
        let latin = axum::http::HeaderValue::from_bytes(b"\xe9").unwrap();
        headers.append(IdempotencyKey::HEADER, latin);
        assert!(IdempotencyKey::from_headers(&headers).is_err());
    }
}
