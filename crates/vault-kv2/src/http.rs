//! One exchange with a server: a request, and its answer in memory that is wiped.

use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use parking_lot::RwLock;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue, RETRY_AFTER};
use reqwest::{Client, Method, Response};
use sealpost_rest::ErrorChain;
use sealpost_vault::error::VaultFailure;
use tokio::time::{Instant, timeout_at};
use zeroize::Zeroizing;

use crate::index::Index;

/// The servers of one cluster.
pub(crate) struct Http {
    /// Replaced when the files of its certificates were.
    client: RwLock<Client>,
    /// Without a slash at the end.
    addresses: Vec<String>,
    /// Which of the addresses is used. Another one is, when this one does not serve.
    current: AtomicUsize,
    namespace: Option<HeaderValue>,
    index: Index,
}

/// A request that can be sent several times.
#[derive(Clone)]
pub(crate) struct Request<'a> {
    pub(crate) method: Method,
    /// Below `/v1/`, escaped.
    pub(crate) path: &'a str,
    pub(crate) body: Option<Bytes>,
    pub(crate) token: Option<&'a HeaderValue>,
}

/// What a server answered.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Zeroizing<Vec<u8>>,
    pub(crate) retry_after: Option<Duration>,
    /// Which of the addresses answered.
    pub(crate) address: usize,
}

impl Http {
    pub(crate) fn new(
        client: Client,
        addresses: Vec<String>,
        namespace: Option<HeaderValue>,
    ) -> Self {
        Self {
            client: RwLock::new(client),
            addresses,
            current: AtomicUsize::new(0),
            namespace,
            index: Index::default(),
        }
    }

    /// Uses another client from now on.
    pub(crate) fn replace_client(&self, client: Client) {
        *self.client.write() = client;
    }

    /// Sends a request once. It is late at `deadline`, and after [`LONGEST`].
    ///
    /// # Errors
    ///
    /// [`VaultFailure::Unavailable`]: whether the server has done it is not known.
    pub(crate) async fn exchange(
        &self,
        request: &Request<'_>,
        deadline: Instant,
    ) -> Result<Answer, VaultFailure> {
        let address = self.current.load(Ordering::Relaxed) % self.addresses.len();
        let begun = Instant::now();
        let exchange = self.send(request, address);
        match timeout_at(deadline.min(begun + LONGEST), exchange).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(error)) => {
                self.leave(address);
                let error = error.without_url();
                let text = format!(
                    "{} does not answer: {}",
                    self.addresses[address],
                    ErrorChain(&error)
                );
                Err(VaultFailure::unavailable(text))
            }
            Err(_) => {
                let waited = begun.elapsed();
                let text = format!(
                    "{} has not answered for {waited:.1?}",
                    self.addresses[address]
                );
                if waited < LONGEST {
                    return Err(VaultFailure::unavailable(Late(text)));
                }
                self.leave(address);
                Err(VaultFailure::unavailable(text))
            }
        }
    }

    /// Tries another address next time, because this one does not serve.
    pub(crate) fn leave(&self, address: usize) {
        let next = (address + 1) % self.addresses.len();
        // Not if another request has done so already.
        let _ = self
            .current
            .compare_exchange(address, next, Ordering::Relaxed, Ordering::Relaxed);
    }

    async fn send(&self, request: &Request<'_>, address: usize) -> Result<Answer, reqwest::Error> {
        let url = format!("{}/v1/{}", self.addresses[address], request.path);
        let client = self.client.read().clone();
        let mut builder = client
            .request(request.method.clone(), url)
            .headers(self.headers(request));
        if let Some(body) = &request.body {
            builder = builder.body(body.clone());
        }
        let response = builder.send().await?;
        if let Some(index) = response.headers().get(&INDEX) {
            self.index.note(index);
        }
        let retry_after = seconds(response.headers());
        Ok(Answer {
            status: response.status().as_u16(),
            retry_after,
            body: read(response).await?,
            address,
        })
    }

    fn headers(&self, request: &Request<'_>) -> HeaderMap {
        let mut headers = HeaderMap::new();
        // Browsers can't send it: the API asks for it where a listener is set up so.
        headers.insert(REQUEST, HeaderValue::from_static("true"));
        if let Some(namespace) = &self.namespace {
            headers.insert(NAMESPACE, namespace.clone());
        }
        if let Some(token) = request.token {
            headers.insert(TOKEN, token.clone());
        }
        // Writes, too: a standby may not know a token yet that another node has just given.
        if let Some(index) = self.index.header() {
            headers.insert(
                INCONSISTENT,
                HeaderValue::from_static("forward-active-node"),
            );
            headers.insert(INDEX, index);
        }
        headers
    }
}

/// The caller's time was over before the server could answer, which says nothing of the server.
#[derive(Debug)]
pub(crate) struct Late(String);

impl fmt::Display for Late {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Late {}

/// Shows no header.
impl fmt::Debug for Http {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Http")
            .field("addresses", &self.addresses)
            .field("namespace", &self.namespace)
            .finish_non_exhaustive()
    }
}

fn seconds(headers: &HeaderMap) -> Option<Duration> {
    let seconds = headers.get(RETRY_AFTER)?.to_str().ok()?.parse().ok()?;
    Some(Duration::from_secs(seconds))
}

/// Reads a body. What is longer than any secret is cut off, and then is not JSON.
async fn read(mut response: Response) -> Result<Zeroizing<Vec<u8>>, reqwest::Error> {
    // A buffer that grows would leave copies behind.
    let length = response
        .content_length()
        .and_then(|length| usize::try_from(length).ok());
    let length = length.unwrap_or(0).min(MAX_ANSWER);
    let mut body = Zeroizing::new(Vec::with_capacity(length));
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

const INDEX: HeaderName = HeaderName::from_static("x-vault-index");
const INCONSISTENT: HeaderName = HeaderName::from_static("x-vault-inconsistent");
const NAMESPACE: HeaderName = HeaderName::from_static("x-vault-namespace");
const REQUEST: HeaderName = HeaderName::from_static("x-vault-request");
const TOKEN: HeaderName = HeaderName::from_static("x-vault-token");
/// After this time a server that does not answer is taken for one that never will.
pub(crate) const LONGEST: Duration = Duration::from_secs(10);
/// The engine stores 1 MiB at most.
const MAX_ANSWER: usize = 4 << 20;
