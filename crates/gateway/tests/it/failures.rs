//! Agents and carriers that fail or cheat, and what the gateway answers.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use insta::assert_snapshot;
use sealpost_carrier::{Bytes, Carrier, CarrierError, Judge};
use sealpost_gateway::{Gateway, Limits, Metrics, audit::AuditSink};
use sealpost_protocol::{
    AgentId, MessageId, Outcome, Received, SigningKey, StoreReply, StoreRequest, VerifyKeys,
};
use tokio::time::Instant;

use crate::{
    harness::{AGENT, Answer, GOOD, TestClock, assemble, request, send},
    issuer::Issuer,
};

/// An agent that follows a script.
#[derive(Debug)]
struct Scripted {
    clock: Arc<TestClock>,
    gateway: SigningKey,
    agent: SigningKey,
    script: Script,
}

#[derive(Debug)]
enum Script {
    Say(Outcome),
    SignWithAnotherKey,
    AnswerAnotherRequest,
    SpeakForAnotherAgent,
    SendItBack,
    Fail(fn() -> CarrierError),
    Panic,
}

#[async_trait]
impl Carrier for Scripted {
    async fn request(
        &self,
        agent: &AgentId,
        message: Bytes,
        _: Instant,
        _: &mut Judge<'_>,
    ) -> Result<Bytes, CarrierError> {
        use sealpost_protocol::Clock as _;
        let now = self.clock.now();
        let keys = VerifyKeys::from(self.gateway.verify_key());
        let received = StoreRequest::verify(&message, &keys, agent, now, Duration::ZERO).unwrap();
        let Received::Request {
            request, gateway, ..
        } = received
        else {
            panic!("late")
        };
        let reply = |in_reply_to, outcome, key: &SigningKey, agent: &AgentId| -> Bytes {
            StoreReply {
                in_reply_to,
                outcome,
            }
            .sign(key, agent, gateway.clone(), now)
            .unwrap()
            .into()
        };
        let stored = || Outcome::Stored {
            resolver_ref: "secret:x".into(),
            vault_secret_name: "x".into(),
        };
        match &self.script {
            Script::Say(outcome) => Ok(reply(request.id, outcome.clone(), &self.agent, agent)),
            Script::SignWithAnotherKey => Ok(reply(
                request.id,
                stored(),
                &SigningKey::generate().unwrap(),
                agent,
            )),
            Script::AnswerAnotherRequest => {
                Ok(reply(MessageId::random(), stored(), &self.agent, agent))
            }
            Script::SpeakForAnotherAgent => Ok(reply(
                request.id,
                stored(),
                &self.agent,
                &"other".parse().unwrap(),
            )),
            Script::SendItBack => Ok(message),
            Script::Fail(error) => Err(error()),
            Script::Panic => panic!("the carrier panics, as the test wants"),
        }
    }
}

async fn play(script: Script) -> Answer {
    play_with(script, |gateway| gateway).await
}

async fn play_with(script: Script, change: impl FnOnce(Gateway) -> Gateway) -> Answer {
    let clock = TestClock::new();
    let issuer = Issuer::new(2_000_000_000);
    let (gateway_key, agent_key) = (
        SigningKey::generate().unwrap(),
        SigningKey::generate().unwrap(),
    );
    let carrier = Arc::new(Scripted {
        clock: clock.clone(),
        gateway: gateway_key.clone(),
        agent: agent_key.clone(),
        script,
    });
    let gateway = assemble(
        &issuer,
        &clock,
        Limits::default(),
        carrier,
        &gateway_key,
        &agent_key,
    );
    let router = change(gateway).router();
    send(&router, request(&issuer, AGENT, GOOD)).await
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
async fn a_reply_that_is_not_to_be_believed_is_a_500() {
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
        Script::SignWithAnotherKey,
        Script::AnswerAnotherRequest,
        Script::SpeakForAnotherAgent,
        Script::SendItBack,
        Script::Say(Outcome::DoesNotOpen),
        Script::Say(Outcome::ContextMismatch {
            violations: vec!["canary".into()],
        }),
        Script::Say(Outcome::Unreadable {
            reason: "canary".into(),
        }),
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
    content-length: 240
    content-type: application/problem+json
    x-content-type-options: nosniff
    x-request-id: test-request-1

    {"type":"urn:sealpost:problem:agent-timeout","title":"The agent did not answer in time","status":504,"detail":"The request reached the agent too late, and nothing was stored. Send it again.","instance":"urn:sealpost:request:test-request-1"}
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
    assert_snapshot!(play(Script::Say(Outcome::Refused { violations })).await, @r##"
    400 Bad Request
    cache-control: no-store
    content-length: 277
    content-type: application/problem+json
    x-content-type-options: nosniff
    x-request-id: test-request-1

    {"type":"urn:sealpost:problem:invalid-request","title":"The request breaks rules","status":400,"detail":"There are 2 violations: fix them and resend the request.","instance":"urn:sealpost:request:test-request-1","violations":["#/secret/value: has 25001 bytes","#/secret/x: y"]}
    "##);
}

#[tokio::test]
async fn the_agent_takes_other_formats() {
    let accepted = vec!["jwe".into(), "<b>canary</b>".into(), "cms".into()];
    assert_snapshot!(play(Script::Say(Outcome::NotAccepted { accepted })).await, @r##"
    400 Bad Request
    cache-control: no-store
    content-length: 367
    content-type: application/problem+json
    x-content-type-options: nosniff
    x-request-id: test-request-1

    {"type":"urn:sealpost:problem:format-not-accepted","title":"The agent does not take this format","status":400,"detail":"There is one violation: fix it and resend the request.","instance":"urn:sealpost:request:test-request-1","violations":["Content-Type: this agent does not take the format; send one of application/jose, application/pkcs7-mime, or ask its operator"]}
    "##);
}

#[tokio::test]
async fn the_key_was_used_for_something_else() {
    assert_snapshot!(play(Script::Say(Outcome::KeyReused)).await, @r##"
    400 Bad Request
    cache-control: no-store
    content-length: 395
    content-type: application/problem+json
    x-content-type-options: nosniff
    x-request-id: test-request-1

    {"type":"urn:sealpost:problem:idempotency-key-reused","title":"The idempotency key was used for another request","status":400,"detail":"There is one violation: fix it and resend the request.","instance":"urn:sealpost:request:test-request-1","violations":["Idempotency-Key: was used within 24 hours for another request; give a new one for each request, and the same only to repeat it unchanged"]}
    "##);
}

#[tokio::test]
async fn the_agent_can_take_no_more() {
    assert_snapshot!(play(Script::Say(Outcome::Busy)).await, @r##"
    504 Gateway Timeout
    cache-control: no-store
    content-length: 285
    content-type: application/problem+json
    x-content-type-options: nosniff
    x-request-id: test-request-1

    {"type":"urn:sealpost:problem:agent-busy","title":"The agent can take no more for now","status":504,"detail":"The agent can take no more requests for now, and nothing was stored. Send the request again later; the agent's log says why.","instance":"urn:sealpost:request:test-request-1"}
    "##);
}
