use futures_util::FutureExt as _;
use tokio::{task::unconstrained, time::advance};

use super::*;

const A: PrincipalId = PrincipalId::new(1 << 40);
const B: PrincipalId = PrincipalId::new(2 << 40);
const COST: u32 = 100;

fn limiter(per_second: u32, burst: u32) -> RateLimiter {
    RateLimiter::new(Some(RateLimit {
        per_second: per_second.try_into().unwrap(),
        burst: burst.try_into().unwrap(),
    }))
}

fn left(limiter: &RateLimiter) -> f64 {
    limiter.buckets.lock().own[&A].left
}

#[tokio::test(start_paused = true)]
async fn a_burst_and_then_a_rate() {
    let limiter = limiter(2, 3);
    for _ in 0..3 {
        assert_eq!(limiter.take(A), Ok(()));
    }
    assert_eq!(limiter.take(A), Err(Duration::from_millis(500)));
    assert_eq!(limiter.take(B), Ok(()), "others are not affected");
    advance(Duration::from_millis(500)).await;
    assert_eq!(limiter.take(A), Ok(()));
    assert!(limiter.take(A).is_err());
    // No more than the burst is saved up.
    advance(Duration::from_secs(60)).await;
    assert_eq!((0..9).filter(|_| limiter.take(A).is_ok()).count(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_failed_open_costs_a_hundred_requests_whatever_the_burst() {
    for burst in [1, 10, 100, 250] {
        let limiter = limiter(1, burst);
        assert_eq!(limiter.take(A), Ok(()));
        limiter.reserve(A, COST).await.unwrap().charge();
        let owed = COST as f64 + 1.0 - f64::from(burst);
        assert!((left(&limiter) + owed).abs() < 0.01, "burst {burst}");
        if owed > 0.0 {
            let wait = limiter.take(A).unwrap_err();
            assert_eq!(wait.as_secs(), u64::from(COST + 2 - burst), "burst {burst}");
            advance(wait).await;
            assert_eq!(limiter.take(A), Ok(()), "paid off");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn parallel_failed_opens_use_the_key_no_oftener_than_the_bucket_pays_for() {
    for burst in [1_u32, 99, 300, 1050] {
        let limiter = limiter(1, burst);
        let mut using: VecDeque<_> = VecDeque::new();
        let mut waiting: Vec<_> = Vec::new();
        for _ in 0..50 {
            let mut reserving = Box::pin(unconstrained(limiter.reserve(A, COST)));
            match (&mut reserving).now_or_never() {
                Some(reservation) => using.push_back(reservation.unwrap()),
                None => waiting.push(reserving),
            }
        }
        assert!(
            using.len() <= (burst / COST).max(1) as usize,
            "burst {burst}"
        );
        let (mut uses, mut refused) = (0, 0);
        while let Some(reservation) = using.pop_front() {
            reservation.charge();
            uses += 1;
            waiting.retain_mut(|reserving| match reserving.now_or_never() {
                Some(Ok(reservation)) => {
                    using.push_back(reservation);
                    false
                }
                Some(Err(_)) => {
                    refused += 1;
                    false
                }
                None => true,
            });
        }
        // As many as one after the other would have got.
        assert_eq!(uses, burst / COST + 1, "burst {burst}");
        assert_eq!(uses + refused, 50, "all are answered");
        assert!(left(&limiter) >= -f64::from(COST));
        assert_eq!(
            limiter.reserve(A, COST).await.err().is_some(),
            left(&limiter) < 0.0
        );
    }
}

#[tokio::test(start_paused = true)]
async fn opens_that_succeed_cost_nothing_and_wait_for_each_other() {
    let limiter = limiter(1, 250);
    let mut done = 0;
    let mut waiting: Vec<_> = (0..40)
        .map(|_| Box::pin(unconstrained(limiter.reserve(A, COST))))
        .collect();
    let mut using = VecDeque::new();
    loop {
        waiting.retain_mut(|reserving| match reserving.now_or_never() {
            Some(reservation) => {
                using.push_back(reservation.unwrap());
                false
            }
            None => true,
        });
        assert!(using.len() <= 2);
        let Some(reservation) = using.pop_front() else {
            break;
        };
        drop(reservation);
        done += 1;
    }
    assert_eq!(done, 40);
    assert!((left(&limiter) - 250.0).abs() < 0.01);
}

#[tokio::test(start_paused = true)]
async fn a_reservation_that_is_not_waited_for_is_lost_to_nobody() {
    let limiter = limiter(1, 100);
    let first = limiter.reserve(A, COST).await.unwrap();
    let mut given = Box::pin(unconstrained(limiter.reserve(A, COST)));
    let mut left_before = Box::pin(unconstrained(limiter.reserve(A, COST)));
    assert!((&mut given).now_or_never().is_none());
    assert!((&mut left_before).now_or_never().is_none());
    drop(left_before);
    drop(first);
    // It has been given, and nobody takes it.
    drop(given);
    assert!(limiter.buckets.lock().own[&A].reserved.abs() < 0.01);
    assert!(limiter.reserve(A, COST).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn memory_is_bounded_and_every_principal_is_limited() {
    let limiter = limiter(1, 2);
    let principal = |n: usize| PrincipalId::new(n as u64);
    for n in 0..MAX_BUCKETS {
        assert_eq!(limiter.take(principal(n)), Ok(()));
    }
    let late = MAX_BUCKETS..MAX_BUCKETS + 100;
    let late = late.filter(|n| limiter.take(principal(*n)).is_ok()).count();
    assert_eq!(late, 2, "those without a bucket of their own share one");
    let held = limiter.reserve(A, COST).await.unwrap();
    assert_eq!(limiter.buckets.lock().own.len(), MAX_BUCKETS);
    advance(Duration::from_secs(2)).await;
    assert_eq!(limiter.take(B), Ok(()));
    assert_eq!(limiter.buckets.lock().own.len(), 1);
    // It was of the shared bucket, though A could have its own by now.
    held.charge();
    let buckets = limiter.buckets.lock();
    assert!(
        buckets
            .shared
            .as_ref()
            .is_some_and(|shared| shared.left < -90.0)
    );
}

#[tokio::test]
async fn without_a_limit_every_request_passes() {
    let limiter = RateLimiter::new(None);
    limiter.reserve(A, 1000).await.unwrap().charge();
    assert!((0..10_000).all(|_| limiter.take(A).is_ok()));
    assert!(limiter.reserve(A, 1000).await.is_ok());
}
