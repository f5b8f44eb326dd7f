//! The body of a request, built around the value's bytes.

use bytes::Bytes;
use serde_json::value::RawValue;
use zeroize::Zeroizing;

use crate::{error::ClientError, secret::NewSecret};

/// Returns the value without the white space around it.
///
/// It must be one JSON value, or it could close the objects around it and add members of its own. The gateway and the
/// agent check every other rule.
pub(crate) fn value(secret: &NewSecret) -> Result<&[u8], ClientError> {
    match serde_json::from_slice::<&RawValue>(&secret.value) {
        Ok(value) => Ok(value.get().as_bytes()),
        Err(_) => Err(ClientError::ValueNotJson),
    }
}

/// Builds `{"secret":{"name":…,"key":…,"type":…,"value":` the value as it is `}}`, in a buffer that is wiped when the
/// last holder drops it.
pub(crate) fn build(secret: &NewSecret) -> Result<Bytes, ClientError> {
    let value = value(secret)?;
    let mut head = String::from(r#"{"secret":{"#);
    let members = [
        ("name", Some(&secret.name)),
        ("key", secret.key.as_ref()),
        ("type", secret.secret_type.as_ref()),
    ];
    for (member, text) in members {
        if let Some(text) = text {
            head.push_str(&format!(
                "\"{member}\":{},",
                serde_json::Value::from(text.as_str())
            ));
        }
    }
    head.push_str("\"value\":");
    // One allocation: a growing buffer would leave copies of the value behind.
    let mut body = Zeroizing::new(Vec::with_capacity(head.len() + value.len() + TAIL.len()));
    body.extend_from_slice(head.as_bytes());
    body.extend_from_slice(value);
    body.extend_from_slice(TAIL);
    Ok(Bytes::from_owner(body))
}

const TAIL: &[u8] = b"}}";

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_value_is_carried_as_it_is() {
        let secret = NewSecret::new("n", br#" {"a" : 1.00, "b":"\u0041"} "#.to_vec())
            .with_key("a")
            .with_type("T");
        let body = build(&secret).unwrap();
        assert_eq!(
            body,
            br#"{"secret":{"name":"n","key":"a","type":"T","value":{"a" : 1.00, "b":"\u0041"}}}"#
                .as_slice()
        );
    }

    #[test]
    fn a_value_cannot_break_out() {
        for value in [
            r#"{"a":1},"key":"b""#,
            r#"{"a":1}}}"#,
            r#"{"a":1}}, "x":{"#,
            "",
            " ",
            "{",
            r#"{"a":1} // "#,
        ] {
            let secret = NewSecret::new("n", value.as_bytes().to_vec());
            assert!(
                matches!(build(&secret), Err(ClientError::ValueNotJson)),
                "{value}"
            );
        }
    }

    proptest! {
        #[test]
        fn texts_survive(name in any::<String>(), key in any::<Option<String>>()) {
            let mut secret = NewSecret::new(name.clone(), b"{}".to_vec());
            secret.key = key.clone();
            let body: serde_json::Value = serde_json::from_slice(&build(&secret).unwrap()).unwrap();
            prop_assert_eq!(body["secret"]["name"].as_str(), Some(name.as_str()));
            prop_assert_eq!(body["secret"]["key"].as_str(), key.as_deref());
        }
    }
}
