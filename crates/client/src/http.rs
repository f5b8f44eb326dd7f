//! One exchange: a request, and its answer, read up to the length that a gateway's answers have.

use std::{fmt, time::Duration};

use bytes::Bytes;
use reqwest::{
    Method, Response, StatusCode, Url,
    header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderName, HeaderValue, RETRY_AFTER},
};

use crate::{
    error::ClientError, idempotency::IdempotencyKey, problem::Problem, token::Credentials,
};

/// A request that can be sent several times. Its body is shared, not copied.
pub(crate) struct Call {
    method: Method,
    url: Url,
    /// The status of success.
    expected: StatusCode,
    headers: Vec<(HeaderName, HeaderValue)>,
    body: Bytes,
}

/// An answer with the status that was expected.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) body: Vec<u8>,
    pub(crate) request_id: Option<String>,
}

impl Call {
    /// Creates a request to create a secret.
    pub(crate) fn post(
        url: Url,
        media_type: &'static str,
        body: Bytes,
        key: &IdempotencyKey,
    ) -> Result<Self, ClientError> {
        Ok(Self {
            method: Method::POST,
            url,
            expected: StatusCode::CREATED,
            headers: vec![
                (CONTENT_TYPE, HeaderValue::from_static(media_type)),
                (IDEMPOTENCY_KEY, key.header_value()?),
            ],
            body,
        })
    }

    /// Creates a request for a document.
    pub(crate) fn get(url: Url, media_type: &'static str) -> Self {
        Self {
            method: Method::GET,
            url,
            expected: StatusCode::OK,
            headers: vec![(ACCEPT, HeaderValue::from_static(media_type))],
            body: Bytes::new(),
        }
    }

    /// Sends it once.
    pub(crate) async fn attempt(
        &self,
        http: &reqwest::Client,
        credentials: &Credentials,
    ) -> Result<Answer, ClientError> {
        let mut request = http
            .request(self.method.clone(), self.url.clone())
            .body(self.body.clone());
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        if let Some(authorization) = credentials.header_value().await? {
            request = request.header(AUTHORIZATION, authorization);
        }
        let response = request.send().await.map_err(ClientError::from_http)?;
        let status = response.status();
        let (request_id, retry_after) = (
            header(&response, &X_REQUEST_ID).map(str::to_owned),
            retry_after(&response),
        );
        let body = read(response).await?;
        if status == self.expected {
            return Ok(Answer { body, request_id });
        }
        let status = status.as_u16();
        // A success with another status is not the gateway's.
        let is_error = status >= 400;
        match Problem::parse(status, &body, request_id).filter(|_| is_error) {
            Some(mut problem) => {
                problem.retry_after = retry_after;
                Err(ClientError::Problem(Box::new(problem)))
            }
            None => Err(ClientError::Unexpected { status }),
        }
    }
}

/// Does not show the body, which may be a value in clear.
impl fmt::Debug for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Call")
            .field("method", &self.method)
            .finish_non_exhaustive()
    }
}

fn header<'r>(response: &'r Response, name: &HeaderName) -> Option<&'r str> {
    response.headers().get(name)?.to_str().ok()
}

/// Reads the form in seconds (RFC 9110 §10.2.3). The form with a date is not read: it would need both clocks to agree.
fn retry_after(response: &Response) -> Option<Duration> {
    let seconds = header(response, &RETRY_AFTER)?.parse().ok()?;
    Some(Duration::from_secs(seconds))
}

/// Reads the body. Fails if it is longer than any answer of a gateway.
async fn read(mut response: Response) -> Result<Vec<u8>, ClientError> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(ClientError::from_http)? {
        if body.len() + chunk.len() > MAX_ANSWER {
            return Err(ClientError::Unexpected {
                status: response.status().as_u16(),
            });
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// Two thousand violations of 500 bytes.
const MAX_ANSWER: usize = 1 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_does_not_show_the_body() {
        let url = Url::parse("https://gateway.example").unwrap();
        let key = IdempotencyKey::new("k").unwrap();
        let body = Bytes::from_static(b"canary");
        let call = Call::post(url, "application/json", body, &key).unwrap();
        assert!(!format!("{call:?}").contains("canary"));
    }
}
