//! Agents and carriers that fail or cheat, and what the gateway answers.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use insta::assert_snapshot;
use sealpost_carrier::{Bytes, Carrier, CarrierError, Judge};
use sealpost_channel::{Kind, Outcome, SigningKey};
use sealpost_context::AgentId;
use sealpost_gateway::{Gateway, Limits, Metrics, audit::AuditSink};
use sealpost_protocol::Clock as _;
use sealpost_testkit::{channels::ChannelAgent, keys};
use tokio::time::Instant;

use crate::{
    harness::{AGENT, Answer, GOOD, TestClock, assemble, request, send},
    issuer::Issuer,
};

/// An agent that follows a script.
#[derive(Debug)]
struct Scripted {
    clock: Arc<TestClock>,
    agent: ChannelAgent,
    /// The same agent with a signing key that nobody knows.
    stranger: ChannelAgent,
    /// The same agent after it has lost its RSA key.
    keyless: ChannelAgent,
    /// It takes signed requests only.
    careful: ChannelAgent,
    script: Script,
    first_reply: Mutex<Option<Bytes>>,
}

#[derive(Debug)]
enum Script {
    Say(Outcome),
    SignWithAnotherKey,
    /// The reply to the first request, to each.
    AnswerAnotherRequest,
    SendItBack,
    Nonsense,
    /// Something else, and then what it is to say.
    NonsenseFirst(Outcome),
    RefuseAsAnotherKey,
    RefuseUnsigned,
    /// A carrier that does not ask whether an answer is one.
    Unjudged,
    Fail(fn() -> CarrierError),
    Panic,
}

#[async_trait]
impl Carrier for Scripted {
    async fn request(
        &self,
        _: &AgentId,
        message: Bytes,
        _: Instant,
        judge: &mut Judge<'_>,
    ) -> Result<Bytes, CarrierError> {
        let now = self.clock.now();
        let stored = || Outcome::Stored {
            resolver_ref: "secret:x".into(),
            vault_secret_name: "x".into(),
        };
        let reply = |agent: &ChannelAgent, outcome: &Outcome| -> Bytes {
            let request = agent.open(&message, now).unwrap();
            ChannelAgent::reply(&request, outcome).into()
        };
        let mut answers: Vec<Bytes> = Vec::new();
        match &self.script {
            Script::Say(outcome) => answers.push(reply(&self.agent, outcome)),
            Script::SignWithAnotherKey => answers.push(reply(&self.stranger, &stored())),
            Script::AnswerAnotherRequest => {
                let reply = reply(&self.agent, &stored());
                let mut first = self.first_reply.lock().unwrap();
                answers.push(first.get_or_insert(reply).clone());
            }
            Script::SendItBack => answers.push(message.clone()),
            Script::Nonsense => answers.push(Bytes::from_static(b"nonsense")),
            Script::NonsenseFirst(outcome) => {
                let nonsense = Bytes::from_static(b"nonsense");
                let forged = reply(&self.stranger, &stored());
                answers.extend([nonsense, forged, reply(&self.agent, outcome)]);
            }
            Script::RefuseAsAnotherKey => {
                answers.push(self.keyless.open(&message, now).unwrap_err().into());
            }
            Script::RefuseUnsigned => answers.push(match self.careful.open(&message, now) {
                Ok(request) => ChannelAgent::reply(&request, &stored()).into(),
                Err(refusal) => refusal.into(),
            }),
            Script::Unjudged => return Ok(Bytes::from_static(b"nonsense")),
            Script::Fail(error) => return Err(error()),
            Script::Panic => panic!("the carrier panics, as the test wants"),
        }
        let answer = answers.into_iter().find(|answer| judge(answer));
        answer.ok_or(CarrierError::NoAnswer)
    }
}

/// A gateway before an agent that follows a script.
struct World {
    router: axum::Router,
    issuer: Issuer,
}

impl World {
    fn new(script: Script, change: impl FnOnce(Gateway) -> Gateway) -> Self {
        let clock = TestClock::new();
        let issuer = Issuer::new(2_000_000_000);
        let gateway_key = SigningKey::generate().unwrap();
        let agent_key = SigningKey::generate().unwrap();
        let agent = |identity: &str, key: &SigningKey, signed: bool| {
            let trusted = gateway_key.verify_key().clone().into();
            ChannelAgent::new(
                AGENT,
                keys::identity(identity),
                key.clone(),
                trusted,
                signed,
            )
        };
        let carrier = Arc::new(Scripted {
            clock: clock.clone(),
            agent: agent("a2048", &agent_key, false),
            stranger: agent("a2048", &SigningKey::generate().unwrap(), false),
            keyless: agent("b2048", &agent_key, false),
            careful: agent("a2048", &agent_key, true),
            script,
            first_reply: Mutex::default(),
        });
        let limits = Limits::default();
        let gateway = assemble(&issuer, &clock, limits, carrier, &gateway_key, &agent_key);
        Self {
            router: change(gateway).router(),
            issuer,
        }
    }

    async fn send(&self) -> Answer {
        send(&self.router, request(&self.issuer, AGENT, GOOD)).await
    }
}

async fn play(script: Script) -> Answer {
    play_with(script, |gateway| gateway).await
}

async fn play_with(script: Script, change: impl FnOnce(Gateway) -> Gateway) -> Answer {
    World::new(script, change).send().await
}

/// The last line of the trail.
#[derive(Debug, Default)]
struct LastLine(Mutex<Vec<u8>>);

impl AuditSink for LastLine {
    fn write_line(&self, line: &[u8]) -> std::io::Result<()> {
        *self.0.lock().unwrap() = line.to_vec();
        Ok(())
    }
}

#[tokio::test]
async fn a_panic_is_in_the_audit_trail_with_all_that_was_known() {
    let sink = Arc::new(LastLine::default());
    let kept: Arc<dyn AuditSink> = sink.clone();
    let metrics = Arc::new(Metrics::new());
    let counted = Arc::clone(&metrics);
    let change = |gateway: Gateway| gateway.with_audit(kept).with_metrics(counted);
    let answer = play_with(Script::Panic, change).await;
    assert_eq!(answer.status, 500);
    let counts = metrics.encode().unwrap();
    assert!(counts.contains("sealpost_request_panics_total 1\n"));
    let event: serde_json::Value = serde_json::from_slice(&sink.0.lock().unwrap()).unwrap();
    for (member, value) in [
        ("subject", "tester"),
        ("agent", AGENT),
        ("name", "my-secret"),
        ("outcome", "internal"),
    ] {
        assert_eq!(event[member], value, "{event}");
    }
}

#[tokio::test]
async fn what_the_caller_did_not_cause_is_a_500() {
    let expected = play(Script::Say(Outcome::Failed)).await.to_string();
    assert_snapshot!(expected, @r##"
    500 Internal Server Error
    cache-control: no-store
    content-length: 374
    content-type: application/problem+json
    x-content-type-options: nosniff
    x-request-id: test-request-1

    {"type":"urn:sealpost:problem:internal","title":"Something failed here","status":500,"detail":"The request failed, and the secret may be stored or not. Give the operator the request id: the log says why. Sent again with the same Idempotency-Key it happens once; without one, a 409 may mean that the first attempt succeeded.","instance":"urn:sealpost:request:test-request-1"}
    "##);
    for script in [
        Script::Unjudged,
        Script::RefuseAsAnotherKey,
        Script::Say(Outcome::DoesNotOpen),
        Script::Say(Outcome::ContextMismatch(vec!["canary".into()])),
        Script::Say(Outcome::Unreadable("canary".into())),
        Script::Say(Outcome::Reused),
        Script::Say(Outcome::Malformed),
        Script::Say(Outcome::UnknownVerb(vec![2])),
        Script::Fail(|| CarrierError::Failed("canary".into())),
        Script::Panic,
    ] {
        let what = format!("{script:?}");
        assert_eq!(play(script).await.to_string(), expected, "{what}");
    }
    // Before it was sent nothing was stored.
    let not_sent = play(Script::Fail(|| CarrierError::NotSent("canary".into()))).await;
    assert_eq!(not_sent.problem(), "internal");
    assert!(!not_sent.body.contains("may be stored"), "{not_sent}");
}

/// Nobody on the way can end a request: it goes on waiting.
#[tokio::test]
async fn what_is_not_the_agents_answer_is_dropped_and_counted() {
    for (script, reason) in [
        (Script::SignWithAnotherKey, "signature"),
        (Script::SendItBack, "malformed"),
        (Script::Nonsense, "malformed"),
    ] {
        let metrics = Arc::new(Metrics::new());
        let counted = Arc::clone(&metrics);
        let answer = play_with(script, |gateway| gateway.with_metrics(counted)).await;
        assert_eq!(answer.problem(), "agent-timeout");
        let counts = metrics.encode().unwrap();
        let count = format!("sealpost_answers_dropped_total{{reason=\"{reason}\"}} 1\n");
        assert!(counts.contains(&count), "{counts}");
        assert!(
            counts.contains("sealpost_channels_opened_total 1\n"),
            "{counts}"
        );
    }
    let stored = || Outcome::Stored {
        resolver_ref: "secret:x".into(),
        vault_secret_name: "x".into(),
    };
    assert_eq!(play(Script::NonsenseFirst(stored())).await.status, 201);
    let world = World::new(Script::AnswerAnotherRequest, |gateway| gateway);
    assert_eq!(world.send().await.status, 201);
    assert_eq!(world.send().await.problem(), "agent-timeout");
}

/// The request in whose place a refusal came may have been carried out by another process of the agent.
#[tokio::test]
async fn after_a_refusal_for_unsigned_requests_the_next_are_signed() {
    let world = World::new(Script::RefuseUnsigned, |gateway| gateway);
    let refused = world.send().await;
    assert_eq!(refused.problem(), "agent-busy");
    assert!(refused.body.contains("may be stored or not"), "{refused}");
    assert_eq!(world.send().await.status, 201);
    assert_eq!(world.send().await.status, 201);
}

#[tokio::test]
async fn no_answer_is_a_504() {
    for error in [|| CarrierError::NoAnswer, || CarrierError::DeadlineExceeded] {
        let answer = play(Script::Fail(error)).await;
        assert_eq!(
            (answer.status.as_u16(), answer.problem().as_str()),
            (504, "agent-timeout")
        );
    }
    assert_snapshot!(play(Script::Say(Outcome::Expired)).await, @r##"
    504 Gateway Timeout
    cache-control: no-store
    content-length: 367
    content-type: application/problem+json
    x-content-type-options: nosniff
    x-request-id: test-request-1

    {"type":"urn:sealpost:problem:agent-timeout","title":"The agent did not answer in time","status":504,"detail":"The request reached the agent too late. The secret may be stored or not: send the request again. With the same Idempotency-Key it happens once; without one, a 409 may mean that the first attempt succeeded.","instance":"urn:sealpost:request:test-request-1"}
    "##);
}

#[tokio::test]
async fn the_name_is_pending_deletion() {
    assert_snapshot!(play(Script::Say(Outcome::PendingDeletion)).await, @r##"
    409 Conflict
    cache-control: no-store
    content-length: 312
    content-type: application/problem+json
    x-content-type-options: nosniff
    x-request-id: test-request-1

    {"type":"urn:sealpost:problem:secret-pending-deletion","title":"The secret is being deleted","status":409,"detail":"A secret with this name was deleted, and the vault still holds it for a while. Choose another name, or purge or restore that secret in the vault.","instance":"urn:sealpost:request:test-request-1"}
    "##);
}

#[tokio::test]
async fn the_agents_violations_are_passed_on() {
    let violations = vec![
        "#/secret/value: has 25001 bytes".into(),
        "#/secret/x: y".into(),
    ];
    assert_snapshot!(play(Script::Say(Outcome::Refused(violations))).await, @r##"
    400 Bad Request
    cache-control: no-store
    content-length: 312
    content-type: application/problem+json
    x-content-type-options: nosniff
    x-request-id: test-request-1

    {"type":"urn:sealpost:problem:invalid-request","title":"The request breaks rules","status":400,"detail":"There are 2 violations: fix them and resend the request. This agent process stored nothing.","instance":"urn:sealpost:request:test-request-1","violations":["#/secret/value: has 25001 bytes","#/secret/x: y"]}
    "##);
}

#[tokio::test]
async fn the_agent_takes_other_formats() {
    let accepted = vec![Kind::Jwe.number(), Kind::Cms.number(), 200];
    assert_snapshot!(play(Script::Say(Outcome::NotAccepted(accepted))).await, @r##"
    400 Bad Request
    cache-control: no-store
    content-length: 402
    content-type: application/problem+json
    x-content-type-options: nosniff
    x-request-id: test-request-1

    {"type":"urn:sealpost:problem:format-not-accepted","title":"The agent does not take this format","status":400,"detail":"There is one violation: fix it and resend the request. This agent process stored nothing.","instance":"urn:sealpost:request:test-request-1","violations":["Content-Type: this agent does not take the format; send one of application/jose, application/pkcs7-mime, or ask its operator"]}
    "##);
}

#[tokio::test]
async fn the_key_was_used_for_something_else() {
    assert_snapshot!(play(Script::Say(Outcome::KeyReused)).await, @r##"
    400 Bad Request
    cache-control: no-store
    content-length: 430
    content-type: application/problem+json
    x-content-type-options: nosniff
    x-request-id: test-request-1

    {"type":"urn:sealpost:problem:idempotency-key-reused","title":"The idempotency key was used for another request","status":400,"detail":"There is one violation: fix it and resend the request. This agent process stored nothing.","instance":"urn:sealpost:request:test-request-1","violations":["Idempotency-Key: was used within 24 hours for another request; give a new one for each request, and the same only to repeat it unchanged"]}
    "##);
}

#[tokio::test]
async fn the_agent_can_take_no_more() {
    assert_snapshot!(play(Script::Say(Outcome::Busy)).await, @r##"
    504 Gateway Timeout
    cache-control: no-store
    content-length: 389
    content-type: application/problem+json
    x-content-type-options: nosniff
    x-request-id: test-request-1

    {"type":"urn:sealpost:problem:agent-busy","title":"The agent can take no more for now","status":504,"detail":"The agent can take no more requests for now; its log says why. The secret may be stored or not: send the request again. With the same Idempotency-Key it happens once; without one, a 409 may mean that the first attempt succeeded.","instance":"urn:sealpost:request:test-request-1"}
    "##);
}
