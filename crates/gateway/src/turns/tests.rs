use futures_util::{FutureExt as _, future::BoxFuture};
use tokio::{
    task::unconstrained,
    time::{advance, sleep},
};

use super::*;

const A: PrincipalId = PrincipalId::new(1);
const B: PrincipalId = PrincipalId::new(2);
const C: PrincipalId = PrincipalId::new(3);

/// Requests that wait, in the order in which they came.
struct Queue {
    turns: Turns,
    waiting: Vec<(PrincipalId, BoxFuture<'static, Option<Permits>>)>,
}

impl Queue {
    fn new(turns: &Turns) -> Self {
        Self {
            turns: turns.clone(),
            waiting: Vec::new(),
        }
    }

    fn add(&mut self, principal: PrincipalId, requests: usize) {
        for _ in 0..requests {
            let turns = self.turns.clone();
            let deadline = Instant::now() + Duration::from_secs(3600);
            let taking = async move { turns.take(principal, 1, deadline).await };
            // Polled by hand, more often than a task may be.
            let mut taking = unconstrained(taking).boxed();
            assert!((&mut taking).now_or_never().is_none(), "it has to wait");
            self.waiting.push((principal, taking));
        }
    }

    /// Returns the request that has got its permit since the last look.
    fn started(&mut self) -> Option<(PrincipalId, Permits)> {
        let mut started = None;
        self.waiting.retain_mut(|(principal, taking)| {
            match started.is_none().then(|| taking.now_or_never()).flatten() {
                Some(permits) => {
                    started = Some((*principal, permits.unwrap()));
                    false
                }
                None => true,
            }
        });
        started
    }
}

async fn take(turns: &Turns, principal: PrincipalId, number: usize) -> Option<Permits> {
    turns
        .take(principal, number, Instant::now() + Duration::from_secs(1))
        .await
}

/// The names of those that start when permits are returned one by one.
fn order(running: Vec<Permits>, queue: &mut Queue) -> Vec<PrincipalId> {
    let mut running = VecDeque::from(running);
    let mut order = Vec::new();
    while let Some(done) = running.pop_front() {
        drop(done);
        while let Some((principal, permits)) = queue.started() {
            order.push(principal);
            running.push_back(permits);
        }
    }
    order
}

#[tokio::test(start_paused = true)]
async fn with_two_hundred_requests_of_one_principal_queued_anothers_starts_within_the_next_workers_and_one()
 {
    for workers in [1, 2, 4, 16] {
        let turns = Turns::new(workers);
        let mut running = Vec::new();
        for _ in 0..workers {
            running.push(take(&turns, A, 1).await.unwrap());
        }
        let mut queue = Queue::new(&turns);
        queue.add(A, 200);
        queue.add(B, 1);
        let order = order(running, &mut queue);
        assert_eq!(order.len(), 201);
        let place = order.iter().position(|principal| *principal == B).unwrap();
        assert!(place <= workers, "{place} started before it");
    }
}

#[tokio::test(start_paused = true)]
async fn principals_take_turns() {
    let turns = Turns::new(1);
    let running = vec![take(&turns, A, 1).await.unwrap()];
    let mut queue = Queue::new(&turns);
    queue.add(A, 4);
    queue.add(B, 3);
    queue.add(C, 1);
    // A has just had one.
    assert_eq!(order(running, &mut queue), [B, C, A, B, A, B, A, A]);
    assert!(
        turns.0.lock().principals.is_empty(),
        "nothing is left behind"
    );
    assert!(turns.0.lock().ring.is_empty());
    drop(queue);
    assert!(turns.is_unused());
}

#[tokio::test(start_paused = true)]
async fn a_principal_has_all_permits_until_others_come() {
    let turns = Turns::with_shares(8, 8, 2);
    let mut running = Vec::new();
    for _ in 0..8 {
        running.push(take(&turns, A, 1).await.unwrap());
    }
    let mut queue = Queue::new(&turns);
    queue.add(A, 3);
    queue.add(B, 2);
    // What B waits for is next, and A gets no more until it holds less than its share.
    drop(running.pop());
    let (first, _b) = queue.started().unwrap();
    drop(running.pop());
    let (second, _b2) = queue.started().unwrap();
    assert_eq!((first, second), (B, B));
    running.truncate(2);
    assert!(queue.started().is_none(), "A has its share");
    assert!(take(&turns, C, 1).await.is_some(), "and leaves permits");
    running.pop();
    assert_eq!(queue.started().unwrap().0, A);
    // A minute after the last request of another, all permits are A's again.
    advance(MEMORY + Duration::from_secs(1)).await;
    drop(running);
    assert!(queue.started().is_some() && queue.started().is_some());
}

#[tokio::test(start_paused = true)]
async fn a_request_that_leaves_takes_no_permit_and_blocks_none() {
    let turns = Turns::new(1);
    let held = take(&turns, A, 1).await.unwrap();
    assert!(
        take(&turns, A, 1).await.is_none(),
        "its deadline has passed"
    );
    let mut left = Box::pin(take(&turns, B, 1));
    assert!((&mut left).now_or_never().is_none());
    let mut queue = Queue::new(&turns);
    queue.add(C, 1);
    drop(left);
    drop(held);
    assert_eq!(queue.started().unwrap().0, C);
    assert_eq!(turns.0.lock().free, 1);
    assert!(turns.0.lock().principals.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_permit_that_comes_at_the_moment_of_leaving_is_returned() {
    let turns = Turns::new(1);
    let held = take(&turns, A, 1).await.unwrap();
    let mut waits = Box::pin(take(&turns, B, 1));
    assert!((&mut waits).now_or_never().is_none());
    drop(held);
    assert_eq!(turns.0.lock().free, 0, "it has been given");
    drop(waits);
    assert_eq!(turns.0.lock().free, 1);
}

#[tokio::test(start_paused = true)]
async fn memory_is_bounded_although_many_leave() {
    let turns = Turns::new(1);
    let _held = take(&turns, A, 1).await.unwrap();
    for _ in 0..10_000 {
        let deadline = Instant::now() + Duration::from_millis(1);
        assert!(turns.take(A, 1, deadline).await.is_none());
    }
    let state = turns.0.lock();
    assert!(state.principals[&A].waiting.capacity() <= 8);
}

#[tokio::test(start_paused = true)]
async fn small_requests_do_not_overtake_a_large_one() {
    let turns = Turns::with_shares(10, 5, 5);
    let first = take(&turns, A, 5).await.unwrap();
    let second = take(&turns, B, 4).await.unwrap();
    let large = tokio::spawn({
        let turns = turns.clone();
        async move {
            let deadline = Instant::now() + Duration::from_secs(60);
            turns.take(C, 9, deadline).await.map(drop)
        }
    });
    sleep(Duration::from_millis(1)).await;
    assert!(take(&turns, A, 1).await.is_none(), "A has its share");
    let mut small = Box::pin(take(&turns, B, 1));
    assert!((&mut small).now_or_never().is_none(), "C is before it");
    drop((first, second));
    assert_eq!(large.await.unwrap(), Some(()));
    assert!(small.await.is_some());
}
