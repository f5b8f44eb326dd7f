//! A double of the engine, which answers as OpenBao 2.7 does: check-and-set, sorted JSON, deleted versions, the limit of strings, the
//! two texts of 403. It stands in for the server where there is none; `testdata/vaults/check.sh` uses the real one.

use std::collections::{BTreeMap, HashSet};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use serde_json::{Value, json};

/// The address of a double, whose root token is `root`, with the AppRole role `role` and secret id `secret`.
pub(crate) async fn start() -> String {
    let state = Arc::new(Mutex::new(Engine::default()));
    state.lock().unwrap().tokens.insert("root".to_owned());
    super::listen(Router::new().fallback(answer).with_state(state)).await
}

#[derive(Default)]
struct Engine {
    tokens: HashSet<String>,
    logins: usize,
    /// Versions by path, none of a version that was deleted.
    secrets: BTreeMap<String, Vec<Option<Value>>>,
}

type Answer = (StatusCode, String);

async fn answer(
    State(engine): State<Arc<Mutex<Engine>>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Answer {
    let mut engine = engine.lock().unwrap();
    let path = uri.path().strip_prefix("/v1/").unwrap_or_default();
    let body: Value = match body.is_empty() {
        true => Value::Null,
        false => serde_json::from_slice(&body).unwrap(),
    };
    if path == "auth/approle/login" {
        return engine.log_in(&body);
    }
    let token = headers.get("x-vault-token").map(|t| t.to_str().unwrap());
    if !token.is_some_and(|token| engine.tokens.contains(token)) {
        return error(403, "permission denied");
    }
    let token = token.unwrap().to_owned();
    let version = uri
        .query()
        .and_then(|q| q.strip_prefix("version="))
        .map(|v| v.parse().unwrap());
    match (method.as_str(), path.split_once('/').unwrap_or_default()) {
        ("GET", ("auth", "token/lookup-self")) => ok(json!({"ttl": 3600, "renewable": true})),
        ("POST", ("auth", "token/revoke-self")) => {
            engine.tokens.remove(&token);
            ok(Value::Null)
        }
        ("POST", ("auth", "token/revoke")) => {
            engine.tokens.remove(body["token"].as_str().unwrap());
            ok(Value::Null)
        }
        ("GET", ("sys", "internal/ui/mounts/secret")) => ok(json!({"options": {"version": "2"}})),
        ("GET", ("sys", "internal/ui/mounts/old")) => ok(json!({"options": {"version": "1"}})),
        (method, ("secret", path)) => {
            let (part, name) = path.split_once('/').unwrap();
            engine.secret(method, part, name, version, body)
        }
        _ => error(404, "no handler for route"),
    }
}

impl Engine {
    fn log_in(&mut self, body: &Value) -> Answer {
        if body["role_id"] != "role" || body["secret_id"] != "secret" {
            return error(400, "invalid role or secret ID");
        }
        self.logins += 1;
        let token = format!("s.token-{}", self.logins);
        self.tokens.insert(token.clone());
        let auth = json!({"client_token": token, "lease_duration": 3600, "renewable": true});
        (StatusCode::OK, json!({ "auth": auth }).to_string())
    }

    fn secret(
        &mut self,
        method: &str,
        part: &str,
        name: &str,
        version: Option<usize>,
        body: Value,
    ) -> Answer {
        let versions = self.secrets.entry(name.to_owned()).or_default();
        let number = version.unwrap_or(versions.len());
        let answer = match (method, part) {
            ("POST", "data") => {
                if strings(&body) > 1_000 {
                    error(400, "refused JSON input due to high complexity")
                } else if body["options"]["cas"] == 0 && !versions.is_empty() {
                    error(
                        400,
                        "check-and-set parameter did not match the current version",
                    )
                } else {
                    versions.push(Some(body["data"].clone()));
                    ok(json!({"version": versions.len()}))
                }
            }
            ("GET", part) => match number.checked_sub(1).and_then(|n| versions.get(n)) {
                None => (StatusCode::NOT_FOUND, json!({"errors": []}).to_string()),
                Some(None) => {
                    let metadata =
                        json!({"version": number, "deletion_time": "2026-11-30T11:44:45Z"});
                    (
                        StatusCode::NOT_FOUND,
                        json!({"data": {"metadata": metadata}}).to_string(),
                    )
                }
                Some(Some(data)) if part == "data" => {
                    ok(json!({"data": data, "metadata": {"version": number}}))
                }
                Some(Some(data)) => {
                    ok(json!({"subkeys": nulls(data), "metadata": {"version": number}}))
                }
            },
            ("DELETE", "data") => {
                if let Some(last) = versions.last_mut() {
                    *last = None;
                }
                ok(Value::Null)
            }
            ("DELETE", "metadata") => {
                versions.clear();
                ok(Value::Null)
            }
            _ => error(405, "unsupported operation"),
        };
        if versions.is_empty() {
            self.secrets.remove(name);
        }
        answer
    }
}

fn ok(data: Value) -> Answer {
    (StatusCode::OK, json!({ "data": data }).to_string())
}

fn error(status: u16, text: &str) -> Answer {
    (
        StatusCode::from_u16(status).unwrap(),
        json!({"errors": [text]}).to_string(),
    )
}

/// The names of members, without values.
fn nulls(value: &Value) -> Value {
    match value {
        Value::Object(members) => members
            .iter()
            .map(|(name, value)| (name.clone(), nulls(value)))
            .collect(),
        _ => Value::Null,
    }
}

fn strings(value: &Value) -> usize {
    match value {
        Value::String(_) => 1,
        Value::Object(members) => members.values().map(|value| 1 + strings(value)).sum(),
        Value::Array(values) => values.iter().map(strings).sum(),
        _ => 0,
    }
}
