//! A double of Key Vault, which answers as its reference says: a challenge before a token, versions instead of a conflict, pages of 25,
//! time stamps in whole units, deleted secrets that hold their names, names without case, the texts of errors. It fails as it is told,
//! and issues tokens, too.

use std::collections::{BTreeMap, HashSet};
use std::io;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Instant;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, Method, Response, Uri};
use serde_json::{Value, json};
use tokio::sync::Barrier;

#[derive(Clone)]
pub(crate) struct Double {
    pub(crate) address: String,
    vault: Arc<Mutex<Vault>>,
}

pub(crate) struct Vault {
    pub(crate) secrets: BTreeMap<String, Vec<Value>>,
    pub(crate) deleted: HashSet<String>,
    /// What the identity may do; `None`: everything.
    pub(crate) permissions: Option<HashSet<String>>,
    pub(crate) tokens: HashSet<String>,
    pub(crate) requests: Vec<String>,
    pub(crate) lose: usize,
    pub(crate) throttle: usize,
    pub(crate) away: usize,
    /// So many that look at versions wait for each other.
    pub(crate) lookers: Option<(usize, Arc<Barrier>)>,
    /// Answers a set with the value, as the service does.
    pub(crate) echoes: bool,
    begun: Instant,
    next: u64,
}

pub(crate) type Answer = (u16, Value);

impl Double {
    pub(crate) async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let vault = Arc::new(Mutex::new(Vault {
            secrets: BTreeMap::new(),
            deleted: HashSet::new(),
            permissions: None,
            tokens: HashSet::from(["static".to_owned()]),
            requests: Vec::new(),
            lose: 0,
            throttle: 0,
            away: 0,
            lookers: None,
            echoes: true,
            begun: Instant::now(),
            next: 0,
        }));
        let state = (address.clone(), Arc::clone(&vault));
        let router = Router::new().fallback(answer).with_state(state);
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { address, vault }
    }

    pub(crate) fn vault(&self) -> MutexGuard<'_, Vault> {
        self.vault.lock().unwrap()
    }
}

async fn answer(
    State((address, vault)): State<(String, Arc<Mutex<Vault>>)>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response<Body> {
    if uri.path().ends_with("/oauth2/v2.0/token") {
        return issued(&vault, &body);
    }
    let barrier = {
        let mut vault = vault.lock().unwrap();
        if take(&mut vault.throttle).is_some() {
            let error = json!({"error": {"code": "Throttled", "message": "canary"}});
            return response(429, &error, None);
        }
        if let Some(left) = take(&mut vault.away) {
            return response([503, 500, 502][left % 3], &Value::Null, None);
        }
        let token = headers.get("authorization").map(|t| t.to_str().unwrap());
        let token = token.and_then(|token| token.strip_prefix("Bearer "));
        if !token.is_some_and(|token| vault.tokens.contains(token)) {
            let error = json!({"error": {"code": "Unauthorized", "message": "canary"}});
            let challenge = "Bearer authorization=\"https://login.microsoftonline.com/tenant\", resource=\"https://vault.azure.net\"";
            return response(401, &error, Some(challenge));
        }
        vault.requests.push(format!("{method} {uri}"));
        let is_look = method == Method::GET && uri.path().ends_with("/versions");
        match &mut vault.lookers {
            Some((left, barrier)) if is_look && *left > 0 => {
                *left -= 1;
                Some(Arc::clone(barrier))
            }
            _ => None,
        }
    };
    let looked = barrier.is_some();
    let answered = {
        let mut vault = vault.lock().unwrap();
        let answered = vault.answer(&address, &method, &uri, &body);
        if method == Method::PUT
            && let Some(left) = take(&mut vault.lose)
        {
            // It was done. What the caller gets is one of the ways in which that is not said.
            return match left % 3 {
                0 => response(503, &Value::Null, None),
                1 => cut(),
                _ => response(500, &Value::Null, None),
            };
        }
        answered
    };
    if looked && let Some(barrier) = barrier {
        barrier.wait().await;
    }
    response(answered.0, &answered.1, None)
}

/// Issues a token as Microsoft Entra does, but for a secret with `wrong` in it.
fn issued(vault: &Mutex<Vault>, form: &Bytes) -> Response<Body> {
    if form.windows(5).any(|part| part == b"wrong") {
        let text = "AADSTS7000215: canary";
        let refused = json!({"error": "invalid_client", "error_description": text});
        return response(401, &refused, None);
    }
    vault.lock().unwrap().tokens.insert(ISSUED.to_owned());
    let token = json!({"access_token": ISSUED, "expires_in": 3600, "token_type": "Bearer"});
    response(200, &token, None)
}

impl Vault {
    fn answer(&mut self, address: &str, method: &Method, uri: &Uri, body: &Bytes) -> Answer {
        let query = uri.query().unwrap_or_default();
        if !query.contains("api-version=7.4") {
            return error(400, "BadParameter", "");
        }
        let parts: Vec<_> = uri.path().trim_start_matches('/').split('/').collect();
        let ["secrets", name, rest @ ..] = &parts[..] else {
            return error(404, "NotFound", "");
        };
        let is_name = (1..=127).contains(&name.len())
            && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
        if !is_name {
            return error(400, "BadParameter", "");
        }
        let name = name.to_ascii_lowercase();
        match (method.as_str(), rest) {
            ("PUT", []) => self.set(address, &name, body),
            ("GET", ["versions"]) => self.versions(address, &name, query),
            ("GET", []) => self.get(&name, None),
            ("GET", [version]) => self.get(&name, Some(version)),
            ("DELETE", []) => self.delete(&name),
            _ => error(405, "MethodNotAllowed", ""),
        }
    }

    fn may(&self, action: &str) -> bool {
        let action = format!("Microsoft.KeyVault/vaults/secrets/{action}");
        self.permissions
            .as_ref()
            .is_none_or(|permissions| permissions.contains(&action))
    }

    fn set(&mut self, address: &str, name: &str, body: &Bytes) -> Answer {
        if !self.may("setSecret/action") {
            return error(403, "Forbidden", "ForbiddenByRbac");
        }
        let Ok(mut bundle) = serde_json::from_slice::<Value>(body) else {
            return error(400, "BadParameter", "");
        };
        let value = bundle["value"].as_str().unwrap_or_default();
        let are_tags = bundle["tags"].as_object().is_none_or(|tags| {
            tags.len() <= 15
                && tags
                    .iter()
                    .all(|(key, value)| key.len() <= 256 && value.as_str().unwrap().len() <= 256)
        });
        if value.is_empty() || value.len() > 25_000 || !are_tags {
            return error(400, "BadParameter", "");
        }
        if self.deleted.contains(name) {
            return error(409, "Conflict", "ObjectIsDeletedButRecoverable");
        }
        self.next += 1;
        // Numbers whose order is not that of time.
        let number = self.next.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        bundle["id"] = format!("{address}/secrets/{name}/{number:032x}").into();
        bundle["attributes"] = json!({"enabled": true, "created": self.now()});
        self.secrets
            .entry(name.to_owned())
            .or_default()
            .push(bundle.clone());
        if !self.echoes {
            bundle["value"] = Value::Null;
        }
        (200, bundle)
    }

    /// In units of 20 ms, as the service has seconds.
    fn now(&self) -> u64 {
        1_000 + u64::try_from(self.begun.elapsed().as_millis() / 20).unwrap()
    }

    fn get(&self, name: &str, version: Option<&str>) -> Answer {
        if !self.may("getSecret/action") {
            return error(403, "Forbidden", "ForbiddenByRbac");
        }
        let versions = self.secrets.get(name).map_or(&[][..], Vec::as_slice);
        let found = match version {
            None => versions.last(),
            Some(number) => versions
                .iter()
                .find(|bundle| bundle["id"].as_str().unwrap().ends_with(number)),
        };
        match found {
            None => error(404, "SecretNotFound", ""),
            Some(bundle) if bundle["attributes"]["enabled"] == false => {
                error(403, "Forbidden", "SecretDisabled")
            }
            Some(bundle) => (200, bundle.clone()),
        }
    }

    fn versions(&self, address: &str, name: &str, query: &str) -> Answer {
        if !self.may("readMetadata/action") {
            return error(403, "Forbidden", "ForbiddenByRbac");
        }
        let Some(versions) = self.secrets.get(name) else {
            return match self.deleted.contains(name) {
                true => error(404, "SecretNotFound", ""),
                false => (200, json!({"value": [], "nextLink": null})),
            };
        };
        let skip = query
            .split('&')
            .find_map(|pair| pair.strip_prefix("$skiptoken="))
            .map_or(0, |skip| skip.parse().unwrap());
        let mut page: Vec<_> = versions.iter().skip(skip).take(PAGE).cloned().collect();
        for bundle in &mut page {
            bundle.as_object_mut().unwrap().remove("value");
        }
        let next = (skip + PAGE < versions.len()).then(|| {
            format!(
                "{address}/secrets/{name}/versions?api-version=7.4&$skiptoken={}",
                skip + PAGE
            )
        });
        (200, json!({"value": page, "nextLink": next}))
    }

    pub(crate) fn delete(&mut self, name: &str) -> Answer {
        if !self.may("delete") {
            return error(403, "Forbidden", "ForbiddenByRbac");
        }
        if self.secrets.remove(name).is_none() {
            return error(404, "SecretNotFound", "");
        }
        self.deleted.insert(name.to_owned());
        (200, json!({"recoveryId": "r"}))
    }
}

fn error(status: u16, code: &str, inner: &str) -> Answer {
    let error = json!({"code": code, "message": "canary", "innererror": {"code": inner}});
    (status, json!({ "error": error }))
}

fn response(status: u16, body: &Value, challenge: Option<&str>) -> Response<Body> {
    let mut response = Response::builder().status(status);
    if let Some(challenge) = challenge {
        response = response.header("www-authenticate", challenge);
    }
    let body = match body.is_null() {
        true => String::new(),
        false => body.to_string(),
    };
    response.body(Body::from(body)).unwrap()
}

/// An answer whose end never comes.
fn cut() -> Response<Body> {
    let parts = [Ok("{\"id\":"), Err(io::Error::other("cut"))];
    Response::new(Body::from_stream(futures_util::stream::iter(parts)))
}

/// Counts down, and returns what is left; `None` at zero.
fn take(count: &mut usize) -> Option<usize> {
    *count = count.checked_sub(1)?;
    Some(*count)
}

const PAGE: usize = 25;
const ISSUED: &str = "eyJ.canary-issued";
