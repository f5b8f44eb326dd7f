//! The secret in the request that the demo sends.

use std::collections::HashSet;

use sealpost_client::NewSecret;
use sealpost_validator::{JsonStr, MAX_MEMBERS, Slot, Violations, validate_request};
use zeroize::Zeroizing;

/// What a well-formed request says.
pub(super) struct Secret<'a> {
    pub(super) name: String,
    pub(super) key: Option<String>,
    pub(super) secret_type: Option<String>,
    /// Byte for byte as it stands in the request.
    pub(super) value: &'a str,
}

impl<'a> Secret<'a> {
    /// The request's parts; `None` if it breaks a rule.
    pub(super) fn parse(request: &'a [u8]) -> Option<Self> {
        let mut violations = Violations::<1>::new();
        let parsed = validate_request(request, &mut [Slot::EMPTY; MAX_MEMBERS], &mut violations)?;
        let decoded = |text: JsonStr<'_>| text.chars().collect();
        Some(Self {
            name: decoded(parsed.name),
            key: parsed.key.map(decoded),
            secret_type: parsed.secret_type.map(decoded),
            value: parsed.value.as_str(),
        })
    }

    pub(super) fn to_send(&self) -> NewSecret {
        let mut secret =
            NewSecret::new(&*self.name, Zeroizing::new(self.value.as_bytes().to_vec()));
        if let Some(key) = &self.key {
            secret = secret.with_key(key);
        }
        if let Some(secret_type) = &self.secret_type {
            secret = secret.with_type(secret_type);
        }
        secret
    }

    /// Returns whether anything of the value can be read in these bytes, 12 in a row or all if it has fewer. So many do
    /// not come about by chance; of fewer than 4 nothing can be said.
    pub(super) fn shows_in(&self, bytes: &[u8]) -> bool {
        let row = self.value.len().min(12);
        let rows: HashSet<_> = self.value.as_bytes().windows(row).collect();
        row >= 4 && bytes.windows(row).any(|window| rows.contains(window))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_of_the_value_are_found() {
        let request = br#"{"secret":{"name":"n\u0061","value":{"password":"correct horse"}}}"#;
        let secret = Secret::parse(request).unwrap();
        assert_eq!((secret.name.as_str(), secret.key), ("na", None));
        let secret = Secret::parse(request).unwrap();
        assert!(secret.shows_in(b"xx correct horse xx"));
        assert!(!secret.shows_in(b"xx correct h"));
        assert!(!secret.shows_in(b""));
        assert!(Secret::parse(br#"{"secret":{}}"#).is_none());
    }
}
