//! One exchange with a server: a request, and its answer in memory that is wiped.

use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use reqwest::{Client, Method, Response};
use sealpost_rest::ErrorChain;
use sealpost_vault::error::VaultFailure;
use tokio::time::{Instant, timeout_at};
use zeroize::Zeroizing;

/// A server.
pub struct Http {
    client: Client,
    /// Without a slash at the end.
    address: String,
}

/// A request that can be sent several times.
#[derive(Clone)]
pub struct Request<'a> {
    /// `GET` and so on.
    pub method: Method,
    /// Path and query, with the slash before it, escaped.
    pub path: &'a str,
    /// JSON, or a form.
    pub body: Option<Bytes>,
    /// What the body is: [`JSON`] or [`FORM`].
    pub content_type: &'static str,
    /// Headers, such as `Authorization`.
    pub headers: &'a [(&'static str, &'a HeaderValue)],
}

/// What a server answered. `Debug` does not show the body.
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The body; one that is longer than any secret is cut off, and then is not JSON.
    pub body: Zeroizing<Vec<u8>>,
    /// How long the server wants to be left alone.
    pub retry_after: Option<Duration>,
    /// The header `WWW-Authenticate`.
    pub challenge: Option<String>,
}

impl Http {
    /// A server at this address, such as `https://vault.example`.
    #[must_use]
    pub fn new(client: Client, address: &str) -> Self {
        Self {
            client,
            address: address.trim_end_matches('/').to_owned(),
        }
    }

    /// Sends a request once. It is late at `deadline`, and after ten seconds.
    ///
    /// # Errors
    ///
    /// [`VaultFailure::Unavailable`]: whether the server has done it is not known.
    pub async fn exchange(
        &self,
        request: &Request<'_>,
        deadline: Instant,
    ) -> Result<Answer, VaultFailure> {
        let begun = Instant::now();
        match timeout_at(deadline.min(begun + LONGEST), self.send(request)).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(error)) => {
                let error = error.without_url();
                Err(VaultFailure::unavailable(format!(
                    "{} does not answer: {}",
                    self.address,
                    ErrorChain(&error)
                )))
            }
            Err(_) => {
                let waited = begun.elapsed();
                let text = format!("{} has not answered for {waited:.1?}", self.address);
                Err(match waited < LONGEST {
                    true => VaultFailure::unavailable(Late(text)),
                    false => VaultFailure::unavailable(text),
                })
            }
        }
    }

    async fn send(&self, request: &Request<'_>) -> Result<Answer, reqwest::Error> {
        let url = format!("{}{}", self.address, request.path);
        let mut builder = self.client.request(request.method.clone(), url);
        for (name, value) in request.headers {
            builder = builder.header(*name, (*value).clone());
        }
        if let Some(body) = &request.body {
            builder = builder
                .header(CONTENT_TYPE, HeaderValue::from_static(request.content_type))
                .body(body.clone());
        }
        let response = builder.send().await?;
        let retry_after = seconds(response.headers());
        let challenge = response.headers().get(WWW_AUTHENTICATE);
        Ok(Answer {
            status: response.status().as_u16(),
            retry_after,
            challenge: challenge.and_then(|value| value.to_str().ok().map(str::to_owned)),
            body: read(response).await?,
        })
    }
}

impl fmt::Debug for Http {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Http")
            .field("address", &self.address)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Request<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request")
            .field("method", &self.method)
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Answer")
            .field("status", &self.status)
            .finish_non_exhaustive()
    }
}

/// The caller's time was over before the server could answer, which says nothing of the server.
#[derive(Debug)]
pub struct Late(String);

impl fmt::Display for Late {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Late {}

fn seconds(headers: &HeaderMap) -> Option<Duration> {
    let seconds = headers.get(RETRY_AFTER)?.to_str().ok()?.parse().ok()?;
    Some(Duration::from_secs(seconds))
}

async fn read(mut response: Response) -> Result<Zeroizing<Vec<u8>>, reqwest::Error> {
    // A buffer that grows would leave copies behind.
    let length = response
        .content_length()
        .and_then(|length| usize::try_from(length).ok());
    let mut body = Zeroizing::new(Vec::with_capacity(length.unwrap_or(0).min(MAX_ANSWER)));
    while let Some(chunk) = response.chunk().await? {
        let chunk = &chunk[..chunk.len().min(MAX_ANSWER - body.len())];
        if body.capacity() - body.len() < chunk.len() {
            let mut longer = Zeroizing::new(Vec::with_capacity(2 * (body.len() + chunk.len())));
            longer.extend_from_slice(&body);
            body = longer;
        }
        body.extend_from_slice(chunk);
    }
    Ok(body)
}

/// The body is JSON.
pub const JSON: &str = "application/json";
/// The body is a form.
pub const FORM: &str = "application/x-www-form-urlencoded";
/// After this time a server that does not answer is taken for one that never will.
const LONGEST: Duration = Duration::from_secs(10);
/// More than any value, escaped at its worst.
const MAX_ANSWER: usize = 4 << 20;
