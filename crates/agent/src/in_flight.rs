//! Requests under way: of several equal requests one is carried out, and the others wait until it has ended.

use std::collections::{HashMap, hash_map::Entry};

use parking_lot::Mutex;
use tokio::{
    sync::watch,
    time::{Instant, timeout_at},
};

use crate::digests::Digest;

/// The requests under way, by their digests.
#[derive(Debug, Default)]
pub(crate) struct InFlight(Mutex<HashMap<Digest, Running>>);

#[derive(Debug)]
struct Running {
    payload: Digest,
    ended: watch::Receiver<()>,
}

/// Why a request can't be carried out now.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum NotAcquired {
    /// A request with the same digest and another payload is under way.
    OtherPayload,
    /// An equal request was under way until the deadline.
    TooLate,
}

impl InFlight {
    /// Acquires the digest for one request. Waits while an equal request is under way.
    pub(crate) async fn acquire(
        &self,
        digest: Digest,
        payload: &Digest,
        deadline: Instant,
    ) -> Result<Acquired<'_>, NotAcquired> {
        loop {
            let mut ended = match self.0.lock().entry(digest) {
                Entry::Vacant(vacant) => {
                    let (ending, ended) = watch::channel(());
                    vacant.insert(Running {
                        payload: *payload,
                        ended,
                    });
                    return Ok(Acquired {
                        in_flight: self,
                        digest,
                        _ending: ending,
                    });
                }
                Entry::Occupied(running) if running.get().payload != *payload => {
                    return Err(NotAcquired::OtherPayload);
                }
                Entry::Occupied(running) => running.get().ended.clone(),
            };
            // Ready when the sender is dropped, which is when the other request has ended.
            if timeout_at(deadline, ended.changed()).await.is_err() {
                return Err(NotAcquired::TooLate);
            }
        }
    }
}

/// A digest that belongs to one request until this is dropped.
#[derive(Debug)]
pub(crate) struct Acquired<'f> {
    in_flight: &'f InFlight,
    digest: Digest,
    _ending: watch::Sender<()>,
}

impl Drop for Acquired<'_> {
    fn drop(&mut self) {
        self.in_flight.0.lock().remove(&self.digest);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn soon() -> Instant {
        Instant::now() + Duration::from_secs(1)
    }

    #[tokio::test(start_paused = true)]
    async fn equals_wait_and_others_do_not() {
        let in_flight = InFlight::default();
        let first = in_flight.acquire([1; 32], &[0; 32], soon()).await.unwrap();
        assert!(in_flight.acquire([2; 32], &[0; 32], soon()).await.is_ok());
        let other = in_flight.acquire([1; 32], &[9; 32], soon()).await;
        assert_eq!(other.err(), Some(NotAcquired::OtherPayload));
        let late = in_flight.acquire([1; 32], &[0; 32], soon()).await;
        assert_eq!(late.err(), Some(NotAcquired::TooLate));

        let second = in_flight.acquire([1; 32], &[0; 32], soon());
        tokio::pin!(second);
        tokio::select! {
            biased;
            _ = &mut second => panic!("two at a time"),
            () = tokio::time::sleep(Duration::from_millis(10)) => drop(first),
        }
        assert!(second.await.is_ok());
        assert!(in_flight.0.lock().is_empty());
    }
}
