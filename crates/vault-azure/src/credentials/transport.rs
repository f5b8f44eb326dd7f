//! How Microsoft's crate reaches what issues tokens. It wipes nothing, so it never holds what proves an application: it writes a
//! request with a mark in that place, and what belongs there is put in here.

use std::fmt;

use async_trait::async_trait;
use azure_core::Bytes;
use azure_core::error::{Error, ErrorKind};
use azure_core::http::headers::{HeaderName, Headers};
use azure_core::http::{AsyncRawResponse, Body, HttpClient, Request};
use form_urlencoded::byte_serialize;
use reqwest::Client;
use reqwest::header::HeaderValue;
use sealpost_vault::error::VaultFailure;
use sealpost_vault_http::{Answer, FORM, Http, json};
use tokio::time::Instant;
use zeroize::Zeroizing;

use super::Method;

/// What issues tokens: the authority, or the machine's service.
pub(super) struct Issuer {
    client: Client,
    /// Instead of the one that the crate names.
    address: Option<String>,
    method: Method,
}

impl Issuer {
    pub(super) fn new(client: Client, address: Option<&str>, method: Method) -> Self {
        Self {
            client,
            address: address.map(str::to_owned),
            method,
        }
    }

    async fn answer(&self, request: &Request) -> Result<Answer, VaultFailure> {
        let url = request.url();
        let address = match &self.address {
            Some(address) => address.clone(),
            None => url.origin().ascii_serialization(),
        };
        let body = match request.body() {
            Body::Bytes(form) if form.is_empty() => None,
            Body::Bytes(form) => {
                let endpoint = format!("{}{}", address.trim_end_matches('/'), url.path());
                Some(self.proven(form, &endpoint).await?)
            }
            Body::SeekableStream(_) => return Err(unknown()),
        };
        let mut values = Vec::with_capacity(HEADERS.len());
        for name in HEADERS {
            let Some(value) = request
                .headers()
                .get_optional_str(&HeaderName::from_static(name))
            else {
                continue;
            };
            let mut value = HeaderValue::from_str(value).map_err(|_| unknown())?;
            value.set_sensitive(true);
            values.push((name, value));
        }
        let headers: Vec<_> = values.iter().map(|(name, value)| (*name, value)).collect();
        let request = sealpost_vault_http::Request {
            method: match &body {
                Some(_) => reqwest::Method::POST,
                None => reqwest::Method::GET,
            },
            path: &request.path_and_query(),
            body,
            content_type: FORM,
            headers: &headers,
        };
        // The caller's deadline ends the call.
        let never = Instant::now() + FAR;
        Http::new(self.client.clone(), &address)
            .exchange(&request, never)
            .await
    }

    /// Returns a form with the proof in the place of the mark.
    async fn proven(&self, form: &[u8], endpoint: &str) -> Result<Bytes, VaultFailure> {
        let form = str::from_utf8(form).map_err(|_| unknown())?;
        let (before, after) = form.split_once(PLACE).ok_or_else(unknown)?;
        let proof = self.method.proof(endpoint).await?;
        let proof = proof.trim_ascii();
        // Escaped, each byte takes three at most: nothing grows, so that no copy is left behind.
        let length = before.len() + 3 * proof.len() + after.len();
        let mut body = Zeroizing::new(Vec::with_capacity(length));
        body.extend_from_slice(before.as_bytes());
        for piece in byte_serialize(proof) {
            body.extend_from_slice(piece.as_bytes());
        }
        body.extend_from_slice(after.as_bytes());
        Ok(Bytes::from_owner(body))
    }
}

#[async_trait]
impl HttpClient for Issuer {
    async fn execute_request(&self, request: &Request) -> azure_core::Result<AsyncRawResponse> {
        let answer = self.answer(request).await.map_err(|failure| {
            let kind = match &failure {
                // Tried again.
                VaultFailure::Unavailable(_) => ErrorKind::Io,
                _ => ErrorKind::Credential,
            };
            Error::new(kind, failure)
        })?;
        let is_of_machine = matches!(self.method, Method::ManagedIdentity { .. });
        let mut headers = Headers::new();
        let body = match answer.status {
            200 => Bytes::from_owner(answer.body),
            // The crate tries again, and gets nothing that it could repeat in an error.
            404 | 410 if is_of_machine => Bytes::from_static(b"{}"),
            408 | 429 | 500..=599 => {
                if let Some(wait) = answer.retry_after {
                    headers.insert("retry-after", wait.as_secs().to_string());
                }
                Bytes::from_static(b"{}")
            }
            status => {
                let refused = refused(status, &answer);
                return Err(Error::new(ErrorKind::Credential, refused));
            }
        };
        Ok(AsyncRawResponse::from_bytes(
            answer.status.into(),
            headers,
            body,
        ))
    }
}

impl fmt::Debug for Issuer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Issuer")
            .field("address", &self.address)
            .field("method", &self.method)
            .finish_non_exhaustive()
    }
}

/// Says which of Microsoft's numbers an answer names, and nothing else of it.
fn refused(status: u16, answer: &Answer) -> VaultFailure {
    let text = json::string(&answer.body, &["error_description"]).unwrap_or_default();
    let number = text.split("AADSTS").nth(1).unwrap_or_default();
    let digits: String = number
        .chars()
        .take_while(char::is_ascii_digit)
        .take(12)
        .collect();
    let number = match digits.is_empty() {
        true => String::new(),
        false => format!(", AADSTS{digits}"),
    };
    VaultFailure::unauthenticated(format!(
        "what issues tokens refuses the identity ({status}{number}); compare tenant and client id, and what is registered for them"
    ))
}

fn unknown() -> VaultFailure {
    VaultFailure::unusable(
        "Microsoft's crate asks for a token in a way that this program does not know; this is a defect: report it",
    )
}

/// What the crate writes where a proof belongs. It needs no escape in a form.
pub(super) const PLACE: &str = "sealpost-puts-the-proof-here";
/// What is passed on beside the kind of the body.
const HEADERS: [&str; 4] = [
    "metadata",
    "user-agent",
    "x-identity-header",
    "x-ms-client-request-id",
];
const FAR: std::time::Duration = std::time::Duration::from_secs(3_600);
