//! The gateway without a socket: a request in, a response out.

use std::{
    collections::BTreeSet,
    sync::{Arc, LazyLock, Mutex, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use axum::{
    Router,
    body::{Body, to_bytes},
    http::{Request, StatusCode, header},
};
use sealpost_envelope::{Trust, UnixTime};
use sealpost_gateway::{
    AgentEntry, Authenticator, Denied, Gateway, Limits, Principal, ProblemType, StaticDirectory,
};
use sealpost_protocol::{AgentId, Clock, SigningKey, Transport, TransportError};
use sealpost_validator::{MAX_MEMBERS, Slot, Violations, validate_request};
use serde_json::Value;
use tokio::{runtime::Runtime, time::Instant};
use tower::ServiceExt as _;

use crate::{
    input,
    keys::{CERTIFICATE, NOW},
};

/// A query, a media type and a body. The answer is one of those that are documented, says what the validator says, and
/// nothing of a value. A request is sent on exactly if it breaks no rule.
pub(crate) fn check(bytes: &[u8]) {
    let [query, media_type, body] = input::parts(bytes);
    let Ok(query) = str::from_utf8(query) else {
        return;
    };
    let uri = format!("/v1/secrets/{AGENT}/secret-value?{query}");
    let request = Request::post(uri)
        .header(header::AUTHORIZATION, "Bearer fuzzing")
        .header(header::CONTENT_TYPE, media_type)
        .header("x-request-id", ID)
        .body(Body::from(body.to_vec()));
    // No such request can arrive.
    let Ok(request) = request else { return };

    let (status, problem) = send(request);
    let answered = (status, problem["type"].as_str().unwrap_or_default());
    documented(&problem, status);
    if media_type != b"application/json" || !query.is_empty() {
        return;
    }
    let mut scratch = [Slot::EMPTY; MAX_MEMBERS];
    let mut violations = Violations::<64>::new();
    if validate_request(body, &mut scratch, &mut violations).is_some() {
        let offline = ProblemType::AgentOffline;
        assert_eq!(answered, (offline.status(), offline.urn()));
    } else {
        assert_eq!(status, StatusCode::BAD_REQUEST);
        let said = problem["violations"].as_array().expect("a list");
        if !violations.overflowed() {
            let expected: Vec<_> = violations.iter().map(ToString::to_string).collect();
            assert_eq!(said, &expected);
        }
    }
    silent(&problem, body);
}

/// RFC 9457, with all of its members, and a status that the endpoint has.
fn documented(problem: &Value, status: StatusCode) {
    let kind = ProblemType::ALL
        .into_iter()
        .find(|kind| problem["type"] == kind.urn());
    let kind = kind.expect("a documented problem");
    assert!([400, 403, 409, 500, 504].contains(&status.as_u16()));
    assert_ne!(kind, ProblemType::Internal, "nothing fails here");
    assert_eq!(
        (kind.status(), &problem["status"]),
        (status, &status.as_u16().into())
    );
    assert!(problem["title"].is_string() && problem["detail"].is_string());
    assert!(
        problem["instance"]
            .as_str()
            .is_some_and(|id| id.contains(ID))
    );
}

/// No string of the value is in the answer, unless it is one of the request's names, too.
fn silent(problem: &Value, body: &[u8]) {
    let Ok(body) = serde_json::from_slice::<Value>(body) else {
        return;
    };
    let (mut names, mut values) = (BTreeSet::new(), BTreeSet::new());
    gather(&body, &mut names, &mut BTreeSet::new());
    gather(&body["secret"]["value"], &mut BTreeSet::new(), &mut values);
    let answer = problem.to_string();
    for value in values.difference(&names) {
        let telling = value.len() >= 16 && !names.iter().any(|name| name.contains(value.as_str()));
        assert!(!telling || !answer.contains(value.as_str()), "{answer}");
    }
}

fn gather(node: &Value, names: &mut BTreeSet<String>, values: &mut BTreeSet<String>) {
    match node {
        Value::Object(members) => {
            for (name, node) in members {
                names.insert(name.clone());
                gather(node, names, values);
            }
        }
        Value::Array(items) => items.iter().for_each(|node| gather(node, names, values)),
        Value::String(text) => drop(values.insert(text.clone())),
        _ => {}
    }
}

fn send(request: Request<Body>) -> (StatusCode, Value) {
    static ENDPOINT: LazyLock<Mutex<(Runtime, Router)>> = LazyLock::new(|| {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build();
        Mutex::new((runtime.expect("it starts"), endpoint()))
    });
    let endpoint = ENDPOINT.lock().unwrap_or_else(PoisonError::into_inner);
    let (runtime, router) = &*endpoint;
    runtime.block_on(async {
        let response = match router.clone().oneshot(request).await {
            Ok(response) => response,
            Err(never) => match never {},
        };
        let status = response.status();
        let media_type = response.headers()[header::CONTENT_TYPE].clone();
        assert_eq!(media_type, "application/problem+json");
        let body = to_bytes(response.into_body(), 1 << 20).await;
        let body = serde_json::from_slice(&body.expect("it is all there"));
        (status, body.expect("it is JSON"))
    })
}

fn endpoint() -> Router {
    let key = SigningKey::generate().expect("there is randomness");
    let id = AGENT.parse().expect("it is an id");
    let trust = Trust::DangerAnyCertificate;
    let agent = AgentEntry::new(id, CERTIFICATE, &trust, key.verify_key());
    let directory = StaticDirectory::from_iter([agent.expect("it is trusted")]);
    // A fuzzer sends more than any principal may, and on a loaded machine nothing may depend on a clock.
    let mut limits = Limits::default();
    limits.rate = None;
    limits.body_timeout = Duration::from_secs(3600);
    limits.deadline = Duration::from_secs(3600);
    Gateway::new(
        Arc::new(Everybody),
        Arc::new(directory),
        Arc::new(Nowhere),
        key,
    )
    .with_clock(Arc::new(Stopped))
    .with_limits(limits)
    .router()
}

/// Lets everybody write.
#[derive(Debug)]
struct Everybody;

#[async_trait]
impl Authenticator for Everybody {
    async fn authenticate(&self, _: &str, _: UnixTime) -> Result<Principal, Denied> {
        Ok(Principal {
            scopes: ["secrets:write".to_owned()].into(),
            ..Principal::default()
        })
    }
}

/// Sends nothing.
#[derive(Debug)]
struct Nowhere;

#[async_trait]
impl Transport for Nowhere {
    async fn request(
        &self,
        _: &AgentId,
        _: Vec<u8>,
        _: Instant,
    ) -> Result<Vec<u8>, TransportError> {
        Err(TransportError::Offline)
    }
}

#[derive(Debug)]
struct Stopped;

impl Clock for Stopped {
    fn now(&self) -> UnixTime {
        NOW
    }
}

/// The agent that the certificate names.
const AGENT: &str = "a2048";
const ID: &str = "fuzzing-1";
