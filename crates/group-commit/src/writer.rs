//! The writer and its thread.

use std::{
    fmt, io,
    sync::{Arc, OnceLock},
    thread::{self, JoinHandle},
};

use tokio::sync::{mpsc, oneshot};
use tracing::trace;

use crate::{Bounds, Commit, End, Failure, SubmitError};

/// Commits changes from a thread of its own. The [crate](crate) says how.
///
/// Dropping it commits what is queued, and blocks until that is done; [`close`](Self::close) does the same without
/// blocking.
pub struct GroupCommit<C: Commit> {
    /// `None` only while dropping.
    queue: Option<mpsc::Sender<Job<C>>>,
    end: Ending<C>,
    thread: Option<JoinHandle<()>>,
}

/// Set by the thread when it ends, before a caller can notice that.
type Ending<C> = Arc<OnceLock<End<<C as Commit>::Error>>>;

type Answer<C> = Result<<C as Commit>::Answer, SubmitError<<C as Commit>::Error>>;

enum Job<C: Commit> {
    Change(C::Change, oneshot::Sender<Answer<C>>),
    /// Commit what was queued before, then end. The other side waits until this is dropped.
    Close(#[allow(dead_code)] oneshot::Sender<()>),
}

impl<C: Commit> GroupCommit<C> {
    /// Starts a writer. `name` is that of its thread.
    ///
    /// # Errors
    ///
    /// Fails if the system does not give a thread.
    pub fn start(name: &str, store: C, bounds: Bounds) -> io::Result<Self> {
        let (queue, jobs) = mpsc::channel(bounds.queue);
        let end = Ending::<C>::default();
        let ending = Arc::clone(&end);
        let thread = thread::Builder::new()
            .name(name.to_owned())
            .spawn(move || run::<C>(store, jobs, ending, bounds))?;
        Ok(Self {
            queue: Some(queue),
            end,
            thread: Some(thread),
        })
    }

    /// Commits one change and returns its answer. Once this has returned `Ok`, the change is durable.
    ///
    /// If the future is dropped after the change was queued, the change is committed all the same.
    ///
    /// # Errors
    ///
    /// [`SubmitError`]: the change was not committed. After [`End::Panicked`] this is not known.
    pub async fn submit(&self, change: C::Change) -> Answer<C> {
        let (answer, outcome) = oneshot::channel();
        let ended = || SubmitError::Ended(self.end().unwrap_or(End::Panicked));
        let queue = self.queue.as_ref().ok_or_else(ended)?;
        queue
            .send(Job::Change(change, answer))
            .await
            .map_err(|_| ended())?;
        outcome.await.map_err(|_| ended())?
    }

    /// Commits what was queued before, drops the store, and ends. Later changes fail with [`End::Closed`].
    ///
    /// If the future is dropped, the writer may end all the same. Closing twice does no harm.
    pub async fn close(&self) {
        let (done, closed) = oneshot::channel();
        let Some(queue) = &self.queue else { return };
        // If it has ended before, there is nothing to wait for.
        if queue.send(Job::Close(done)).await.is_ok() {
            let _ = closed.await;
        }
    }

    /// Returns why the writer has ended, or `None` while it runs.
    #[must_use]
    pub fn end(&self) -> Option<End<C::Error>> {
        self.end.get().cloned()
    }
}

impl<C: Commit> Drop for GroupCommit<C> {
    fn drop(&mut self) {
        self.queue = None;
        if let Some(thread) = self.thread.take() {
            // A panic of the thread has been reported, and every caller was told.
            let _ = thread.join();
        }
    }
}

impl<C: Commit> fmt::Debug for GroupCommit<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GroupCommit")
            .field("ended", &self.end.get().is_some())
            .finish_non_exhaustive()
    }
}

fn run<C: Commit>(mut store: C, mut jobs: mpsc::Receiver<Job<C>>, end: Ending<C>, bounds: Bounds) {
    let mut batch = Batch::<C>::new(bounds);
    let mut closers = Vec::new();
    // Declared last, so that it is dropped first when the store panics.
    let ending = SetOnPanic::<C>(end);
    while let Some(job) = jobs.blocking_recv() {
        let mut next = Some(job);
        while let Some(job) = next {
            match job {
                Job::Change(change, answer) => batch.add(change, answer),
                Job::Close(done) => {
                    // What is in the queue by now is still taken.
                    jobs.close();
                    closers.push(done);
                }
            }
            next = if batch.is_full() {
                None
            } else {
                jobs.try_recv().ok()
            };
        }
        if let Err(error) = batch.commit(&mut store) {
            ending.set(End::Failed(error.clone()));
            jobs.close();
            while let Some(job) = jobs.blocking_recv() {
                if let Job::Change(_, answer) = job {
                    let _ = answer.send(Err(SubmitError::Ended(End::Failed(error.clone()))));
                }
            }
        }
    }
    ending.set(End::Closed);
    // Before those who close it are told.
    drop(store);
    drop(closers);
}

/// Changes that are committed together, and who waits for them.
struct Batch<C: Commit> {
    changes: Vec<C::Change>,
    waiting: Vec<oneshot::Sender<Answer<C>>>,
    answers: Vec<C::Answer>,
    bytes: usize,
    bounds: Bounds,
}

impl<C: Commit> Batch<C> {
    const fn new(bounds: Bounds) -> Self {
        Self {
            changes: Vec::new(),
            waiting: Vec::new(),
            answers: Vec::new(),
            bytes: 0,
            bounds,
        }
    }

    fn add(&mut self, change: C::Change, answer: oneshot::Sender<Answer<C>>) {
        self.bytes = self.bytes.saturating_add(C::size(&change));
        self.changes.push(change);
        self.waiting.push(answer);
    }

    fn is_full(&self) -> bool {
        self.changes.len() >= self.bounds.batch || self.bytes >= self.bounds.batch_bytes
    }

    /// Commits the batch, answers every caller and empties it. Fails if nothing more may be written.
    fn commit(&mut self, store: &mut C) -> Result<(), C::Error> {
        if self.changes.is_empty() {
            return Ok(());
        }
        trace!(
            changes = self.changes.len(),
            bytes = self.bytes,
            "committing"
        );
        self.answers.clear();
        let result = store.commit(&self.changes, &mut self.answers);
        self.changes.clear();
        self.bytes = 0;
        // A caller that no longer waits for its answer needs none.
        match result {
            Ok(()) => {
                for (waiting, answer) in self.waiting.drain(..).zip(self.answers.drain(..)) {
                    let _ = waiting.send(Ok(answer));
                }
                Ok(())
            }
            Err(Failure::Passing(error)) => {
                self.fail(&SubmitError::Failed(error));
                Ok(())
            }
            Err(Failure::Final(error)) => {
                self.fail(&SubmitError::Ended(End::Failed(error.clone())));
                Err(error)
            }
        }
    }

    fn fail(&mut self, error: &SubmitError<C::Error>) {
        for waiting in self.waiting.drain(..) {
            let _ = waiting.send(Err(error.clone()));
        }
    }
}

/// Says why the thread ended, also when it panics.
struct SetOnPanic<C: Commit>(Ending<C>);

impl<C: Commit> SetOnPanic<C> {
    /// The first reason counts.
    fn set(&self, end: End<C::Error>) {
        let _ = self.0.set(end);
    }
}

impl<C: Commit> Drop for SetOnPanic<C> {
    fn drop(&mut self) {
        self.set(End::Panicked);
    }
}

#[cfg(test)]
mod tests;
