//! The request that stores a secret, in memory that is wiped.
//!
//! The SDK would copy the value into a string, a JSON text and a body, none of which it wipes. So it is given a request without
//! the value, and the body that it made of it is replaced before it is signed.

use std::fmt;
use std::io::{self, Write};

use aws_sdk_secretsmanager::config::interceptors::BeforeTransmitInterceptorContextMut;
use aws_sdk_secretsmanager::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_secretsmanager::error::BoxError;
use base64ct::{Base64, Encoding as _};
use bytes::Bytes;
use serde_json::json;
use zeroize::Zeroizing;

use crate::place::{Place, tags};

/// The body of a request, which takes the place of the SDK's own.
#[derive(Clone)]
pub(crate) struct Body(Bytes);

impl Body {
    /// Returns the body that creates a secret with this value. It is built in one allocation: a buffer that grows would leave
    /// copies behind.
    ///
    /// # Errors
    ///
    /// Not while memory can be written to.
    pub(crate) fn create(
        place: &Place,
        name: &str,
        operation: &str,
        project: Option<&[u8; 16]>,
        value: &[u8],
    ) -> io::Result<Self> {
        let tags: Vec<_> = tags(&place.owner, operation, project)
            .into_iter()
            .map(|(key, value)| json!({"Key": key, "Value": value}))
            .collect();
        let mut head =
            json!({"Name": place.name(name), "ClientRequestToken": operation, "Tags": tags});
        if let Some(key) = &place.kms_key {
            head["KmsKeyId"] = json!(key);
        }
        let head = head.to_string();
        let head = head.strip_suffix('}').unwrap_or_default();
        let base64;
        let (member, text) = match std::str::from_utf8(value) {
            Ok(text) => ("SecretString", text),
            // No value of an agent, which is JSON.
            Err(_) => {
                base64 = Zeroizing::new(Base64::encode_string(value));
                ("SecretBinary", base64.as_str())
            }
        };
        let mut length = Length(0);
        serde_json::to_writer(&mut length, text)?;
        let mut body = Zeroizing::new(Vec::with_capacity(head.len() + member.len() + length.0 + 5));
        write!(&mut *body, "{head},\"{member}\":")?;
        serde_json::to_writer(&mut *body, text)?;
        body.push(b'}');
        debug_assert_eq!(body.len(), body.capacity(), "the buffer did not grow");
        Ok(Self(Bytes::from_owner(body)))
    }
}

impl Intercept for Body {
    fn name(&self) -> &'static str {
        "SealpostBody"
    }

    fn modify_before_retry_loop(
        &self,
        context: &mut BeforeTransmitInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let request = context.request_mut();
        let length = self.0.len().to_string();
        request.headers_mut().insert("content-length", length);
        *request.body_mut() = self.0.clone().into();
        Ok(())
    }
}

/// Shows nothing.
impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Body(..)")
    }
}

/// Counts what is written.
struct Length(usize);

impl Write for Length {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    fn body(value: &[u8]) -> Value {
        let place = Place {
            region: "eu-central-1".to_owned(),
            account: None,
            prefix: "team".to_owned(),
            kms_key: Some("alias/a".to_owned()),
            owner: "sealpost".to_owned(),
        };
        let body = Body::create(&place, "prod/db", "07", None, value).unwrap();
        assert_eq!(format!("{body:?}"), "Body(..)");
        serde_json::from_slice(&body.0).unwrap()
    }

    #[test]
    fn the_request_says_what_the_service_documents() {
        let text = "{\"a\":\"\\\"\u{1}é\u{2028}\"}\r\n";
        assert_eq!(
            body(text.as_bytes()),
            json!({
                "Name": "team/prod/db",
                "ClientRequestToken": "07",
                "KmsKeyId": "alias/a",
                "SecretString": text,
                "Tags": [
                    {"Key": "sealpost:owner", "Value": "sealpost"},
                    {"Key": "sealpost:operation", "Value": "07"},
                ],
            })
        );
        let binary = body(&[0xff, 0]);
        assert_eq!(binary["SecretBinary"], "/wA=");
        assert_eq!(binary["SecretString"], Value::Null);
    }
}
