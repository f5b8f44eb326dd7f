//! From a checked request to the agent's answer: seal, sign, send, verify.

mod answer;
mod seal;

use std::{sync::Arc, time::Duration};

use sealpost_carrier::{Carrier, any_answer};
use sealpost_protocol::{Clock, MessageId, SigningKey, StoreReply};
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
    carrier: Arc<dyn Carrier>,
    clock: Arc<dyn Clock>,
    sealer: Sealer,
}

impl Delivery {
    /// Sends through `carrier` what it has signed with `signing_key`.
    pub(crate) fn new(
        carrier: Arc<dyn Carrier>,
        clock: Arc<dyn Clock>,
        signing_key: SigningKey,
        idempotency_secret: IdempotencySecret,
    ) -> Self {
        Self {
            carrier,
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
            // Signed in whole seconds, rounded up.
            lifetime: deadline.saturating_duration_since(Instant::now()) + Duration::from_secs(1),
        };
        let message = self.sealer.seal(message, order).await?;
        let answer = self
            .carrier
            .request(entry.id(), message.into(), deadline, &mut any_answer)
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
        .map_err(Problem::unsettled)?;
        stored(outcome, is_sealed_here)
    }
}

/// By how much the agent's clock may differ.
const LEEWAY: Duration = Duration::from_secs(60);
