//! Stands between a vault and its service, and makes the service fail. It also knows whose credentials are good, which moto does
//! not.

use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, Response, StatusCode};
use sealpost_vault::conformance::Faults;
use sealpost_vault::error::VaultFailure;
use sealpost_vault::{Access, Vault, VaultSecretName};
use sealpost_vault_aws::{AwsBuilder, AwsVault};
use serde_json::json;
use tempfile::TempDir;

/// The proxy, and the files with credentials.
#[derive(Clone)]
pub(crate) struct Rig {
    address: String,
    shared: Arc<Shared>,
    folder: Arc<TempDir>,
}

pub(crate) struct Shared {
    server: String,
    http: reqwest::Client,
    lose: AtomicUsize,
    throttle: AtomicUsize,
    away: AtomicUsize,
    /// The number in the access key that is good now. Lower ones have expired.
    key: AtomicUsize,
    /// The actions that were asked for.
    pub(crate) seen: Mutex<Vec<String>>,
    /// What every request is answered with, if something.
    pub(crate) answer: Mutex<Option<(u16, String)>>,
}

impl Rig {
    pub(crate) async fn new(server: &str) -> Self {
        let shared = Arc::new(Shared {
            server: server.to_owned(),
            http: reqwest::Client::builder().no_proxy().build().unwrap(),
            lose: AtomicUsize::new(0),
            throttle: AtomicUsize::new(0),
            away: AtomicUsize::new(0),
            key: AtomicUsize::new(1),
            seen: Mutex::default(),
            answer: Mutex::default(),
        });
        let router = Router::new()
            .fallback(forward)
            .with_state(Arc::clone(&shared));
        let rig = Self {
            address: super::listen(router).await,
            shared,
            folder: Arc::new(tempfile::tempdir().unwrap()),
        };
        rig.write_key("right", 1);
        rig.write_key("wrong", 0);
        rig
    }

    pub(crate) fn shared(&self) -> &Shared {
        &self.shared
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write_key(&self, file: &str, number: usize) {
        let text = format!(
            "[default]\naws_access_key_id = AKIDKEY{number}\naws_secret_access_key = canary-secret-key\n"
        );
        std::fs::write(self.file(file), text).unwrap();
    }

    pub(crate) fn builder(&self) -> AwsBuilder {
        AwsVault::builder("eu-central-1")
            .endpoint(&self.address)
            .credentials_file(self.file("right"))
            .access(Access::Delete)
    }

    pub(crate) async fn vault(&self) -> AwsVault {
        self.builder().open().await.unwrap()
    }

    /// Asks the service itself, as its operator.
    pub(crate) async fn operate(
        &self,
        action: &str,
        body: &serde_json::Value,
    ) -> serde_json::Value {
        let answer = self
            .shared
            .http
            .post(&self.shared.server)
            .header("x-amz-target", format!("secretsmanager.{action}"))
            .header("content-type", "application/x-amz-json-1.1")
            .header("authorization", AUTHORIZATION)
            .body(body.to_string())
            .send()
            .await
            .unwrap();
        serde_json::from_str(&answer.text().await.unwrap()).unwrap()
    }

    /// Returns how often an action was asked for since the last call of this, and forgets all.
    pub(crate) fn taken(&self) -> Vec<String> {
        std::mem::take(&mut *self.shared.seen.lock().unwrap())
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
        let number = self.shared.key.fetch_add(1, Ordering::SeqCst) + 1;
        self.write_key("right", number);
        true
    }

    async fn with_wrong_credentials(&self) -> Option<Result<Arc<dyn Vault>, VaultFailure>> {
        let wrong = self.builder().credentials_file(self.file("wrong"));
        let opened = wrong.open().await;
        Some(opened.map(|vault| Arc::new(vault) as Arc<dyn Vault>))
    }

    async fn delete_as_a_person(&self, name: &VaultSecretName) -> bool {
        let body = json!({"SecretId": name.as_str(), "RecoveryWindowInDays": 7});
        let answer = loop {
            let answer = self.operate("DeleteSecret", &body).await;
            // What is new is not seen at once.
            if answer["__type"] != "ResourceNotFoundException" {
                break answer;
            }
        };
        assert!(answer["ARN"].is_string(), "{answer}");
        true
    }
}

async fn forward(
    State(shared): State<Arc<Shared>>,
    headers: HeaderMap,
    body: Bytes,
) -> Response<Body> {
    let action = headers["x-amz-target"].to_str().unwrap();
    let action = action.strip_prefix("secretsmanager.").unwrap();
    shared.seen.lock().unwrap().push(action.to_owned());
    if let Some((status, body)) = shared.answer.lock().unwrap().clone() {
        return plain(status, body);
    }
    if take(&shared.throttle).is_some() {
        return failed(400, "ThrottlingException");
    }
    if let Some(left) = take(&shared.away) {
        return match left % 3 {
            0 => failed(500, "InternalServiceError"),
            1 => plain(503, "<html>no healthy upstream</html>".to_owned()),
            _ => failed(500, "InternalFailure"),
        };
    }
    let authorization = headers["authorization"].to_str().unwrap();
    let key = authorization.split("AKIDKEY").nth(1).unwrap();
    let key: usize = key.split('/').next().unwrap().parse().unwrap();
    match shared.key.load(Ordering::SeqCst) {
        now if key == now => {}
        _ if key == 0 => return failed(400, "UnrecognizedClientException"),
        _ => return failed(400, "ExpiredTokenException"),
    }
    let mut request = shared.http.post(&shared.server).body(body);
    for (name, value) in &headers {
        if !matches!(name.as_str(), "host" | "content-length") {
            request = request.header(name, value);
        }
    }
    let Ok(answer) = request.send().await else {
        return plain(502, String::new());
    };
    if action == "CreateSecret"
        && let Some(left) = take(&shared.lose)
    {
        // It was done. What the vault gets is one of the ways in which that is not said.
        return match left % 3 {
            0 => failed(500, "InternalServiceError"),
            1 => cut(),
            _ => plain(504, String::new()),
        };
    }
    let status = answer.status();
    plain(status.as_u16(), answer.text().await.unwrap())
}

/// Counts down, and returns what is left; `None` at zero.
fn take(count: &AtomicUsize) -> Option<usize> {
    let less = |count: usize| count.checked_sub(1);
    count
        .fetch_update(Ordering::SeqCst, Ordering::SeqCst, less)
        .ok()
}

fn failed(status: u16, kind: &str) -> Response<Body> {
    plain(
        status,
        json!({"__type": kind, "message": "canary-message"}).to_string(),
    )
}

fn plain(status: u16, body: String) -> Response<Body> {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = StatusCode::from_u16(status).unwrap();
    response
}

/// An answer whose end never comes.
fn cut() -> Response<Body> {
    let parts = [Ok("{\"ARN\":"), Err(io::Error::other("cut"))];
    Response::new(Body::from_stream(futures_util::stream::iter(parts)))
}

/// moto looks no further than at the region.
const AUTHORIZATION: &str = "AWS4-HMAC-SHA256 Credential=AKIDOPERATOR/20261130/eu-central-1/secretsmanager/aws4_request, SignedHeaders=host, Signature=0";
