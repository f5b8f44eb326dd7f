//! Stands between a vault and the service: asks for a token, which the emulator does not, and makes the service fail.

use std::collections::HashSet;
use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, Method, Response, Uri};
use sealpost_vault::Access;
use sealpost_vault::conformance::Faults;
use sealpost_vault::error::VaultFailure;
use sealpost_vault::{Vault, VaultSecretName};
use sealpost_vault_google::{GoogleBuilder, GoogleVault};
use sealpost_vault_http::TokenSource;
use zeroize::Zeroizing;

#[derive(Clone)]
pub(crate) struct Rig {
    /// Of the proxy.
    address: String,
    project: String,
    pub(crate) shared: Arc<Shared>,
}

#[derive(Default)]
pub(crate) struct Shared {
    server: String,
    http: reqwest::Client,
    lose: AtomicUsize,
    throttle: AtomicUsize,
    away: AtomicUsize,
    issued: AtomicUsize,
    good: Mutex<HashSet<String>>,
    pub(crate) requests: Mutex<Vec<String>>,
}

/// Issues tokens that the proxy accepts, or ones that it does not know.
#[derive(Clone)]
struct Issuer {
    shared: Arc<Shared>,
    now: Arc<Mutex<Option<String>>>,
    is_known: bool,
}

impl Rig {
    pub(crate) async fn new(server: &str, project: &str) -> Self {
        let shared = Arc::new(Shared {
            server: server.to_owned(),
            ..Shared::default()
        });
        let router = Router::new()
            .fallback(forward)
            .with_state(Arc::clone(&shared));
        Self {
            address: super::listen(router).await,
            project: project.to_owned(),
            shared,
        }
    }

    pub(crate) fn builder(&self) -> GoogleBuilder {
        self.with_tokens(true)
    }

    pub(crate) async fn vault(&self) -> GoogleVault {
        self.builder().open().await.unwrap()
    }

    fn with_tokens(&self, is_known: bool) -> GoogleBuilder {
        let issuer = Issuer {
            shared: Arc::clone(&self.shared),
            now: Arc::default(),
            is_known,
        };
        GoogleVault::builder(self.project.as_str())
            .endpoint(self.address.as_str())
            .token_source(Arc::new(issuer))
            .access(Access::Delete)
    }
}

#[async_trait]
impl TokenSource for Issuer {
    async fn token(&self, fresh: bool) -> Result<Zeroizing<String>, VaultFailure> {
        let mut now = self.now.lock().unwrap();
        if fresh || now.is_none() {
            let number = self.shared.issued.fetch_add(1, Ordering::SeqCst);
            let token = format!("ya29.canary-{number}");
            if self.is_known {
                self.shared.good.lock().unwrap().insert(token.clone());
            }
            *now = Some(token);
        }
        Ok(Zeroizing::new(now.clone().unwrap()))
    }
}

impl std::fmt::Debug for Issuer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Issuer")
    }
}

#[async_trait]
impl Faults for Rig {
    async fn again(&self) -> Arc<dyn Vault> {
        Arc::new(self.vault().await)
    }

    async fn lose_answers(&self, count: usize) -> bool {
        self.shared.lose.store(count, Ordering::SeqCst);
        true
    }

    async fn throttle(&self, count: usize) -> bool {
        self.shared.throttle.store(count, Ordering::SeqCst);
        true
    }

    async fn be_away(&self, count: usize) -> bool {
        self.shared.away.store(count, Ordering::SeqCst);
        true
    }

    async fn expire_credentials(&self) -> bool {
        self.shared.good.lock().unwrap().clear();
        true
    }

    async fn with_wrong_credentials(&self) -> Option<Result<Arc<dyn Vault>, VaultFailure>> {
        let wrong = self.with_tokens(false).open().await;
        Some(wrong.map(|vault| Arc::new(vault) as Arc<dyn Vault>))
    }

    /// `gcloud secrets delete`: the service restores nothing.
    async fn delete_as_a_person(&self, name: &VaultSecretName) -> bool {
        let url = format!(
            "{}/v1/projects/{}/secrets/{name}",
            self.shared.server, self.project
        );
        let answer = self.shared.http.delete(url).send().await.unwrap();
        assert!(answer.status().is_success(), "{}", answer.status());
        true
    }
}

async fn forward(
    State(shared): State<Arc<Shared>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response<Body> {
    if take(&shared.throttle).is_some() {
        return plain(429, "{\"error\":{\"status\":\"RESOURCE_EXHAUSTED\"}}");
    }
    if let Some(left) = take(&shared.away) {
        return plain([503, 500, 502][left % 3], "");
    }
    let token = headers.get("authorization").map(|t| t.to_str().unwrap());
    let token = token.and_then(|token| token.strip_prefix("Bearer "));
    if !token.is_some_and(|token| shared.good.lock().unwrap().contains(token)) {
        return plain(401, "{\"error\":{\"status\":\"UNAUTHENTICATED\"}}");
    }
    shared
        .requests
        .lock()
        .unwrap()
        .push(format!("{method} {uri}"));
    let path = uri.path_and_query().unwrap().as_str();
    let answer = shared
        .http
        .request(method.clone(), format!("{}{path}", shared.server))
        .header("content-type", "application/json")
        .body(body)
        .send()
        .await;
    let Ok(answer) = answer else {
        return plain(502, "");
    };
    let is_write = method == Method::POST;
    if is_write && let Some(left) = take(&shared.lose) {
        // It was done. What the vault gets is one of the ways in which that is not said.
        return match left % 3 {
            0 => plain(503, ""),
            1 => cut(),
            _ => plain(500, ""),
        };
    }
    Response::builder()
        .status(answer.status())
        .body(Body::from(answer.bytes().await.unwrap()))
        .unwrap()
}

/// Counts down, and returns what is left; `None` at zero.
fn take(count: &AtomicUsize) -> Option<usize> {
    let less = |count: usize| count.checked_sub(1);
    count
        .fetch_update(Ordering::SeqCst, Ordering::SeqCst, less)
        .ok()
}

fn plain(status: u16, body: &'static str) -> Response<Body> {
    Response::builder()
        .status(status)
        .body(Body::from(body))
        .unwrap()
}

/// An answer whose end never comes.
fn cut() -> Response<Body> {
    let parts = [Ok("{\"name\":"), Err(io::Error::other("cut"))];
    Response::new(Body::from_stream(futures_util::stream::iter(parts)))
}
