//! Events of an agent, for metrics and supervision.

use std::{fmt, time::Duration};

use sealpost_carrier::{InboxError, RespondError};
use sealpost_channel::{Outcome, RefusalCode, agent::Silence};

use crate::LedgerError;

/// Is told of an agent's events. Every method does nothing unless it is implemented.
///
/// The methods are called on the agent's tasks: they must not block and must not panic. What they are told is not secret.
pub trait Observer: Send + Sync + fmt::Debug {
    /// A channel, or a message of one, met with something other than an outcome.
    fn channel_event(&self, event: ChannelEvent) {
        let _ = event;
    }

    /// A request was carried out. `format` is how the value was sealed: `native`, `jwe` or `cms`.
    fn request_carried_out(&self, outcome: &Outcome, format: &'static str, duration: Duration) {
        let _ = (outcome, format, duration);
    }

    /// A value did not open. It is told of in addition to the request.
    fn open_failed(&self) {}

    /// The ledger could not be read or written for a request, which was refused, or was not told its outcome.
    fn ledger_failed(&self, error: &LedgerError) {
        let _ = error;
    }

    /// The gateway may not have got a reply.
    fn reply_lost(&self, error: &RespondError) {
        let _ = error;
    }

    /// The task of a request panicked. Its gateway gets no answer; the agent goes on.
    fn task_panicked(&self) {}

    /// The agent stopped serving although it was not asked to. It finishes what it has begun.
    fn serving_ended(&self, error: &InboxError) {
        let _ = error;
    }
}

/// What happened to a channel, or to a message.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ChannelEvent {
    /// A channel was opened, with one operation of the private key.
    Opened,
    /// A message was answered with a refusal of its channel.
    Refused(RefusalCode),
    /// A message got no answer.
    Dropped(Silence),
    /// A message got no answer: it is none of this version.
    Unreadable,
    /// A request came again, and got the outcome of the first.
    Replayed,
    /// Alarm: two requests have one number, so one of two gateways is a copy.
    Reused,
    /// Alarm: so many of a caller's values did not open that the private key is not used for them for a minute.
    CallerBlocked,
}

/// Observes nothing.
#[derive(Debug)]
pub(crate) struct NoObserver;

impl Observer for NoObserver {}
