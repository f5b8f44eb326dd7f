//! The writer and its thread.

use std::{
    fmt, io,
    sync::Arc,
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use tokio::sync::{
    mpsc::{self, error::TryRecvError},
    oneshot, watch,
};
use tracing::{info, trace, warn};

use crate::{Bounds, Commit, End, Failure, State, SubmitError};

/// Commits changes from a thread of its own. The [crate](crate) says how.
///
/// Dropping it commits what is queued, and blocks until that is done; [`close`](Self::close) does the same without
/// blocking.
pub struct GroupCommit<C: Commit> {
    /// `None` only while dropping.
    queue: Option<mpsc::Sender<Job<C>>>,
    state: Shared<C>,
    thread: Option<JoinHandle<()>>,
}

/// Set before a caller can notice what it says.
type Shared<C> = Arc<watch::Sender<State<<C as Commit>::Error>>>;

type Answer<C> = Result<<C as Commit>::Answer, SubmitError<<C as Commit>::Error>>;

enum Job<C: Commit> {
    Change(C::Change, oneshot::Sender<Answer<C>>),
    /// The store was found unusable by something else: recover.
    Recover,
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
        let state = Shared::<C>::new(watch::Sender::new(State::Running));
        let shared = Arc::clone(&state);
        let thread = thread::Builder::new()
            .name(name.to_owned())
            .spawn(move || run::<C>(store, jobs, shared, bounds))?;
        Ok(Self {
            queue: Some(queue),
            state,
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
        if let State::Recovering(error) = &*self.state.borrow() {
            return Err(SubmitError::Failed(error.clone()));
        }
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

    /// Says that the store was found unusable by something else than a commit, such as a read: changes are refused with this
    /// error until the writer has recovered.
    pub fn suspect(&self, error: C::Error) {
        let was_running = set_recovering::<C>(&self.state, error);
        if let (true, Some(queue)) = (was_running, &self.queue) {
            // If the queue is full, the writer is about to look at the state anyway.
            let _ = queue.try_send(Job::Recover);
        }
    }

    /// Returns whether changes are committed now.
    #[must_use]
    pub fn state(&self) -> State<C::Error> {
        self.state.borrow().clone()
    }

    /// Returns when the writer has ended, and why.
    pub async fn ended(&self) -> End<C::Error> {
        let mut state = self.state.subscribe();
        let ended = state.wait_for(|state| matches!(state, State::Ended(_)));
        match ended.await.map(|state| state.clone()) {
            Ok(State::Ended(end)) => end,
            // The sender is in `self`.
            _ => std::future::pending().await,
        }
    }

    /// Returns why the writer has ended, or `None` while it runs.
    #[must_use]
    pub fn end(&self) -> Option<End<C::Error>> {
        match &*self.state.borrow() {
            State::Ended(end) => Some(end.clone()),
            State::Running | State::Recovering(_) => None,
        }
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
            .field("ended", &self.end().is_some())
            .finish_non_exhaustive()
    }
}

fn run<C: Commit>(
    mut store: C,
    mut jobs: mpsc::Receiver<Job<C>>,
    state: Shared<C>,
    bounds: Bounds,
) {
    let mut batch = Batch::<C>::new(bounds);
    let mut closers = Vec::new();
    // Declared last, so that it is dropped first when the store panics.
    let ending = SetOnPanic::<C>(state);
    while let Some(job) = jobs.blocking_recv() {
        let mut next = Some(job);
        while let Some(job) = next {
            match job {
                Job::Change(change, answer) => batch.add(change, answer),
                Job::Recover => {}
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
        let committed = batch.commit(&mut store, &ending.0);
        let usable = committed
            .and_then(|()| recovered(&mut store, &mut jobs, &ending.0, &mut closers, bounds));
        if let Err(error) = usable {
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

/// Waits until the store has recovered if it failed, and refuses changes meanwhile. Returns early when the writer is to end.
/// Fails if nothing more may be written.
fn recovered<C: Commit>(
    store: &mut C,
    jobs: &mut mpsc::Receiver<Job<C>>,
    state: &Shared<C>,
    closers: &mut Vec<oneshot::Sender<()>>,
    bounds: Bounds,
) -> Result<(), C::Error> {
    loop {
        let State::Recovering(error) = state.borrow().clone() else {
            return Ok(());
        };
        let attempt = Instant::now() + bounds.recovery_pause;
        loop {
            match jobs.try_recv() {
                Ok(Job::Change(_, answer)) => {
                    let _ = answer.send(Err(SubmitError::Failed(error.clone())));
                }
                Ok(Job::Recover) => {}
                Ok(Job::Close(done)) => {
                    jobs.close();
                    closers.push(done);
                }
                Err(TryRecvError::Disconnected) => return Ok(()),
                Err(TryRecvError::Empty) => {
                    let left = attempt.saturating_duration_since(Instant::now());
                    if left.is_zero() {
                        break;
                    }
                    thread::sleep(left.min(LOOK));
                }
            }
        }
        match store.recover() {
            Ok(()) => {
                info!("the writer has recovered");
                state.send_replace(State::Running);
            }
            Err(Failure::Passing(error)) => {
                state.send_replace(State::Recovering(error));
            }
            Err(Failure::Final(error)) => return Err(error),
        }
    }
}

/// Refuses changes from now on. Returns whether they were committed before.
fn set_recovering<C: Commit>(state: &Shared<C>, error: C::Error) -> bool {
    state.send_if_modified(|state| {
        let was_running = matches!(state, State::Running);
        if was_running {
            *state = State::Recovering(error);
        }
        was_running
    })
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
    fn commit(&mut self, store: &mut C, state: &Shared<C>) -> Result<(), C::Error> {
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
                warn!("a batch was not written; nothing is until the writer has recovered");
                set_recovering::<C>(state, error.clone());
                self.fail(&SubmitError::Failed(error));
                Ok(())
            }
            Err(Failure::Final(error)) => {
                state.send_replace(State::Ended(End::Failed(error.clone())));
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
struct SetOnPanic<C: Commit>(Shared<C>);

impl<C: Commit> SetOnPanic<C> {
    /// The first reason counts.
    fn set(&self, end: End<C::Error>) {
        self.0.send_if_modified(|state| {
            let runs = !matches!(state, State::Ended(_));
            if runs {
                *state = State::Ended(end);
            }
            runs
        });
    }
}

impl<C: Commit> Drop for SetOnPanic<C> {
    fn drop(&mut self) {
        self.set(End::Panicked);
    }
}

/// How often a writer that recovers looks whether it is to end.
const LOOK: Duration = Duration::from_millis(20);

#[cfg(test)]
mod tests;
