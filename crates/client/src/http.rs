//! One exchange: a request, and its answer, read up to the length that a gateway's answers have.

use std::{fmt, time::SystemTime};

use bytes::Bytes;
use reqwest::{
    Body, Method, Response, StatusCode, Url,
    header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderName, HeaderValue},
};

use crate::{
    error::{ClientError, TlsFailure},
    idempotency::IdempotencyKey,
    printable::printable,
    problem::Problem,
    retry::Failed,
    retry_after::retry_after,
    sent::Sent,
    token::Credentials,
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

/// With what calls are sent.
pub(crate) struct Sender<'a> {
    pub(crate) http: &'a reqwest::Client,
    pub(crate) credentials: &'a Credentials,
    /// Whether there is a certificate to show to the gateway.
    pub(crate) has_certificate: bool,
}

/// An answer with the status that was expected.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) body: Vec<u8>,
    /// Without parameters, in lower case.
    pub(crate) media_type: Option<String>,
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

    /// Sends it once; `sent` tells whether anything of the body left.
    pub(crate) async fn attempt(&self, with: &Sender<'_>, sent: Sent) -> Result<Answer, Failed> {
        let mut request = (with.http).request(self.method.clone(), self.url.clone());
        request = match self.body.is_empty() {
            // The library takes no empty body, and may send the request all the same.
            true => {
                sent.note_taken();
                request
            }
            false => request.body(Body::wrap(sent.track(self.body.clone()))),
        };
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        if let Some(authorization) = with.credentials.header_value().await? {
            request = request.header(AUTHORIZATION, authorization);
        }
        let failed = |error| ClientError::from_http(error, &sent, with.has_certificate);
        let response = request.send().await.map_err(failed)?;
        let status = response.status();
        let request_id = header(&response, &X_REQUEST_ID).filter(|id| id.len() <= MAX_ID);
        let request_id = request_id.map(|id| printable(id.to_owned()));
        let media_type = header(&response, &CONTENT_TYPE).map(essence);
        let retry_after = retry_after(response.headers(), SystemTime::now());
        let body = read(response, failed)
            .await
            .map_err(|error| Failed { error, retry_after })?;
        if status == self.expected {
            return Ok(Answer {
                body,
                media_type,
                request_id,
            });
        }
        let status = status.as_u16();
        // A success with another status is not the gateway's.
        let is_error = status >= 400;
        let error = match Problem::parse(status, &body, request_id).filter(|_| is_error) {
            Some(mut problem) => {
                problem.retry_after = retry_after;
                ClientError::Problem(Box::new(problem))
            }
            None if self.url.scheme() == "http" && is_from_tls_port(status, &body) => {
                // Its own words: it has not taken the request for one.
                ClientError::PlainToTls { written: false }
            }
            None => match wants_certificate(status, &body, with.has_certificate) {
                Some(reason) => ClientError::Tls {
                    reason,
                    source: "the server's page says so".into(),
                },
                None => ClientError::unexpected(status),
            },
        };
        Err(Failed { error, retry_after })
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

/// `type/subtype` of a media type.
fn essence(media_type: &str) -> String {
    let essence = media_type.split(';').next().unwrap_or_default();
    essence.trim().to_ascii_lowercase()
}

/// Servers that speak TLS answer plain HTTP with a text of their own: nginx, Apache and Go in these words.
fn is_from_tls_port(status: u16, body: &[u8]) -> bool {
    let text = String::from_utf8_lossy(&body[..body.len().min(4096)]);
    status == 400
        && [
            "plain HTTP request was sent to HTTPS port",
            "speaking plain HTTP to an SSL-enabled server port",
            "sent an HTTP request to an HTTPS server",
            // Tomcat
            "This combination of host and port requires TLS",
        ]
        .iter()
        .any(|words| text.contains(words))
}

/// nginx ends the handshake without the certificate that it wants, and says so in a page of its own.
fn wants_certificate(status: u16, body: &[u8], has_one: bool) -> Option<TlsFailure> {
    let text = String::from_utf8_lossy(&body[..body.len().min(4096)]);
    if status != 400 {
        None
    } else if text.contains("No required SSL certificate was sent") {
        Some(TlsFailure::WantsClientCertificate { has_one })
    } else {
        text.contains("The SSL certificate error")
            .then_some(TlsFailure::RefusesClientCertificate(""))
    }
}

/// Reads the body. Fails if it is longer than any answer of a gateway.
async fn read(
    mut response: Response,
    failed: impl Fn(reqwest::Error) -> ClientError,
) -> Result<Vec<u8>, ClientError> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(&failed)? {
        if body.len() + chunk.len() > MAX_ANSWER {
            return Err(ClientError::unexpected(response.status().as_u16()));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// Two thousand violations of 500 bytes.
const MAX_ANSWER: usize = 1 << 20;
/// A gateway's own have at most 64 bytes.
const MAX_ID: usize = 128;

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
