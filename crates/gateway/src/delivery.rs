//! From a checked request to the agent's answer: seal, sign, send, verify.

mod answer;
mod seal;

use std::sync::Arc;

use sealpost_protocol::{Clock, MessageId, SigningKey, StoreReply, Transport};
use tokio::time::Instant;

pub(crate) use self::{answer::Stored, seal::Order};
use self::{
    answer::{no_answer, stored},
    seal::{Message, Sealer},
};
use crate::{
    directory::AgentEntry, idempotency::IdempotencySecret, problem::Problem, request_id::RequestId,
};

/// Has agents store what was submitted.
#[derive(Debug)]
pub(crate) struct Delivery {
    transport: Arc<dyn Transport>,
    clock: Arc<dyn Clock>,
    sealer: Sealer,
}

impl Delivery {
    /// Sends through `transport` what it has signed with `signing_key`.
    pub(crate) fn new(
        transport: Arc<dyn Transport>,
        clock: Arc<dyn Clock>,
        signing_key: SigningKey,
        idempotency_secret: IdempotencySecret,
    ) -> Self {
        Self {
            transport,
            clock,
            sealer: Sealer::new(signing_key, idempotency_secret),
        }
    }

    /// Has the agent store what was submitted.
    ///
    /// # Errors
    ///
    /// The answer.
    pub(crate) async fn deliver(
        &self,
        id: &RequestId,
        entry: Arc<AgentEntry>,
        order: Order,
        deadline: Instant,
    ) -> Result<Stored, Problem> {
        let is_sealed_here = !order.submission.is_sealed();
        let message_id = MessageId::random();
        let message = Message {
            entry: Arc::clone(&entry),
            id: message_id,
            request_id: id.as_str().to_owned(),
            now: self.clock.now(),
            lifetime: deadline.saturating_duration_since(Instant::now()).as_secs() + 1,
        };
        let message = self.sealer.seal(message, order).await?;
        let answer = self
            .transport
            .request(entry.id(), message, deadline)
            .await
            .map_err(|error| no_answer(&error))?;
        let outcome = StoreReply::verify(
            &answer,
            (entry.id(), entry.verify_keys()),
            &self.sealer.gateway_name(),
            message_id,
            self.clock.now(),
            LEEWAY,
        )
        .map_err(Problem::failed)?;
        stored(outcome, is_sealed_here)
    }
}

/// Seconds by which the agent's clock may differ.
const LEEWAY: u64 = 60;
