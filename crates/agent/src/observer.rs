//! Events of an agent, for metrics and supervision.

use std::{fmt, time::Duration};

use sealpost_carrier::{InboxError, RespondError};
use sealpost_protocol::{Outcome, VerifyError};

use crate::LedgerError;

/// Is told of an agent's events. Every method does nothing unless it is implemented.
///
/// The methods are called on the agent's tasks: they must not block and must not panic. What they are told is not secret.
pub trait Observer: Send + Sync + fmt::Debug {
    /// A message was not believed, and gets no answer.
    fn message_refused(&self, error: VerifyError) {
        let _ = error;
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

/// Observes nothing.
#[derive(Debug)]
pub(crate) struct NoObserver;

impl Observer for NoObserver {}
