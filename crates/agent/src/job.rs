//! A request to carry out.

use sealpost_channel::{CallerTag, Kid, Marks};
use sealpost_envelope::UnixTime;
use sealpost_vault::OperationId;
use tokio::time::Instant;

use crate::sealed::Sealed;

/// A request to carry out, opened and in time.
#[derive(Debug)]
pub(crate) struct Job<'r> {
    pub(crate) sealed: Sealed<'r>,
    /// There if the caller gave an idempotency key.
    pub(crate) marks: Option<Marks>,
    /// The operation under which the vault recognises this request, unless a key or a use gives another.
    pub(crate) operation: OperationId,
    pub(crate) caller: Caller,
    /// When the request arrived.
    pub(crate) now: UnixTime,
    /// When the gateway stops waiting for the reply.
    pub(crate) deadline: Instant,
}

/// Who asks, as far as an agent knows.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Caller {
    /// The key of the gateway.
    pub(crate) kid: Kid,
    /// What the gateway calls the caller.
    pub(crate) tag: CallerTag,
}
