//! The loop: takes messages from the inbox, answers several at a time, and finishes what it has begun.

use std::{sync::Arc, time::Duration};

use sealpost_carrier::{Delivery, Inbox, InboxError};
use tokio::{
    task::{JoinError, JoinSet},
    time::{MissedTickBehavior, interval},
};
use tracing::{error, warn};

use crate::Agent;

impl Agent {
    /// Answers messages, several at a time, until `shutdown` is ready; then closes the inbox, and finishes what has arrived.
    ///
    /// # Errors
    ///
    /// [`InboxError`] if the inbox ended although `shutdown` was not ready: then this agent is no longer served. What had
    /// arrived is finished first. The error is in the log, and the [`Observer`](crate::Observer) is told.
    pub async fn serve(
        self: Arc<Self>,
        mut inbox: impl Inbox,
        shutdown: impl Future<Output = ()>,
    ) -> Result<(), InboxError> {
        let mut running = JoinSet::new();
        let mut shutdown = std::pin::pin!(shutdown);
        let mut is_closing = false;
        let mut second = interval(Duration::from_secs(1));
        second.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let ended = loop {
            tokio::select! {
                () = &mut shutdown, if !is_closing => {
                    is_closing = true;
                    inbox.close().await;
                }
                Some(done) = running.join_next() => self.joined(done),
                // By a timer, so that keys don't lie in memory until the next message.
                _ = second.tick() => self.wipe(),
                received = inbox.receive(), if running.len() < MAX_RUNNING => match received {
                    Ok(delivery) => {
                        let agent = Arc::clone(&self);
                        running.spawn(async move { agent.answer(delivery).await });
                    }
                    Err(InboxError::Closed) if is_closing => break Ok(()),
                    Err(error) => break Err(error),
                }
            }
        };
        if let Err(error) = &ended {
            error!(%error, "the agent receives no more messages");
            self.observer.serving_ended(error);
        }
        // Offline first, so that no gateway waits for an answer that will not come.
        drop(inbox);
        while let Some(done) = running.join_next().await {
            self.joined(done);
        }
        ended
    }

    async fn answer(&self, delivery: Delivery) {
        if delivery.is_abandoned() {
            return;
        }
        let Some(answer) = self.handle(delivery.message()).await else {
            return;
        };
        if let Err(error) = delivery.respond(answer.into()).await {
            warn!(%error, "reply not delivered");
            self.observer.reply_lost(&error);
        }
    }

    fn joined(&self, done: Result<(), JoinError>) {
        if done.is_err() {
            error!("a request was not carried out: its task panicked");
            self.observer.task_panicked();
        }
    }
}

/// Requests under way at a time; further ones wait in the inbox.
const MAX_RUNNING: usize = 256;
/// Whatever a gateway sends can be carried.
const _: () = assert!(sealpost_channel::MAX_MESSAGE <= sealpost_carrier::MAX_MESSAGE);
