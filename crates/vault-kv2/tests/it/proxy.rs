//! Stands between a vault and its server, and makes the server fail.

use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, Method, Response, Uri};
use sealpost_vault::conformance::Faults;
use sealpost_vault::error::VaultFailure;
use sealpost_vault::{Vault, VaultSecretName};
use sealpost_vault_kv2::{Access, Kv2Builder, Kv2Vault};

/// The proxy, and what it needs to make faults that only the server itself can make.
#[derive(Clone)]
pub(crate) struct Rig(Arc<Inner>);

struct Inner {
    /// Of the proxy.
    address: String,
    server: String,
    root: String,
    role_id: String,
    secret_id: PathBuf,
    wrong_secret_id: PathBuf,
    shared: Arc<Shared>,
}

#[derive(Default)]
pub(crate) struct Shared {
    server: String,
    http: reqwest::Client,
    lose: AtomicUsize,
    throttle: AtomicUsize,
    away: AtomicUsize,
    /// Reads that are answered by a node which has not seen the newest writes.
    pub(crate) stale: AtomicUsize,
    /// Whether writes that check-and-set refuses are refused by a policy.
    pub(crate) is_create_only: AtomicBool,
    /// The token of the last request.
    token: Mutex<Option<String>>,
    pub(crate) requests: Mutex<Vec<Seen>>,
}

/// A request that went through.
pub(crate) struct Seen {
    pub(crate) line: String,
    pub(crate) headers: HeaderMap,
}

impl Rig {
    pub(crate) async fn new(
        server: &str,
        root: &str,
        role_id: &str,
        secret_id: PathBuf,
        wrong_secret_id: PathBuf,
    ) -> Self {
        let shared = Arc::new(Shared {
            server: server.to_owned(),
            ..Shared::default()
        });
        let router = Router::new()
            .fallback(forward)
            .with_state(Arc::clone(&shared));
        Self(Arc::new(Inner {
            address: super::listen(router).await,
            server: server.to_owned(),
            root: root.to_owned(),
            role_id: role_id.to_owned(),
            secret_id,
            wrong_secret_id,
            shared,
        }))
    }

    pub(crate) fn shared(&self) -> &Shared {
        &self.0.shared
    }

    pub(crate) fn builder(&self) -> Kv2Builder {
        Kv2Vault::builder([self.0.address.as_str()])
            .app_role(self.0.role_id.as_str(), Some(self.0.secret_id.clone()))
            .access(Access::Delete)
    }

    pub(crate) async fn vault(&self) -> Kv2Vault {
        self.builder().open().await.unwrap()
    }

    /// Asks the server itself, as its operator.
    pub(crate) async fn operate(&self, method: Method, path: &str, body: &str) -> String {
        let answer = self
            .0
            .shared
            .http
            .request(method, format!("{}/v1/{path}", self.0.server))
            .header("x-vault-token", &self.0.root)
            .body(body.to_owned())
            .send()
            .await
            .unwrap();
        assert!(answer.status().is_success(), "{path}: {}", answer.status());
        answer.text().await.unwrap()
    }
}

#[async_trait]
impl Faults for Rig {
    async fn again(&self) -> Arc<dyn Vault> {
        Arc::new(self.vault().await)
    }

    async fn lose_answers(&self, count: usize) -> bool {
        self.0.shared.lose.store(count, Ordering::SeqCst);
        true
    }

    async fn throttle(&self, count: usize) -> bool {
        self.0.shared.throttle.store(count, Ordering::SeqCst);
        true
    }

    async fn be_away(&self, count: usize) -> bool {
        self.0.shared.away.store(count, Ordering::SeqCst);
        true
    }

    async fn expire_credentials(&self) -> bool {
        let token = self.0.shared.token.lock().unwrap().clone().unwrap();
        let body = format!("{{\"token\":\"{token}\"}}");
        self.operate(Method::POST, "auth/token/revoke", &body).await;
        true
    }

    async fn with_wrong_credentials(&self) -> Option<Result<Arc<dyn Vault>, VaultFailure>> {
        let wrong = self.builder().app_role(
            self.0.role_id.as_str(),
            Some(self.0.wrong_secret_id.clone()),
        );
        Some(
            wrong
                .open()
                .await
                .map(|vault| Arc::new(vault) as Arc<dyn Vault>),
        )
    }

    async fn delete_as_a_person(&self, name: &VaultSecretName) -> bool {
        let path = format!("secret/data/{}", name.as_str());
        self.operate(Method::DELETE, &path, "").await;
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
        return plain(
            429,
            "{\"errors\":[\"request path rate limit quota exceeded\"]}",
        );
    }
    if let Some(left) = take(&shared.away) {
        return match left % 3 {
            0 => plain(503, "{\"errors\":[\"Vault is sealed\"]}"),
            1 => plain(
                500,
                "{\"errors\":[\"local node not active but active cluster node not found\"]}",
            ),
            _ => redirection(),
        };
    }
    let is_read = method == Method::GET && uri.path().contains("/secret/");
    if is_read && take(&shared.stale).is_some() {
        let mut response = plain(429, "{\"errors\":[\"required index state not present\"]}");
        let second = HeaderValue::from_static("1");
        response.headers_mut().insert("retry-after", second);
        return response;
    }
    if let Some(token) = headers.get("x-vault-token") {
        *shared.token.lock().unwrap() = Some(token.to_str().unwrap().to_owned());
    }
    let line = format!("{method} {uri}");
    let path = uri.path_and_query().unwrap().as_str();
    let mut request = shared
        .http
        .request(method.clone(), format!("{}{path}", shared.server))
        .body(body);
    for (name, value) in &headers {
        if name.as_str().starts_with("x-vault") {
            request = request.header(name, value);
        }
    }
    shared.requests.lock().unwrap().push(Seen { line, headers });
    let answer = match request.send().await {
        Ok(answer) => answer,
        Err(_) => return plain(502, ""),
    };
    let is_write = method == Method::POST && uri.path().contains("/data/");
    if is_write && let Some(left) = take(&shared.lose) {
        // It was done. What the vault gets is one of the ways in which that is not said.
        return match left % 3 {
            0 => redirection(),
            1 => cut(),
            _ => plain(500, ""),
        };
    }
    if is_write && answer.status() == 400 && shared.is_create_only.load(Ordering::SeqCst) {
        return plain(
            403,
            "{\"errors\":[\"1 error occurred:\\n\\t* permission denied\\n\\n\"]}",
        );
    }
    let mut response = Response::builder().status(answer.status());
    for (name, value) in answer.headers() {
        if name.as_str().starts_with("x-vault") {
            response = response.header(name, value);
        }
    }
    response
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

/// A standby that can't reach the active node names the one that it knew. Nothing listens there.
fn redirection() -> Response<Body> {
    let location = "http://127.0.0.1:1/v1/secret/data/x";
    Response::builder()
        .status(307)
        .header("location", location)
        .body(Body::empty())
        .unwrap()
}

/// An answer whose end never comes.
fn cut() -> Response<Body> {
    let parts = [Ok("{\"data\":"), Err(io::Error::other("cut"))];
    Response::new(Body::from_stream(futures_util::stream::iter(parts)))
}
