//! Why a change was not committed, and why a writer ended.

use thiserror::Error;

/// Why a change was not committed. `E` is the error of the store.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
pub enum SubmitError<E> {
    /// The batch with this change failed. The writer goes on.
    #[error("the change was not written: {0}")]
    Failed(E),
    /// The writer has ended.
    #[error(transparent)]
    Ended(End<E>),
}

/// Why a writer ended.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
pub enum End<E> {
    /// It was closed.
    #[error("the writer was closed")]
    Closed,
    /// A failure after which nothing may be written.
    #[error("the writer stopped: {0}")]
    Failed(E),
    /// The store panicked.
    #[error("the writer panicked; look into the log")]
    Panicked,
}
