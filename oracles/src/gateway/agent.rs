//! An agent that answers as it is told to.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use axum::http::StatusCode;
use parking_lot::Mutex;
use sealpost_carrier::{Bytes, Carrier, CarrierError, Judge};
use sealpost_gateway::ProblemType;
use sealpost_protocol::{
    AgentId, Outcome, Received, SigningKey, StoreReply, StoreRequest, VerifyKey, VerifyKeys,
};
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::{keys::NOW, messages};

/// What it is going to do, and what it was sent.
#[derive(Clone, Debug)]
pub(crate) struct Agent {
    key: SigningKey,
    gateways: VerifyKeys,
    state: Arc<Mutex<(u8, Vec<StoreRequest>)>>,
}

impl Default for Agent {
    fn default() -> Self {
        Self {
            key: SigningKey::generate().expect("there is randomness"),
            gateways: [messages::signing_key().verify_key()].into_iter().collect(),
            state: Arc::default(),
        }
    }
}

impl Agent {
    pub(crate) fn verify_key(&self) -> VerifyKey {
        self.key.verify_key()
    }

    pub(super) fn will(&self, does: &[u8]) {
        let mut state = self.state.lock();
        *state = (letter(does), Vec::new());
    }

    pub(super) fn was_sent(&self) -> Vec<StoreRequest> {
        let mut state = self.state.lock();
        std::mem::take(&mut state.1)
    }
}

#[async_trait]
impl Carrier for Agent {
    async fn request(
        &self,
        agent: &AgentId,
        message: Bytes,
        _: Instant,
        _: &mut Judge<'_>,
    ) -> Result<Bytes, CarrierError> {
        let received = StoreRequest::verify(&message, &self.gateways, agent, NOW, Duration::ZERO);
        let Ok(Received::Request {
            request, gateway, ..
        }) = received
        else {
            panic!("no agent believes it: {received:?}")
        };
        let id = request.id;
        let mut state = self.state.lock();
        state.1.push(request);
        let violations = vec![VIOLATION.to_owned()];
        let outcome = match state.0 {
            b's' => Outcome::Stored {
                resolver_ref: REFERENCE.into(),
                vault_secret_name: NAME.into(),
            },
            b'r' => Outcome::Refused { violations },
            b'm' => Outcome::ContextMismatch { violations },
            b'e' => Outcome::Exists,
            b'o' => Outcome::DoesNotOpen,
            b't' => return Err(CarrierError::DeadlineExceeded),
            b'x' => return Ok(Bytes::from("x")),
            _ => return Err(CarrierError::Offline),
        };
        let reply = StoreReply {
            in_reply_to: id,
            outcome,
        };
        let reply = reply.sign(&self.key, agent, gateway, NOW);
        Ok(reply.expect("it can be signed").into())
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
        b't' => ProblemType::AgentTimeout,
        // Not the caller's doing.
        b'm' | b'o' | b'x' => ProblemType::Internal,
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
