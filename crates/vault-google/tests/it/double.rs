//! A double of Secret Manager, which answers as its reference says: two calls to create, checksums, states of versions, `latest` that
//! is updated later, permissions, the texts of errors.

use std::collections::{BTreeMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{Method, StatusCode, Uri};
use base64ct::{Base64, Encoding as _};
use crc::{CRC_32_ISCSI, Crc};
use serde_json::{Value, json};

#[derive(Clone)]
pub(crate) struct Double {
    pub(crate) address: String,
    state: Arc<Mutex<Project>>,
}

#[derive(Default)]
pub(crate) struct Project {
    pub(crate) secrets: BTreeMap<String, Secret>,
    /// What the account may do; `None`: everything.
    pub(crate) permissions: Option<HashSet<String>>,
    /// Answers with values that changed on the way.
    pub(crate) alters_values: bool,
}

#[derive(Default)]
pub(crate) struct Secret {
    pub(crate) resource: Value,
    pub(crate) versions: Vec<Version>,
}

pub(crate) struct Version {
    pub(crate) data: Vec<u8>,
    pub(crate) state: &'static str,
    added: Instant,
}

type Answer = (StatusCode, String);

impl Double {
    pub(crate) async fn start() -> Self {
        let state = Arc::new(Mutex::new(Project::default()));
        let router = Router::new()
            .fallback(answer)
            .with_state(Arc::clone(&state));
        Self {
            address: super::listen(router).await,
            state,
        }
    }

    pub(crate) fn project(&self) -> MutexGuard<'_, Project> {
        self.state.lock().unwrap()
    }
}

async fn answer(
    State(project): State<Arc<Mutex<Project>>>,
    method: Method,
    uri: Uri,
    body: Bytes,
) -> Answer {
    let mut project = project.lock().unwrap();
    let body: Value = match body.is_empty() {
        true => Value::Null,
        false => serde_json::from_slice(&body).unwrap(),
    };
    let path = uri.path().strip_prefix("/v1/projects/p1/").unwrap_or("");
    let (is_regional, path) = match path.strip_prefix("locations/a1/") {
        Some(path) => (true, path),
        None => (false, path),
    };
    let id = uri
        .query()
        .and_then(|query| query.strip_prefix("secretId="));
    if path == "secrets" {
        return project.create(&method, id, is_regional, body);
    }
    let Some(path) = path.strip_prefix("secrets/") else {
        return error(404, "NOT_FOUND");
    };
    // A regional secret is another than a global one of its name.
    let key = |name: &str| format!("{}{name}", if is_regional { "a1/" } else { "" });
    if let Some(name) = path.strip_suffix(":addVersion") {
        return project.add(&method, &key(name), &body);
    }
    match path.split_once("/versions/") {
        None => project.secret(&method, &key(path)),
        Some((name, version)) => project.version(&method, &key(name), version),
    }
}

impl Project {
    fn may(&self, permission: &str) -> bool {
        let permission = format!("secretmanager.{permission}");
        self.permissions
            .as_ref()
            .is_none_or(|permissions| permissions.contains(&permission))
    }

    fn create(
        &mut self,
        method: &Method,
        id: Option<&str>,
        is_regional: bool,
        body: Value,
    ) -> Answer {
        if !self.may("secrets.create") {
            return error(403, "PERMISSION_DENIED");
        }
        let id = id.unwrap_or_default();
        let is_id = (1..=255).contains(&id.len())
            && id
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b));
        let labels = body["labels"].as_object().cloned().unwrap_or_default();
        let is_label = |text: &str| {
            text.len() <= 63
                && text
                    .bytes()
                    .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-_".contains(&b))
        };
        let are_labels = labels
            .iter()
            .all(|(key, value)| is_label(key) && is_label(value.as_str().unwrap()));
        let replication = &body["replication"];
        let is_replicated = replication["automatic"].is_object()
            || replication["userManaged"]["replicas"].is_array();
        if method != Method::POST || !is_id || !are_labels || is_replicated == is_regional {
            return error(400, "INVALID_ARGUMENT");
        }
        let key = format!("{}{id}", if is_regional { "a1/" } else { "" });
        if self.secrets.contains_key(&key) {
            return error(409, "ALREADY_EXISTS");
        }
        let secret = Secret {
            resource: body.clone(),
            versions: Vec::new(),
        };
        self.secrets.insert(key, secret);
        ok(body)
    }

    fn add(&mut self, method: &Method, name: &str, body: &Value) -> Answer {
        if !self.may("versions.add") {
            return error(403, "PERMISSION_DENIED");
        }
        let Some(secret) = self.secrets.get_mut(name) else {
            return error(404, "NOT_FOUND");
        };
        let data = Base64::decode_vec(body["payload"]["data"].as_str().unwrap_or_default());
        let Ok(data) = data else {
            return error(400, "INVALID_ARGUMENT");
        };
        let told = body["payload"]["dataCrc32c"].as_str();
        let is_right = told.is_none_or(|told| told == checksum(&data));
        if method != Method::POST || data.len() > 65_536 || !is_right {
            return error(400, "INVALID_ARGUMENT");
        }
        secret.versions.push(Version {
            data,
            state: "ENABLED",
            added: Instant::now(),
        });
        ok(json!({
            "name": format!("{name}/versions/{}", secret.versions.len()),
            "state": "ENABLED",
            "clientSpecifiedPayloadChecksum": told.is_some(),
        }))
    }

    fn secret(&mut self, method: &Method, name: &str) -> Answer {
        let permission = match method.as_str() {
            "GET" => "secrets.get",
            "DELETE" => "secrets.delete",
            _ => return error(404, "NOT_FOUND"),
        };
        if !self.may(permission) {
            return error(403, "PERMISSION_DENIED");
        }
        let Some(secret) = self.secrets.get(name) else {
            return error(404, "NOT_FOUND");
        };
        if method == Method::GET {
            return ok(secret.resource.clone());
        }
        self.secrets.remove(name);
        ok(json!({}))
    }

    fn version(&mut self, method: &Method, name: &str, version: &str) -> Answer {
        let (version, verb) = version.split_once(':').unwrap_or((version, ""));
        let permission = match (method.as_str(), verb) {
            ("GET", "") => "versions.get",
            ("GET", "access") => "versions.access",
            _ => return error(404, "NOT_FOUND"),
        };
        if !self.may(permission) {
            return error(403, "PERMISSION_DENIED");
        }
        let alters_values = self.alters_values;
        let Some(secret) = self.secrets.get_mut(name) else {
            return error(404, "NOT_FOUND");
        };
        let index = match version {
            "latest" => secret
                .versions
                .iter()
                .rposition(|v| v.added.elapsed() > LAG),
            number => number.parse::<usize>().unwrap().checked_sub(1),
        };
        let Some(there) = index.and_then(|index| secret.versions.get(index)) else {
            return error(404, "NOT_FOUND");
        };
        if verb.is_empty() {
            return ok(json!({"state": there.state}));
        }
        if there.state != "ENABLED" {
            return error(400, "FAILED_PRECONDITION");
        }
        let mut data = there.data.clone();
        let checksum = checksum(&data);
        if alters_values && let Some(first) = data.first_mut() {
            *first ^= 1;
        }
        // Protocol Buffers leave an empty value out.
        let payload = match data.is_empty() {
            true => json!({ "dataCrc32c": checksum }),
            false => json!({ "data": Base64::encode_string(&data), "dataCrc32c": checksum }),
        };
        ok(json!({ "payload": payload }))
    }
}

fn checksum(data: &[u8]) -> String {
    Crc::<u32>::new(&CRC_32_ISCSI).checksum(data).to_string()
}

/// In several lines, as the service writes it.
fn ok(body: Value) -> Answer {
    (StatusCode::OK, serde_json::to_string_pretty(&body).unwrap())
}

fn error(status: u16, text: &str) -> Answer {
    let error = json!({"error": {"code": status, "message": "canary", "status": text}});
    (
        StatusCode::from_u16(status).unwrap(),
        serde_json::to_string_pretty(&error).unwrap(),
    )
}

/// How late `latest` is updated.
const LAG: Duration = Duration::from_millis(5);
