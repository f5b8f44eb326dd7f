//! What is written to.

use std::time::Duration;

/// Makes changes durable. The writer's thread owns it, calls it with one batch at a time, and drops it when it ends.
pub trait Commit: Send + 'static {
    /// One change.
    type Change: Send;

    /// What a caller is told of its change.
    type Answer: Send;

    /// Why a batch was not committed. Every caller of the batch gets a copy.
    type Error: Clone + Send + Sync;

    /// Makes all changes durable, in their order, or none of them. Adds one answer for each, in the same order.
    ///
    /// # Errors
    ///
    /// [`Failure`]: nothing was changed, as far as can be told. The answers are ignored.
    fn commit(
        &mut self,
        changes: &[Self::Change],
        answers: &mut Vec<Self::Answer>,
    ) -> Result<(), Failure<Self::Error>>;

    /// Tries whether changes can be committed again, after a batch failed with [`Failure::Passing`] or something else found
    /// the store unusable. Until it succeeds, no change is committed, and it is called again after each
    /// [`Bounds::recovery_pause`]. Unless implemented, it succeeds.
    ///
    /// # Errors
    ///
    /// [`Failure`], with what changes fail with meanwhile.
    fn recover(&mut self) -> Result<(), Failure<Self::Error>> {
        Ok(())
    }

    /// Returns the size of a change in bytes, which [`Bounds::batch_bytes`] limits. Zero if that is of no interest.
    #[must_use]
    fn size(_: &Self::Change) -> usize {
        0
    }
}

/// Why a batch was not committed, and whether the next one may be.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Failure<E> {
    /// A later batch may succeed: the writer recovers by itself.
    Passing(E),
    /// Nothing may be written any more, for example because an fsync failed: the writer ends.
    Final(E),
}

/// How much waits, how much is committed together, and how often recovery is tried.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Bounds {
    /// How many changes wait at most. Further callers wait for a place.
    pub queue: usize,
    /// How many changes are committed together at most.
    pub batch: usize,
    /// With how many bytes a batch is full, by [`Commit::size`].
    pub batch_bytes: usize,
    /// The pause between a failure and the attempt to recover from it, and between attempts.
    pub recovery_pause: Duration,
}

impl Default for Bounds {
    /// 256 changes wait, 256 changes or 8 MiB are committed together, and recovery is tried each second.
    fn default() -> Self {
        Self {
            queue: 256,
            batch: 256,
            batch_bytes: 8 << 20,
            recovery_pause: Duration::from_secs(1),
        }
    }
}
