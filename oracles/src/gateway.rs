//! The gateway without a socket: a request in, a response out.

mod agent;
mod expected;

use std::{
    collections::BTreeSet,
    sync::{Arc, LazyLock},
    time::Duration,
};

use async_trait::async_trait;
use axum::{
    Router,
    body::{Body, to_bytes},
    http::{HeaderMap, Request, StatusCode, header},
};
use parking_lot::Mutex;
use sealpost_carrier::Carrier;
use sealpost_envelope::{TrustPolicy, UnixTime};
use sealpost_gateway::{
    Gateway, Limits, ProblemType, StaticDirectory,
    auth::{Authenticator, Denied, Principal},
    directory::AgentEntry,
};
use sealpost_protocol::{Clock, VerifyKey, context::Owner};
use serde_json::Value;
use tokio::runtime::Runtime;
use tower::ServiceExt as _;

pub(crate) use self::agent::Agent;
use crate::{
    input,
    keys::{CERTIFICATE, NOW},
    messages,
};

/// A query, then a media type, what the agent does and perhaps an idempotency key, each on its line, and a body. The
/// answer is the one that these lead to, says what the validator says, and nothing of a value. A request is sent on
/// exactly if it breaks no rule, with what was sent, for whom it was sent to.
pub(crate) fn check(bytes: &[u8]) {
    let [query, headers, body] = input::parts(bytes);
    let mut lines = headers.splitn(3, |b| *b == b'\n');
    let media_type = lines.next().unwrap_or_default();
    let does = lines.next().unwrap_or_default();
    let key = lines.next();
    let Ok(query) = str::from_utf8(query) else {
        return;
    };
    let mut request = Request::post(format!("/v1/secrets/{AGENT}/secret-value?{query}"))
        .header(header::AUTHORIZATION, "Bearer fuzzing")
        .header(header::CONTENT_TYPE, media_type)
        .header("x-request-id", ID);
    if let Some(key) = key {
        request = request.header("idempotency-key", key);
    }
    // No such request can arrive.
    let Ok(request) = request.body(Body::from(body.to_vec())) else {
        return;
    };

    let project = expected::project(request.uri().query().unwrap_or_default());
    let key_sound = key.is_none_or(expected::idempotency_key);
    let media = expected::media(media_type);
    let owner = project.ok().filter(|_| key_sound).map(|project| Owner {
        agent: AGENT.parse().expect("it is an id"),
        project,
    });
    let parameters = project.err().unwrap_or(0) + usize::from(!key_sound);
    let of_body = media.map_or(Err((ProblemType::UnsupportedMediaType, None)), |media| {
        expected::body(media, body, owner.as_ref())
    });

    let (agent, endpoint) = &*ENDPOINT;
    agent.will(does);
    let (status, headers, answer) = endpoint.send(request);
    let answer: Value = serde_json::from_slice(&answer).expect("it is JSON");
    let sent = agent.was_sent();
    silent(&answer, body);
    if status != StatusCode::CREATED {
        assert_eq!(headers[header::CONTENT_TYPE], "application/problem+json");
        documented(&answer, status);
    }
    match (of_body, owner, media) {
        (Ok(()), Some(owner), Some(media)) => {
            let [sent] = sent.as_slice() else {
                panic!("{} were sent: {answer}", sent.len())
            };
            assert_eq!(sent.request_id, ID);
            assert_eq!(sent.idempotency.is_some(), key.is_some());
            expected::same(&sent.sealed, media, body, &owner);
            agent::answered(does, sent.sealed.at_source(), status, &answer);
        }
        (of_body, ..) => {
            assert!(sent.is_empty(), "it breaks a rule: {answer}");
            assert_eq!(status, StatusCode::BAD_REQUEST);
            let said = answer["violations"].as_array().expect("a list");
            let (said_of_parameters, said) = said.split_at(parameters.min(said.len()));
            assert_eq!(said_of_parameters.len(), parameters);
            let Err((kind, violations)) = of_body else {
                assert_eq!(answer["type"], ProblemType::InvalidParameter.urn());
                assert!(said.is_empty());
                return;
            };
            if let Some(violations) = violations {
                assert_eq!(said, violations);
            }
            // Which of three it is may depend on a violation that is beyond the list.
            if kind != ProblemType::Internal {
                assert_eq!(answer["type"], kind.urn());
            }
            assert!(!said.is_empty());
        }
    }
}

/// RFC 9457, with all of its members, and a status that the endpoint has.
fn documented(problem: &Value, status: StatusCode) {
    let kind = ProblemType::ALL
        .into_iter()
        .find(|kind| problem["type"] == kind.urn());
    let kind = kind.expect("a documented problem");
    assert!([400, 403, 409, 500, 504].contains(&status.as_u16()));
    assert_eq!(
        (kind.status(), &problem["status"]),
        (status.as_u16(), &status.as_u16().into())
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

static ENDPOINT: LazyLock<(Agent, Endpoint)> = LazyLock::new(|| {
    let agent = Agent::default();
    let endpoint = Endpoint::new(Everybody, agent.clone(), agent.verify_key());
    (agent, endpoint)
});

/// A gateway for one agent.
pub(crate) struct Endpoint(Mutex<(Runtime, Router)>);

impl Endpoint {
    /// `agent` is what its replies are verified with.
    pub(crate) fn new(
        authenticator: impl Authenticator + 'static,
        carrier: impl Carrier + 'static,
        agent: VerifyKey,
    ) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build();
        let router = router(Arc::new(authenticator), Arc::new(carrier), agent);
        Self(Mutex::new((runtime.expect("it starts"), router)))
    }

    /// The answer, and its body.
    pub(crate) fn send(&self, request: Request<Body>) -> (StatusCode, HeaderMap, Vec<u8>) {
        let endpoint = self.0.lock();
        let (runtime, router) = &*endpoint;
        runtime.block_on(async {
            let response = match router.clone().oneshot(request).await {
                Ok(response) => response,
                Err(never) => match never {},
            };
            let (parts, body) = response.into_parts();
            let body = to_bytes(body, 1 << 20).await.expect("it is all there");
            (parts.status, parts.headers, body.into())
        })
    }
}

fn router(
    authenticator: Arc<dyn Authenticator>,
    carrier: Arc<dyn Carrier>,
    agent: VerifyKey,
) -> Router {
    let id = AGENT.parse().expect("it is an id");
    let trust = TrustPolicy::danger_any_certificate();
    let agent = AgentEntry::new(id, CERTIFICATE, &trust, agent);
    let directory = StaticDirectory::from_iter([agent.expect("it is trusted")]);
    // A fuzzer sends more than any principal may, and on a loaded machine nothing may depend on a clock.
    let mut limits = Limits::default();
    limits.rate = None;
    limits.body_timeout = Duration::from_secs(3600);
    // The longest that a message may live.
    limits.deadline = Duration::from_secs(299);
    let key = messages::signing_key();
    Gateway::new(authenticator, Arc::new(directory), carrier, key)
        .with_clock(Arc::new(Stopped))
        .with_limits(limits)
        .router()
}

/// Lets everybody write.
#[derive(Debug)]
struct Everybody;

#[async_trait]
impl Authenticator for Everybody {
    async fn authenticate(&self, _: &str, _: UnixTime) -> Result<Arc<Principal>, Denied> {
        Ok(Arc::new(Principal {
            scopes: ["secrets:write".to_owned()].into(),
            ..Principal::default()
        }))
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
pub(crate) const AGENT: &str = "a2048";
const ID: &str = "fuzzing-1";
