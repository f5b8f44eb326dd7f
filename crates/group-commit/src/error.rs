//! Why a change was not committed, and what state a writer is in.

use thiserror::Error;

/// Why a change was not committed. `E` is the error of the store.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
pub enum SubmitError<E> {
    /// The batch with this change failed, or an earlier one did and the writer has not recovered yet.
    #[error("the change was not written: {0}")]
    Failed(E),
    /// The writer has ended.
    #[error(transparent)]
    Ended(End<E>),
}

/// Whether a writer commits changes. `E` is the error of the store.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum State<E> {
    /// It does, as far as is known.
    Running,
    /// It refuses them with this error until it has recovered, which it tries by itself.
    Recovering(E),
    /// It has ended.
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
