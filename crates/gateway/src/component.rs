//! What a gateway needs beside its own parts.

use std::fmt;

/// A part without which requests can't be carried out, such as an agent's vault in the same process.
///
/// While one is not ready, `/readyz` answers 503 and names it; requests are carried out all the same, and answered with
/// what becomes of them.
pub trait Component: Send + Sync + fmt::Debug {
    /// Returns its name, such as `vault`. It never changes, and is shown to everyone who may ask for the readiness: it is
    /// a label of a metric, too.
    fn name(&self) -> &str;

    /// Returns whether it can do its work now. It is called from a task and must not block.
    fn is_ready(&self) -> bool;
}
