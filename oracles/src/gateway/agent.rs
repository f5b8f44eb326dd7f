//! An agent that answers as it is told to.

use std::sync::Arc;

use async_trait::async_trait;
use axum::http::StatusCode;
use parking_lot::Mutex;
use sealpost_carrier::{Bytes, Carrier, CarrierError, Judge};
use sealpost_channel::{Kind, Outcome, SigningKey, VerifyKey};
use sealpost_context::{AgentId, ProjectId};
use sealpost_gateway::ProblemType;
use sealpost_testkit::{channels::ChannelAgent, keys::identity};
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::keys::{self, NOW};

/// What it is going to do, and what it was sent.
#[derive(Clone, Debug)]
pub(crate) struct Agent {
    agent: Arc<ChannelAgent>,
    state: Arc<Mutex<(u8, Vec<Sent>)>>,
}

/// What an agent was asked to create.
#[derive(Debug)]
pub(super) struct Sent {
    pub(super) request_id: String,
    pub(super) has_marks: bool,
    pub(super) kind: Kind,
    pub(super) project: Option<ProjectId>,
    /// Name, key, type.
    pub(super) names: Option<[Option<String>; 3]>,
    pub(super) content: Vec<u8>,
}

impl Default for Agent {
    fn default() -> Self {
        let key = SigningKey::generate().expect("there is randomness");
        let gateways = keys::signing_key().verify_key().clone().into();
        let agent = ChannelAgent::new(super::AGENT, identity("a2048"), key, gateways, false);
        Self {
            agent: Arc::new(agent),
            state: Arc::default(),
        }
    }
}

impl Agent {
    pub(crate) fn verify_key(&self) -> VerifyKey {
        self.agent.verify_key()
    }

    pub(super) fn will(&self, does: &[u8]) {
        let mut state = self.state.lock();
        *state = (letter(does), Vec::new());
    }

    pub(super) fn was_sent(&self) -> Vec<Sent> {
        let mut state = self.state.lock();
        std::mem::take(&mut state.1)
    }
}

#[async_trait]
impl Carrier for Agent {
    async fn request(
        &self,
        _: &AgentId,
        message: Bytes,
        _: Instant,
        judge: &mut Judge<'_>,
    ) -> Result<Bytes, CarrierError> {
        let request = self.agent.open(&message, NOW).expect("the channel is good");
        let (head, kind, create) = ChannelAgent::read(&request, NOW);
        let mut state = self.state.lock();
        let text = |text: Option<&str>| text.map(str::to_owned);
        state.1.push(Sent {
            request_id: head.request_id.to_owned(),
            has_marks: create.marks.is_some(),
            kind,
            project: create.project,
            names: create
                .names
                .map(|names| [Some(names.name), names.key, names.secret_type].map(text)),
            content: create.content.to_vec(),
        });
        let violations = vec![VIOLATION.to_owned()];
        let outcome = match state.0 {
            b's' => Outcome::Stored {
                resolver_ref: REFERENCE.into(),
                vault_secret_name: NAME.into(),
            },
            b'r' => Outcome::Refused(violations),
            b'm' => Outcome::ContextMismatch(violations),
            b'e' => Outcome::Exists,
            b'o' => Outcome::DoesNotOpen,
            b't' => return Err(CarrierError::DeadlineExceeded),
            b'x' => {
                let nonsense = Bytes::from("x");
                assert!(!judge(&nonsense), "it is no answer");
                return Err(CarrierError::NoAnswer);
            }
            _ => return Err(CarrierError::Offline),
        };
        let reply = Bytes::from(ChannelAgent::reply(&request, &outcome));
        assert!(judge(&reply), "it is the agent's answer");
        Ok(reply)
    }
}

/// What the caller hears of what the agent does.
pub(super) fn answered(does: &[u8], at_source: bool, status: StatusCode, answer: &Value) {
    let kind = match letter(does) {
        b's' => {
            assert_eq!(status, StatusCode::CREATED);
            let expected = json!({"resolver_ref": REFERENCE, "vaultSecretName": NAME});
            assert_eq!(answer, &expected);
            return;
        }
        b'r' => ProblemType::InvalidRequest,
        b'e' => ProblemType::SecretExists,
        b'm' if at_source => ProblemType::ContextMismatch,
        b'o' if at_source => ProblemType::SealedDoesNotOpen,
        b't' | b'x' => ProblemType::AgentTimeout,
        // Not the caller's doing.
        b'm' | b'o' => ProblemType::Internal,
        _ => ProblemType::AgentOffline,
    };
    assert_eq!(status, kind.status());
    assert_eq!(answer["type"], kind.urn());
    if [ProblemType::InvalidRequest, ProblemType::ContextMismatch].contains(&kind) {
        assert_eq!(answer["violations"], json!([VIOLATION]));
    }
}

fn letter(does: &[u8]) -> u8 {
    does.first().copied().unwrap_or_default()
}

const REFERENCE: &str = "secret:n#k";
const NAME: &str = "n";
const VIOLATION: &str = "#/secret/name: is refused";
