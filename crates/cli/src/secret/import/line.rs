//! One line: a secret.

use std::borrow::Cow;

use sealpost_client::NewSecret;
use serde::Deserialize;
use serde_json::value::RawValue;
use zeroize::Zeroizing;

/// The members of a line.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Line<'a> {
    #[serde(borrow)]
    pub(super) name: Cow<'a, str>,
    #[serde(borrow, default)]
    pub(super) key: Option<Cow<'a, str>>,
    #[serde(borrow, rename = "type", default)]
    pub(super) secret_type: Option<Cow<'a, str>>,
    /// Replaces the project of the command line.
    #[serde(borrow, default)]
    pub(super) project: Option<Cow<'a, str>>,
    #[serde(borrow)]
    value: &'a RawValue,
}

/// A line without a byte-order mark, which is at the beginning of a file, and within one that was put together.
pub(super) fn unmarked(text: &[u8]) -> &[u8] {
    text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text)
}

impl<'a> Line<'a> {
    /// Reads it.
    ///
    /// # Errors
    ///
    /// What is wrong, and nothing of the line's content.
    pub(super) fn parse(text: &'a [u8]) -> Result<Self, String> {
        serde_json::from_slice(text).map_err(|error| {
            let column = error.column();
            match error.classify() {
                // The error's own text may quote what it found.
                serde_json::error::Category::Data => format!("wrong at column {column}: {FORM}"),
                _ => format!("not JSON at column {column}: {FORM}"),
            }
        })
    }

    /// Byte for byte as it stands in the line.
    pub(super) fn value(&self) -> &'a str {
        self.value.get()
    }

    pub(super) fn to_send(&self) -> NewSecret {
        let value = Zeroizing::new(self.value().as_bytes().to_vec());
        let mut secret = NewSecret::new(&*self.name, value);
        if let Some(key) = &self.key {
            secret = secret.with_key(&**key);
        }
        if let Some(secret_type) = &self.secret_type {
            secret = secret.with_type(&**secret_type);
        }
        secret
    }
}

const FORM: &str =
    r#"write {"name": "…", "value": {…}}, with "key", "type" and "project" as needed"#;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_read_and_its_value_kept() {
        let text = br#"{"name":"d\u0062","key":"p","type":"T","project":"x","value":{"p" : 1.00}}"#;
        let line = Line::parse(text).unwrap();
        assert_eq!(line.name, "db");
        assert_eq!(line.value(), r#"{"p" : 1.00}"#);
    }

    #[test]
    fn errors_do_not_quote() {
        for text in [
            "canary",
            r#""canary""#,
            r#"{"name":"n"}"#,
            r#"{"value":{}}"#,
            r#"{"name":"n","value":{},"canary":1}"#,
            r#"{"name":{"canary":1},"value":{}}"#,
            r#"{"name":"n","name":"canary","value":{}}"#,
            r#"{"name":"n","value":{"canary":"#,
            r#"{"name":"n","value":{}} canary"#,
        ] {
            let Err(error) = Line::parse(text.as_bytes()) else {
                panic!("{text}");
            };
            assert!(
                !error.contains("canary") && error.contains("column"),
                "{error}"
            );
        }
        assert!(Line::parse(b"\xff").is_err());
    }
}
