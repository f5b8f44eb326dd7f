//! How long the disk has not answered.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use parking_lot::Mutex;

/// The operations that have not ended, with when they began.
///
/// A disk that stalls fails nothing: an fsync that takes a minute returns in the end, and until then every caller has given up.
#[derive(Debug, Default)]
pub(crate) struct UnderWay {
    begun: Mutex<Begun>,
    /// Whether an operation has taken too long, and no change was quick since.
    slow: AtomicBool,
}

#[derive(Debug, Default)]
struct Begun {
    next: u64,
    /// In their order.
    times: BTreeMap<u64, Instant>,
}

/// An operation, until it is dropped.
#[derive(Debug)]
pub(crate) struct Operation<'u> {
    under_way: &'u UnderWay,
    number: u64,
    begun: Instant,
}

impl UnderWay {
    pub(crate) fn begin(&self) -> Operation<'_> {
        let begun = Instant::now();
        let mut all = self.begun.lock();
        let number = all.next;
        all.next += 1;
        all.times.insert(number, begun);
        Operation {
            under_way: self,
            number,
            begun,
        }
    }

    /// Returns whether an operation takes too long, or one did and no change was quick since.
    pub(crate) fn is_slow(&self) -> bool {
        self.was_slow() || self.is_stuck()
    }

    /// Returns whether an operation that has ended took too long, and no change was quick since.
    pub(crate) fn was_slow(&self) -> bool {
        self.slow.load(Ordering::Acquire)
    }

    /// Returns whether an operation takes too long.
    pub(crate) fn is_stuck(&self) -> bool {
        let all = self.begun.lock();
        let first = all.times.first_key_value();
        first.is_some_and(|(_, begun)| begun.elapsed() > PATIENCE)
    }
}

impl Operation<'_> {
    /// Says that a change has reached the disk: if it was quick, the disk answers again.
    pub(crate) fn has_changed(&self) {
        if self.begun.elapsed() <= PATIENCE {
            self.under_way.slow.store(false, Ordering::Release);
        }
    }
}

impl Drop for Operation<'_> {
    fn drop(&mut self) {
        self.under_way.begun.lock().times.remove(&self.number);
        if self.begun.elapsed() > PATIENCE {
            self.under_way.slow.store(true, Ordering::Release);
        }
    }
}

/// Longer than any disk takes that answers, and shorter than callers wait.
const PATIENCE: Duration = Duration::from_secs(2);
