//! Requests that arrive more than once: one is carried out, the others wait for its outcome or get it again.

use parking_lot::Mutex;
use sealpost_channel::{
    Kind, Outcome,
    agent::{Begun, Request, Requests, Ticket, Turn},
};
use sealpost_envelope::UnixTime;
use tokio::{
    sync::Notify,
    time::{Instant, timeout_at},
};

/// The requests of one agent.
#[derive(Debug, Default)]
pub(crate) struct Replays {
    requests: Mutex<Requests>,
    ended: Notify,
}

/// A request that is carried out. If this is dropped before its end, the request has failed.
#[derive(Debug)]
pub(crate) struct Running<'r> {
    replays: &'r Replays,
    turn: Option<Turn>,
}

impl Replays {
    /// Begins a request, or answers it.
    pub(crate) fn begin<'r>(
        &self,
        request: &'r Request,
        accepted: &[Kind],
        gateways: usize,
        now: UnixTime,
    ) -> Begun<'r> {
        let mut requests = self.requests.lock();
        requests.begin(request, accepted, gateways, now)
    }

    /// Sees to it that a request that was begun has an end.
    pub(crate) fn running(&self, turn: Turn) -> Running<'_> {
        Running {
            replays: self,
            turn: Some(turn),
        }
    }

    /// Waits for the outcome of an equal request, until the deadline at the latest.
    pub(crate) async fn wait(&self, ticket: &Ticket, deadline: Instant) -> Outcome {
        loop {
            // Before the look, so that no end goes unnoticed.
            let ended = self.ended.notified();
            if let Some(outcome) = self.requests.lock().waited(ticket) {
                return outcome;
            }
            if timeout_at(deadline, ended).await.is_err() {
                return Outcome::Failed;
            }
        }
    }

    /// Forgets requests that are late by now.
    pub(crate) fn forget(&self, now: UnixTime) {
        self.requests.lock().forget(now);
    }

    fn end(&self, turn: Turn, outcome: Outcome) -> Outcome {
        let outcome = self.requests.lock().end(turn, outcome);
        self.ended.notify_waiters();
        outcome
    }
}

impl Running<'_> {
    /// Ends the request with this outcome.
    pub(crate) fn end(mut self, outcome: Outcome) -> Outcome {
        match self.turn.take() {
            Some(turn) => self.replays.end(turn, outcome),
            None => outcome,
        }
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        if let Some(turn) = self.turn.take() {
            self.replays.end(turn, Outcome::Failed);
        }
    }
}
