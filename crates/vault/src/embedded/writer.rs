//! Group commit: one thread writes for all, and one fsync serves all who wait.

use std::sync::Arc;
use std::thread::{self, JoinHandle};

use tokio::sync::{mpsc, oneshot};
use tracing::debug;

use super::store::{Change, Store, failure};
use crate::error::VaultFailure;

/// What was there before the change, or why it did not happen.
type Outcome = Result<Option<Vec<u8>>, VaultFailure>;

/// Changes the store from one thread of its own.
///
/// While the thread waits for the disk, changes queue; when it comes back it takes all that are there
/// and makes them durable together. So nobody waits for company, and under load the disk is asked once
/// for many. The queue is bounded: when it is full, callers wait.
///
/// Dropping it finishes what is queued, and waits for that.
#[derive(Debug)]
pub(super) struct Writer {
    /// `None` only while dropping.
    queue: Option<mpsc::Sender<Job>>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug)]
struct Job {
    change: Change,
    answer: oneshot::Sender<Outcome>,
}

impl Writer {
    pub(super) fn start(store: Arc<Store>) -> std::io::Result<Self> {
        let (queue, jobs) = mpsc::channel(QUEUE);
        let thread = thread::Builder::new()
            .name("vault-writer".to_owned())
            .spawn(move || run(&store, jobs))?;
        Ok(Self {
            queue: Some(queue),
            thread: Some(thread),
        })
    }

    /// Makes one change; has it answered, it is durable.
    pub(super) async fn change(&self, change: Change) -> Outcome {
        let (answer, outcome) = oneshot::channel();
        let queue = self.queue.as_ref().ok_or_else(ended)?;
        queue
            .send(Job { change, answer })
            .await
            .map_err(|_| ended())?;
        outcome.await.map_err(|_| ended())?
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.queue = None;
        if let Some(thread) = self.thread.take() {
            // A panic of the thread has been reported, and everybody who waited was told.
            let _ = thread.join();
        }
    }
}

fn run(store: &Store, mut jobs: mpsc::Receiver<Job>) {
    let mut changes = Vec::new();
    let mut answers = Vec::new();
    while let Some(job) = jobs.blocking_recv() {
        let mut bytes = 0;
        let mut next = Some(job);
        while let Some(Job { change, answer }) = next {
            bytes += size(&change);
            changes.push(change);
            answers.push(answer);
            let room = changes.len() < BATCH && bytes < BATCH_BYTES;
            next = if room { jobs.try_recv().ok() } else { None };
        }
        debug!(changes = changes.len(), bytes, "writing to the vault");

        // Somebody who no longer waits for an answer needs none.
        match store.apply(&changes) {
            Ok(found) => {
                for (answer, found) in answers.drain(..).zip(found) {
                    let _ = answer.send(Ok(found));
                }
            }
            Err(error) => {
                let failure = failure(error);
                for answer in answers.drain(..) {
                    let _ = answer.send(Err(failure.clone()));
                }
            }
        }
        changes.clear();
    }
}

fn size(change: &Change) -> usize {
    match change {
        Change::Create { name, record } => name.len() + record.len(),
        Change::Delete { name } => name.len(),
    }
}

fn ended() -> VaultFailure {
    VaultFailure::unavailable("its writer has ended; start the program anew, and look into its log")
}

/// How many changes wait at most.
const QUEUE: usize = 256;

/// How many changes, and how many bytes, are written together at most.
const BATCH: usize = 256;
const BATCH_BYTES: usize = 8 << 20;
