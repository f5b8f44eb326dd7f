use std::{
    sync::{
        Mutex,
        atomic::{AtomicBool, Ordering},
        mpsc as blocking,
    },
    time::Duration,
};

use super::*;

/// A store that does as it is told, and keeps what it was given.
struct Store {
    /// One permission for each batch; when the other side is gone, none is needed.
    permits: blocking::Receiver<()>,
    batches: Arc<Mutex<Vec<Vec<Change>>>>,
    dropped: Arc<AtomicBool>,
    /// What attempts to recover come to; then they succeed.
    recoveries: Recoveries,
}

type Recoveries = Arc<Mutex<Vec<Failure<&'static str>>>>;

#[derive(Clone, Debug, Eq, PartialEq)]
enum Change {
    Put(u32),
    Pass,
    Stop,
    Panic,
}

use Change::{Panic, Pass, Put, Stop};

impl Commit for Store {
    type Change = Change;
    type Answer = usize;
    type Error = &'static str;

    fn commit(
        &mut self,
        changes: &[Change],
        answers: &mut Vec<usize>,
    ) -> Result<(), Failure<&'static str>> {
        let _ = self.permits.recv();
        let mut batches = self.batches.lock().unwrap();
        batches.push(changes.to_vec());
        for (index, change) in changes.iter().enumerate() {
            match change {
                Put(_) => answers.push(index),
                Pass => return Err(Failure::Passing("full")),
                Stop => return Err(Failure::Final("fsync")),
                Panic => {
                    drop(batches);
                    panic!("the store panics, as the test wants")
                }
            }
        }
        Ok(())
    }

    fn recover(&mut self) -> Result<(), Failure<&'static str>> {
        self.recoveries.lock().unwrap().pop().map_or(Ok(()), Err)
    }

    fn size(change: &Change) -> usize {
        match change {
            Put(size) => *size as usize,
            Pass | Stop | Panic => 0,
        }
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        // Late, so that a `close` that does not wait for it is found out.
        thread::sleep(Duration::from_millis(20));
        self.dropped.store(true, Ordering::SeqCst);
    }
}

struct World {
    writer: Arc<GroupCommit<Store>>,
    permits: Option<blocking::Sender<()>>,
    batches: Arc<Mutex<Vec<Vec<Change>>>>,
    dropped: Arc<AtomicBool>,
    recoveries: Recoveries,
}

type Submitted = tokio::task::JoinHandle<Result<usize, SubmitError<&'static str>>>;

impl World {
    /// With a store that waits for a permit before each batch.
    fn held(bounds: Bounds) -> Self {
        let (sender, permits) = blocking::channel();
        let (batches, dropped) = (Arc::default(), Arc::default());
        let recoveries = Recoveries::default();
        let store = Store {
            permits,
            batches: Arc::clone(&batches),
            dropped: Arc::clone(&dropped),
            recoveries: Arc::clone(&recoveries),
        };
        let writer = GroupCommit::start("test-writer", store, bounds).unwrap();
        Self {
            writer: Arc::new(writer),
            permits: Some(sender),
            batches,
            dropped,
            recoveries,
        }
    }

    fn free() -> Self {
        Self::free_with(Bounds::default())
    }

    fn free_with(bounds: Bounds) -> Self {
        let mut world = Self::held(bounds);
        world.release();
        world
    }

    async fn until(&self, state: State<&'static str>) {
        let is_so = async {
            while self.writer.state() != state {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        let in_time = tokio::time::timeout(Duration::from_secs(10), is_so).await;
        in_time.unwrap_or_else(|_| panic!("{:?}, not {state:?}", self.writer.state()));
    }

    fn release(&mut self) {
        self.permits = None;
    }

    /// Submits from a task of its own, and waits until the change is queued.
    async fn submit(&self, change: Change) -> Submitted {
        let writer = Arc::clone(&self.writer);
        let task = tokio::spawn(async move { writer.submit(change).await });
        tokio::task::yield_now().await;
        task
    }

    /// Waits until the store holds the first change.
    async fn first(&self, change: Change) -> Submitted {
        let task = self.submit(change).await;
        // The thread has taken the job when the queue has all its places again.
        let queue = self.writer.queue.as_ref().unwrap();
        while queue.capacity() < queue.max_capacity() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        task
    }

    fn batches(&self) -> Vec<Vec<Change>> {
        self.batches.lock().unwrap().clone()
    }
}

#[tokio::test]
async fn what_waits_at_the_same_time_is_committed_together() {
    let mut world = World::held(Bounds::default());
    let mut tasks = vec![world.first(Put(0)).await];
    for number in 1..=10 {
        tasks.push(world.submit(Put(number)).await);
    }
    world.release();
    for (index, task) in tasks.into_iter().enumerate() {
        assert_eq!(task.await.unwrap(), Ok(index.saturating_sub(1)));
    }
    assert_eq!(
        world.batches(),
        [vec![Put(0)], (1..=10).map(Put).collect::<Vec<_>>()]
    );
}

#[tokio::test]
async fn a_batch_is_bounded_by_number_and_by_bytes() {
    for (batch, batch_bytes, expected) in [(2, 1000, vec![1, 2, 2, 1]), (9, 20, vec![1, 2, 2, 1])] {
        let mut world = World::held(Bounds {
            queue: 16,
            batch,
            batch_bytes,
            ..Bounds::default()
        });
        let mut tasks = vec![world.first(Put(10)).await];
        for _ in 0..5 {
            tasks.push(world.submit(Put(10)).await);
        }
        world.release();
        for task in tasks {
            task.await.unwrap().unwrap();
        }
        let sizes: Vec<_> = world.batches().iter().map(Vec::len).collect();
        assert_eq!(sizes, expected);
    }
}

#[tokio::test]
async fn a_full_queue_makes_callers_wait() {
    let mut world = World::held(Bounds {
        queue: 1,
        ..Bounds::default()
    });
    let mut tasks = Vec::new();
    for number in 0..8 {
        tasks.push(world.submit(Put(number)).await);
    }
    tokio::time::sleep(Duration::from_millis(20)).await;
    assert!(tasks.iter().all(|task| !task.is_finished()));
    world.release();
    for task in tasks {
        task.await.unwrap().unwrap();
    }
    assert_eq!(world.batches().concat().len(), 8);
}

#[tokio::test]
async fn a_failed_batch_is_told_to_all_and_nothing_is_committed_until_the_writer_has_recovered() {
    let mut world = World::held(Bounds {
        recovery_pause: Duration::from_millis(50),
        ..Bounds::default()
    });
    *world.recoveries.lock().unwrap() = vec![Failure::Passing("still full")];
    let first = world.first(Put(0)).await;
    let together = [world.submit(Put(1)).await, world.submit(Pass).await];
    world.release();
    assert_eq!(first.await.unwrap(), Ok(0));
    for task in together {
        assert_eq!(task.await.unwrap(), Err(SubmitError::Failed("full")));
        assert_eq!(world.writer.state(), State::Recovering("full"));
    }
    let refused = Err(SubmitError::Failed("full"));
    assert_eq!(world.writer.submit(Put(2)).await, refused);
    world.until(State::Recovering("still full")).await;
    let refused = Err(SubmitError::Failed("still full"));
    assert_eq!(world.writer.submit(Put(2)).await, refused);
    // Without a change that would make it try.
    world.until(State::Running).await;
    assert_eq!(world.writer.submit(Put(2)).await, Ok(0));
    let committed = world.batches().concat();
    assert_eq!(committed, [Put(0), Put(1), Pass, Put(2)]);
    assert_eq!(world.writer.end(), None);
}

#[tokio::test]
async fn a_change_that_was_queued_when_a_batch_failed_is_refused() {
    let mut world = World::held(Bounds {
        batch: 1,
        ..Bounds::default()
    });
    let first = world.first(Pass).await;
    let queued = world.submit(Put(1)).await;
    world.release();
    for task in [first, queued] {
        assert_eq!(task.await.unwrap(), Err(SubmitError::Failed("full")));
    }
    assert_eq!(world.batches(), [[Pass]]);
}

#[tokio::test]
async fn a_final_failure_while_recovering_ends_the_writer() {
    let world = World::free_with(Bounds {
        recovery_pause: Duration::from_millis(1),
        ..Bounds::default()
    });
    *world.recoveries.lock().unwrap() = vec![Failure::Final("fsync")];
    let failed = world.writer.submit(Pass).await;
    assert_eq!(failed, Err(SubmitError::Failed("full")));
    world.until(State::Ended(End::Failed("fsync"))).await;
}

#[tokio::test]
async fn a_suspected_store_recovers_without_a_change() {
    let world = World::free_with(Bounds {
        recovery_pause: Duration::from_millis(20),
        ..Bounds::default()
    });
    world.writer.suspect("unreadable");
    let refused = Err(SubmitError::Failed("unreadable"));
    assert_eq!(world.writer.submit(Put(1)).await, refused);
    world.until(State::Running).await;
    assert_eq!(world.writer.submit(Put(1)).await, Ok(0));
}

#[tokio::test]
async fn a_writer_that_recovers_closes_at_once() {
    let world = World::free_with(Bounds {
        recovery_pause: Duration::from_secs(3600),
        ..Bounds::default()
    });
    assert!(world.writer.submit(Pass).await.is_err());
    let closing = tokio::time::timeout(Duration::from_secs(10), world.writer.close());
    assert!(closing.await.is_ok());
    assert!(world.dropped.load(Ordering::SeqCst));
    assert_eq!(world.writer.state(), State::Ended(End::Closed));
}

#[tokio::test]
async fn after_a_final_failure_nothing_is_written() {
    let mut world = World::held(Bounds {
        batch: 1,
        ..Bounds::default()
    });
    let first = world.first(Stop).await;
    let queued = world.submit(Put(1)).await;
    world.release();
    let ended = Err(SubmitError::Ended(End::Failed("fsync")));
    assert_eq!(first.await.unwrap(), ended);
    assert_eq!(queued.await.unwrap(), ended);
    assert_eq!(world.writer.submit(Put(2)).await, ended);
    assert_eq!(world.writer.end(), Some(End::Failed("fsync")));
    assert_eq!(world.batches(), [[Stop]]);
    // Closing has nothing to do, and changes no reason.
    world.writer.close().await;
    assert_eq!(world.writer.end(), Some(End::Failed("fsync")));
}

#[tokio::test]
async fn a_panic_is_told_to_those_who_wait_and_to_those_who_come() {
    let world = World::free();
    let panicked = Err(SubmitError::Ended(End::Panicked));
    assert_eq!(world.writer.submit(Panic).await, panicked);
    assert_eq!(world.writer.end(), Some(End::Panicked));
    assert_eq!(world.writer.submit(Put(1)).await, panicked);
    world.writer.close().await;
}

#[tokio::test]
async fn closing_commits_what_is_queued_and_drops_the_store() {
    let mut world = World::held(Bounds::default());
    let tasks = [
        world.first(Put(0)).await,
        world.submit(Put(1)).await,
        world.submit(Put(2)).await,
    ];
    let closing = {
        let writer = Arc::clone(&world.writer);
        tokio::spawn(async move { writer.close().await })
    };
    tokio::time::sleep(Duration::from_millis(10)).await;
    assert!(!closing.is_finished());
    assert!(!world.dropped.load(Ordering::SeqCst));
    world.release();
    closing.await.unwrap();
    assert!(world.dropped.load(Ordering::SeqCst));
    for task in tasks {
        task.await.unwrap().unwrap();
    }
    assert_eq!(world.writer.end(), Some(End::Closed));
    let closed = Err(SubmitError::Ended(End::Closed));
    assert_eq!(world.writer.submit(Put(3)).await, closed);
    world.writer.close().await;
    assert_eq!(world.batches().concat(), [Put(0), Put(1), Put(2)]);
}

#[tokio::test]
async fn many_may_close_at_once() {
    let world = World::free();
    world.writer.submit(Put(0)).await.unwrap();
    tokio::join!(world.writer.close(), world.writer.close(), async {
        let _ = world.writer.submit(Put(1)).await;
    });
    assert!(world.dropped.load(Ordering::SeqCst));
}

#[tokio::test]
async fn dropping_commits_what_is_queued() {
    let mut world = World::held(Bounds::default());
    let tasks = [world.first(Put(0)).await, world.submit(Put(1)).await];
    for task in tasks {
        // The caller leaves, and with it its hold on the writer.
        task.abort();
        assert!(task.await.unwrap_err().is_cancelled());
    }
    world.release();
    let (batches, dropped) = (Arc::clone(&world.batches), Arc::clone(&world.dropped));
    drop(world);
    assert!(dropped.load(Ordering::SeqCst));
    assert_eq!(batches.lock().unwrap().concat(), [Put(0), Put(1)]);
}
