//! The loop: takes messages from the inbox, answers several at a time, and finishes what it has begun.

use std::sync::Arc;

use sealpost_protocol::Inbox;
use tokio::task::JoinSet;
use tracing::error;

use crate::Agent;

impl Agent {
    /// Answers messages, several at a time, until `shutdown` is ready or there will be no more messages; then finishes
    /// what it has begun. What is still in the inbox then gets no answer: stop the gateway first.
    pub async fn serve(self: Arc<Self>, mut inbox: impl Inbox, shutdown: impl Future<Output = ()>) {
        let mut running = JoinSet::new();
        let mut shutdown = std::pin::pin!(shutdown);
        loop {
            tokio::select! {
                () = &mut shutdown => break,
                Some(done) = running.join_next() => note_panic(done),
                delivery = inbox.receive(), if running.len() < MAX_RUNNING => {
                    let Some(delivery) = delivery else { break };
                    if delivery.is_abandoned() {
                        continue;
                    }
                    let agent = Arc::clone(&self);
                    running.spawn(async move {
                        if let Some(answer) = agent.handle(delivery.message()).await {
                            delivery.answer(answer);
                        }
                    });
                }
            }
        }
        // Offline first, so that no gateway waits for an answer that will not come.
        drop(inbox);
        while let Some(done) = running.join_next().await {
            note_panic(done);
        }
    }
}

fn note_panic(done: Result<(), tokio::task::JoinError>) {
    if done.is_err() {
        error!("a request was not carried out: its task panicked");
    }
}

/// Requests under way at a time; further ones wait in the inbox.
const MAX_RUNNING: usize = 256;
