//! What is under way: of equal requests one is carried out, and the others wait for its outcome.

use std::{
    collections::{HashMap, hash_map::Entry},
    sync::{Mutex, PoisonError},
};

use tokio::{
    sync::watch,
    time::{Instant, timeout_at},
};

use crate::marks::Mark;

/// The requests under way, by their marks.
#[derive(Debug, Default)]
pub(crate) struct Flights(Mutex<HashMap<Mark, Flight>>);

#[derive(Debug)]
struct Flight {
    payload: Mark,
    landed: watch::Receiver<()>,
}

/// Why there is no flight for a request.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Grounded {
    /// The mark is under way with another payload.
    OtherPayload,
    /// An equal one is under way, and was so until the deadline.
    TooLate,
}

impl Flights {
    /// Takes the mark, alone: waits while an equal request is under way.
    pub(crate) async fn take_off(
        &self,
        mark: Mark,
        payload: &Mark,
        deadline: Instant,
    ) -> Result<Flying<'_>, Grounded> {
        loop {
            let mut landed = match self.lock().entry(mark) {
                Entry::Vacant(vacant) => {
                    let (landing, landed) = watch::channel(());
                    vacant.insert(Flight {
                        payload: *payload,
                        landed,
                    });
                    return Ok(Flying {
                        flights: self,
                        mark,
                        _landing: landing,
                    });
                }
                Entry::Occupied(flight) if flight.get().payload != *payload => {
                    return Err(Grounded::OtherPayload);
                }
                Entry::Occupied(flight) => flight.get().landed.clone(),
            };
            // Ready when the sender is gone, which is when the other has landed.
            if timeout_at(deadline, landed.changed()).await.is_err() {
                return Err(Grounded::TooLate);
            }
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<Mark, Flight>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A mark that is taken until this is dropped.
#[derive(Debug)]
pub(crate) struct Flying<'f> {
    flights: &'f Flights,
    mark: Mark,
    _landing: watch::Sender<()>,
}

impl Drop for Flying<'_> {
    fn drop(&mut self) {
        self.flights.lock().remove(&self.mark);
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
        let flights = Flights::default();
        let first = flights.take_off([1; 32], &[0; 32], soon()).await.unwrap();
        assert!(flights.take_off([2; 32], &[0; 32], soon()).await.is_ok());
        let other = flights.take_off([1; 32], &[9; 32], soon()).await;
        assert_eq!(other.err(), Some(Grounded::OtherPayload));
        let late = flights.take_off([1; 32], &[0; 32], soon()).await;
        assert_eq!(late.err(), Some(Grounded::TooLate));

        let second = flights.take_off([1; 32], &[0; 32], soon());
        tokio::pin!(second);
        tokio::select! {
            biased;
            _ = &mut second => panic!("two at a time"),
            () = tokio::time::sleep(Duration::from_millis(10)) => drop(first),
        }
        assert!(second.await.is_ok());
        assert!(flights.lock().is_empty());
    }
}
