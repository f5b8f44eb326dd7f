//! Bearer tokens, from the header to whom they let in, and the keys that they are checked with. Tokens are signed here: a
//! fuzzer can't.

mod judge;
mod jwks;
mod seeds;
mod signers;

use std::{
    mem,
    sync::{Arc, LazyLock},
    time::Duration,
};

use async_trait::async_trait;
use axum::{
    body::Body,
    http::{HeaderMap, HeaderValue, Request, StatusCode, header},
};
use parking_lot::Mutex;
use sealpost_envelope::UnixTime;
use sealpost_gateway::{
    JwtAuthenticator, TokenPolicy,
    auth::{Authenticator, Denied, KeySet, Principal, TokenAlgorithm},
};

use self::{judge::Judged, signers::SIGNERS};
pub(crate) use self::{
    jwks::check as jwks,
    seeds::{jwks as jwks_seeds, tokens as token_seeds},
};
use crate::{
    gateway::{AGENT, Agent, Endpoint},
    input,
};

/// How a token is made, its header and its claims; or `Authorization` headers, divided by line breaks. Who is let in had a
/// token that a second reader finds good, for exactly whom it says; all others get one answer, the same to the last byte.
pub(crate) fn check(bytes: &[u8]) {
    let [how, header, claims] = input::parts(bytes);
    let values = match SIGNERS.token(how, header, claims) {
        Some(token) => vec![[b"Bearer ", token.as_slice()].concat()],
        None if header.is_empty() => Vec::new(),
        None => header.split(|b| *b == b'\n').map(<[u8]>::to_vec).collect(),
    };
    let values = values.iter().map(|value| HeaderValue::from_bytes(value));
    // No such request can arrive.
    let Ok(values) = values.collect::<Result<Vec<_>, _>>() else {
        return;
    };
    let token = judge::bearer(&values);
    let judged = token.map_or(Judged::Bad, judge::token);

    for project in [None, Some(PROJECT)] {
        let (answer, asked) = ask(&values, project);
        let asked_for: Vec<_> = asked.iter().map(|(token, _)| token.as_str()).collect();
        assert_eq!(asked_for, token.into_iter().collect::<Vec<_>>());
        let principal = asked.into_iter().next().and_then(|(_, said)| said.ok());
        match (&judged, &principal) {
            (Judged::Good(expected) | Judged::Unusual(expected), Some(principal)) => {
                assert_eq!(&said_by(principal), expected);
            }
            (Judged::Bad | Judged::Unusual(_), None) => {}
            (Judged::Bad, Some(_)) | (Judged::Good(_), None) => {
                panic!("{judged:?}, and not {principal:?}")
            }
        }
        if principal.is_some_and(|principal| may_write(&principal, project)) {
            // Its empty body is the next thing that is looked at.
            assert_eq!(answer.0, StatusCode::BAD_REQUEST);
        } else {
            assert_eq!(answer.0, StatusCode::FORBIDDEN);
            assert_eq!(answer, *REFUSAL, "the answer tells why");
        }
    }
}

/// Blanks between scopes may be doubled, and nothing lies between those.
fn said_by(principal: &Principal) -> Principal {
    let mut principal = principal.clone();
    principal.scopes.remove("");
    principal
}

/// `docs/API.md`, "Token".
fn may_write(principal: &Principal, project: Option<&str>) -> bool {
    let within = |projects: &std::collections::BTreeSet<_>| {
        project.is_some_and(|id| projects.contains(&id.parse().expect("it is an id")))
    };
    principal.scopes.contains("secrets:write")
        && principal.agents.as_ref().is_none_or(|a| a.contains(AGENT))
        && principal.projects.as_ref().is_none_or(within)
}

type Answer = (StatusCode, HeaderMap, Vec<u8>);
type Asked = Vec<(String, Result<Arc<Principal>, Denied>)>;

/// The answer to a request with an empty body, and what the authenticator was asked and said.
fn ask(authorization: &[HeaderValue], project: Option<&str>) -> (Answer, Asked) {
    static ENDPOINT: LazyLock<(Endpoint, Arc<Mutex<Asked>>)> = LazyLock::new(|| {
        let keys = KeySet::from_jwks(SIGNERS.jwks().as_bytes()).expect("it is a key set");
        let witness = Witness {
            inner: JwtAuthenticator::new(policy(), keys),
            asked: Arc::default(),
        };
        let asked = Arc::clone(&witness.asked);
        let agent = Agent::default();
        let key = agent.verify_key();
        (Endpoint::new(witness, agent, key), asked)
    });
    // Held until the answer is there: what was asked is of this request.
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let _one = ONE_AT_A_TIME.lock();
    let (endpoint, asked) = &*ENDPOINT;
    let query = project.map_or_else(String::new, |id| format!("?projectId={id}"));
    let mut request = Request::post(format!("/v1/secrets/{AGENT}/secret-value{query}"))
        .header(header::CONTENT_TYPE, "application/json")
        .header("x-request-id", "fuzzing-1")
        .body(Body::empty())
        .expect("it is a request");
    for value in authorization {
        let headers = request.headers_mut();
        headers.append(header::AUTHORIZATION, value.clone());
    }
    let answer = endpoint.send(request);
    let mut asked = asked.lock();
    (answer, mem::take(&mut asked))
}

/// What everybody gets who is not let in.
static REFUSAL: LazyLock<Answer> = LazyLock::new(|| ask(&[], None).0);

/// Not every algorithm that the keys are good for.
fn policy() -> TokenPolicy {
    let mut policy = TokenPolicy::new(ISSUER, AUDIENCE);
    policy.leeway = Duration::from_secs(LEEWAY);
    policy.algorithms = ALGORITHMS
        .map(|name| name.parse::<TokenAlgorithm>().expect("it has one"))
        .into();
    policy
}

/// Remembers what it was asked, and what it said.
#[derive(Debug)]
struct Witness {
    inner: JwtAuthenticator,
    asked: Arc<Mutex<Asked>>,
}

#[async_trait]
impl Authenticator for Witness {
    async fn authenticate(&self, token: &str, now: UnixTime) -> Result<Arc<Principal>, Denied> {
        let said = self.inner.authenticate(token, now).await;
        let mut asked = self.asked.lock();
        asked.push((token.to_owned(), said.clone()));
        said
    }
}

const ISSUER: &str = "https://issuer.example";
const AUDIENCE: &str = "https://gateway.example";
const ALGORITHMS: [&str; 3] = ["RS256", "ES256", "EdDSA"];
const LEEWAY: u64 = 30;
const PROJECT: &str = "0b9c4f6e-7d1a-4a52-8f37-1a2b3c4d5e6f";

#[cfg(test)]
mod tests {
    use super::*;

    /// A target whose seeds are all refused at the door would find nothing.
    #[test]
    fn seeds_go_deep() {
        let good = |(_, seed): &(String, Vec<u8>)| {
            let [how, header, claims] = input::parts(seed);
            let token = SIGNERS.token(how, header, claims);
            let token = token.and_then(|token| String::from_utf8(token).ok());
            token.is_some_and(|token| matches!(judge::token(&token), Judged::Good(_)))
        };
        let good = token_seeds().iter().filter(|seed| good(seed)).count();
        assert!(good >= 12, "{good}");
        let accepted = |(_, set): &(String, Vec<u8>)| KeySet::from_jwks(set).is_ok();
        assert!(jwks_seeds().iter().filter(|seed| accepted(seed)).count() >= 6);
    }
}
