//! The ways to a token of Microsoft Entra ID.

mod assertion;

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use form_urlencoded::byte_serialize;
use reqwest::header::HeaderValue;
use sealpost_files::read_named;
use sealpost_vault::Patience;
use sealpost_vault::error::VaultFailure;
use sealpost_vault_http::{Answer, Connection, FORM, Http, Request, TokenSource, json};
use tokio::sync::Mutex;
use tokio::task::spawn_blocking;
use tokio::time::Instant;
use zeroize::Zeroizing;

/// How an agent authenticates. Credentials are in files, which are read each time: `Debug` shows none.
#[derive(Clone, Debug)]
pub(crate) enum Method {
    /// As the identity of the machine, or of the App Service.
    ManagedIdentity { client_id: Option<String> },
    /// With the token of a Kubernetes service account.
    WorkloadIdentity {
        tenant_id: String,
        client_id: String,
        token_file: PathBuf,
    },
    /// With the secret of an application.
    Secret {
        tenant_id: String,
        client_id: String,
        secret_file: PathBuf,
    },
    /// With the certificate of an application.
    Certificate {
        tenant_id: String,
        client_id: String,
        certificate_file: PathBuf,
    },
}

impl Method {
    /// Returns what is wrong, by the key of the configuration.
    pub(crate) fn validate(&self) -> Vec<(&'static str, String)> {
        let (tenant, client) = match self {
            Self::ManagedIdentity { client_id } => (None, client_id.as_ref()),
            Self::WorkloadIdentity {
                tenant_id,
                client_id,
                ..
            }
            | Self::Secret {
                tenant_id,
                client_id,
                ..
            }
            | Self::Certificate {
                tenant_id,
                client_id,
                ..
            } => (Some(tenant_id), Some(client_id)),
        };
        [("tenant_id", tenant), ("client_id", client)]
            .into_iter()
            .filter(|(_, id)| id.is_some_and(|id| !is_id(id)))
            .map(|(key, _)| (key, "must be an id of Microsoft Entra, such as 00000000-0000-0000-0000-000000000000".to_owned()))
            .collect()
    }
}

/// Gets tokens, and keeps one until shortly before its end.
pub(crate) struct AzureCredentials {
    method: Method,
    http: Http,
    /// Of the authority, or of the machine's identities.
    path: String,
    resource: String,
    /// The audience of assertions.
    audience: String,
    /// What App Service asks for beside the address.
    header: Option<HeaderValue>,
    now: Mutex<Option<Now>>,
}

struct Now {
    token: Zeroizing<String>,
    until: Instant,
}

impl AzureCredentials {
    pub(crate) async fn new(
        method: Method,
        authority: Option<&str>,
        resource: &str,
        connection: Connection,
    ) -> Result<Self, VaultFailure> {
        let mut header = None;
        let (address, path) = match &method {
            Method::ManagedIdentity { client_id } => {
                let app_service = match authority {
                    Some(_) => None,
                    None => std::env::var("IDENTITY_ENDPOINT").ok(),
                };
                let (address, path, version) = match &app_service {
                    Some(endpoint) => {
                        let secret =
                            Zeroizing::new(std::env::var("IDENTITY_HEADER").unwrap_or_default());
                        header = HeaderValue::from_str(&secret).ok().map(sensitive);
                        let (address, path) = divided(endpoint).ok_or_else(|| {
                            VaultFailure::unauthenticated("IDENTITY_ENDPOINT is no address")
                        })?;
                        (address, path, "2019-08-01")
                    }
                    None => {
                        let address = authority.unwrap_or(MACHINE).to_owned();
                        (
                            address,
                            "/metadata/identity/oauth2/token".to_owned(),
                            "2018-02-01",
                        )
                    }
                };
                let client = match client_id {
                    Some(client_id) => format!("&client_id={client_id}"),
                    None => String::new(),
                };
                let resource = escaped(resource);
                (
                    address,
                    format!("{path}?api-version={version}&resource={resource}{client}"),
                )
            }
            Method::WorkloadIdentity { tenant_id, .. }
            | Method::Secret { tenant_id, .. }
            | Method::Certificate { tenant_id, .. } => (
                authority.unwrap_or(AUTHORITY).to_owned(),
                format!("/{tenant_id}/oauth2/v2.0/token"),
            ),
        };
        let connection = Connection {
            // What the machine says of itself goes through no proxy.
            is_plain: address.starts_with("http://"),
            ..connection
        };
        let client = spawn_blocking(move || connection.client()).await;
        let client = client.map_err(VaultFailure::unavailable)??;
        Ok(Self {
            http: Http::new(client, &address),
            audience: format!("{}{path}", address.trim_end_matches('/')),
            path,
            resource: resource.to_owned(),
            method,
            header,
            now: Mutex::new(None),
        })
    }

    /// Returns the body of a request to the authority; `None` for a managed identity, which is asked for without one.
    async fn form(&self) -> Result<Option<Bytes>, VaultFailure> {
        let (client_id, key, value) = match &self.method {
            Method::ManagedIdentity { .. } => return Ok(None),
            Method::WorkloadIdentity {
                client_id,
                token_file,
                ..
            } => (client_id, ASSERTION, content(token_file).await?),
            Method::Secret {
                client_id,
                secret_file,
                ..
            } => (client_id, "client_secret", content(secret_file).await?),
            Method::Certificate {
                client_id,
                certificate_file,
                ..
            } => {
                let pem = content(certificate_file).await?;
                let signed = assertion::signed(&pem, client_id, &self.audience);
                let signed = signed.map_err(|wrong| {
                    VaultFailure::unauthenticated(format!(
                        "{} {wrong}",
                        sealpost_files::quoted(certificate_file)
                    ))
                })?;
                (
                    client_id,
                    ASSERTION,
                    Zeroizing::new(signed.as_bytes().to_vec()),
                )
            }
        };
        let mut form = format!(
            "client_id={client_id}&grant_type=client_credentials&scope={}%2F.default",
            escaped(&self.resource)
        );
        if key == ASSERTION {
            form += "&client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer";
        }
        form += &format!("&{key}=");
        let value = value.trim_ascii();
        // Escaped, each byte takes three at most: nothing grows, so that no copy is left behind.
        let mut body = Zeroizing::new(Vec::with_capacity(form.len() + 3 * value.len()));
        body.extend_from_slice(form.as_bytes());
        for piece in byte_serialize(value) {
            body.extend_from_slice(piece.as_bytes());
        }
        Ok(Some(Bytes::from_owner(body)))
    }

    async fn get(&self) -> Result<Now, VaultFailure> {
        let body = self.form().await?;
        let metadata = HeaderValue::from_static("true");
        let headers: Vec<_> = match (&body, &self.header) {
            (Some(_), _) => Vec::new(),
            (None, Some(header)) => vec![("x-identity-header", header)],
            (None, None) => vec![("metadata", &metadata)],
        };
        let request = Request {
            method: match &body {
                Some(_) => reqwest::Method::POST,
                None => reqwest::Method::GET,
            },
            path: &self.path,
            body: body.clone(),
            content_type: FORM,
            headers: &headers,
        };
        let mut patience = Patience::lasting(LONGEST);
        loop {
            let (cause, wait) = match self.http.exchange(&request, patience.deadline()).await {
                Ok(answer) => match answer.status {
                    200 => return now(&answer),
                    // 410: the machine's service is being updated.
                    408 | 410 | 429 | 500..=599 => {
                        let text = format!("what issues tokens fails ({})", answer.status);
                        (VaultFailure::unavailable(text), answer.retry_after)
                    }
                    status => return Err(refused(status, &answer)),
                },
                Err(cause) => (cause, None),
            };
            patience.pause(cause, wait).await?;
        }
    }
}

#[async_trait]
impl TokenSource for AzureCredentials {
    async fn token(&self, fresh: bool) -> Result<Zeroizing<String>, VaultFailure> {
        // Of many that wait, one asks.
        let mut now = self.now.lock().await;
        match &*now {
            Some(there) if !fresh && Instant::now() < there.until => Ok(there.token.clone()),
            _ => Ok(now.insert(self.get().await?).token.clone()),
        }
    }

    async fn check(&self) -> Result<(), VaultFailure> {
        self.form().await.map(drop)
    }
}

impl fmt::Debug for AzureCredentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AzureCredentials")
            .field("method", &self.method)
            .field("http", &self.http)
            .finish_non_exhaustive()
    }
}

fn now(answer: &Answer) -> Result<Now, VaultFailure> {
    let token = json::string(&answer.body, &["access_token"]).filter(|token| !token.is_empty());
    let token = token.ok_or_else(|| {
        VaultFailure::unavailable(
            "what issues tokens answers without one; look whether a proxy answers in its place",
        )
    })?;
    // A number, or one in a string.
    let seconds = json::part(&answer.body, &["expires_in"])
        .and_then(|seconds| seconds.trim_matches('"').parse().ok())
        .unwrap_or(0_u64);
    // Ahead of its end, by a fifth and by five minutes at most. Longer times would overflow the clock.
    let seconds = seconds.min(86_400);
    let ahead = (seconds / 5).min(300);
    Ok(Now {
        token,
        until: Instant::now() + Duration::from_secs(seconds - ahead),
    })
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

async fn content(path: &Path) -> Result<Zeroizing<Vec<u8>>, VaultFailure> {
    let path = path.to_owned();
    let content = spawn_blocking(move || read_named(&path, MAX_FILE)).await;
    content
        .map_err(VaultFailure::unavailable)?
        .map_err(|error| VaultFailure::unauthenticated(error.in_one_line()))
}

/// Divides a URL into address and path.
fn divided(url: &str) -> Option<(String, String)> {
    let (scheme, rest) = url.split_once("://")?;
    let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
    Some((format!("{scheme}://{host}"), format!("/{path}")))
}

fn escaped(text: &str) -> String {
    byte_serialize(text.as_bytes()).collect()
}

fn is_id(text: &str) -> bool {
    (1..=128).contains(&text.len())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-.".contains(&byte))
        && !text.starts_with('.')
}

fn sensitive(mut value: HeaderValue) -> HeaderValue {
    value.set_sensitive(true);
    value
}

const AUTHORITY: &str = "https://login.microsoftonline.com";
/// Link-local: it does not leave the machine's host.
const MACHINE: &str = "http://169.254.169.254";
const ASSERTION: &str = "client_assertion";
/// How long tokens are waited for; a call waits no longer than its own deadline.
const LONGEST: Duration = Duration::from_secs(20);
/// More than any token, secret or certificate with its key needs.
const MAX_FILE: usize = 64 * 1024;

#[cfg(test)]
mod tests;
