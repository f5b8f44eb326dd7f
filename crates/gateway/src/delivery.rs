//! From a checked request to the agent's answer: seal, send, judge what comes back.

mod answer;
mod channels;
mod seal;

use std::sync::Arc;

use sealpost_carrier::{Bytes, Carrier};
use sealpost_channel::gateway::{Answer, Waiting};
use tokio::time::Instant;
use tracing::warn;

use self::answer::{no_answer, stored};
pub(crate) use self::{answer::Stored, channels::Channels, seal::Order};
use crate::{
    agents::Agents, directory::AgentEntry, idempotency::IdempotencySecret, problem::Problem,
    request_id::RequestId,
};

/// Has agents store what was submitted.
#[derive(Debug)]
pub(crate) struct Delivery {
    carrier: Arc<dyn Carrier>,
    channels: Channels,
    secret: IdempotencySecret,
}

/// Which request goes where, and until when.
#[derive(Debug)]
pub(crate) struct Sending<'r> {
    pub(crate) id: &'r RequestId,
    pub(crate) entry: Arc<AgentEntry>,
    pub(crate) agents: &'r Agents,
    pub(crate) deadline: Instant,
}

impl Delivery {
    /// Sends through `carrier` what it has sealed with `channels`.
    pub(crate) fn new(
        carrier: Arc<dyn Carrier>,
        channels: Channels,
        secret: IdempotencySecret,
    ) -> Self {
        Self {
            carrier,
            channels,
            secret,
        }
    }

    /// Has the agent store what was submitted, once `permitted` is ready, which goes on while a channel is opened if there is
    /// none.
    ///
    /// # Errors
    ///
    /// The answer; that of `permitted`, if it has one.
    pub(crate) async fn deliver(
        &self,
        sending: Sending<'_>,
        order: Order,
        permitted: impl Future<Output = Result<(), Problem>>,
    ) -> Result<Stored, Problem> {
        let is_sealed_here = !order.submission.is_sealed();
        let (entry, deadline) = (&sending.entry, sending.deadline);
        let opened = self.channels.ready(entry, deadline);
        let (permitted, opened) = tokio::join!(permitted, opened);
        permitted?;
        opened?;
        // Numbers and time are taken when nothing is waited for any more.
        let (channel, place) = self.channels.place(entry, deadline).await?;
        let body = order.body(&self.secret, sending.id, &place)?;
        drop(order);
        let sealed = channel.seal(place, &body);
        drop(body);
        let (message, waiting) = sealed.map_err(Problem::failed)?;
        let answer = self.ask(&sending, message, waiting).await?;
        stored(answer, is_sealed_here)
    }

    /// Sends a message, and waits for what ends its request.
    async fn ask(
        &self,
        sending: &Sending<'_>,
        message: Vec<u8>,
        mut waiting: Waiting,
    ) -> Result<Answer, Problem> {
        let entry = &*sending.entry;
        let mut answer = None;
        let mut judge = |bytes: &Bytes| match waiting.receive(bytes, entry.verify_keys()) {
            Ok(received) => {
                answer = Some(received);
                true
            }
            Err(dropped) => {
                warn!(reason = %dropped, "an answer was dropped; the request goes on waiting");
                self.channels.answer_dropped(dropped);
                false
            }
        };
        let carried = self
            .carrier
            .request(entry.id(), message.into(), sending.deadline, &mut judge)
            .await;
        let channel = waiting.channel();
        match (answer, carried) {
            (Some(answer), Ok(_)) => {
                self.channels.answered(entry.id(), channel, &answer);
                // Trusted when the answer came, and not only when the request was sent.
                let now = sending.agents.find(entry.id()).await?;
                match now.verify_keys().kids().eq(entry.verify_keys().kids()) {
                    true => Ok(answer),
                    false => Err(Problem::unsettled(
                        "the agent's keys were changed while it answered",
                    )),
                }
            }
            (_, Err(error)) => Err(no_answer(&error)),
            (None, Ok(_)) => Err(Problem::unsettled(
                "the carrier returned an answer that was not accepted",
            )),
        }
    }
}
