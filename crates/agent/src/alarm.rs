//! Values that do not open: a counter, and an alarm when there are many.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use parking_lot::Mutex;
use tokio::time::Instant;
use tracing::error;

/// Counts failed openings.
///
/// A caller can have the private key used on bytes of their choice. One failure is a mistake; a series may be an attempt
/// to attack the key.
#[derive(Debug, Default)]
pub(crate) struct FailedOpens {
    total: AtomicU64,
    window: Mutex<Option<Window>>,
}

#[derive(Debug)]
struct Window {
    started: Instant,
    failed: u32,
}

impl FailedOpens {
    fn total(&self) -> u64 {
        self.total.load(Ordering::Relaxed)
    }

    /// Notes one, and raises the alarm once in a window that has too many.
    pub(crate) fn note(&self) {
        self.total.fetch_add(1, Ordering::Relaxed);
        if self.is_alarming(Instant::now()) {
            error!(
                threshold = THRESHOLD,
                seconds = WINDOW.as_secs(),
                total = self.total(),
                "many values do not open: someone may be attacking the private key; the gateway's log says who sends them"
            );
        }
    }

    fn is_alarming(&self, now: Instant) -> bool {
        let mut window = self.window.lock();
        let window = match &mut *window {
            Some(window) if now.duration_since(window.started) < WINDOW => window,
            stale => stale.insert(Window {
                started: now,
                failed: 0,
            }),
        };
        window.failed = window.failed.saturating_add(1);
        window.failed == THRESHOLD
    }
}

/// How many failures in a window are too many.
const THRESHOLD: u32 = 10;
const WINDOW: Duration = Duration::from_secs(60);

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn one_alarm_a_window() {
        let (failed, start) = (FailedOpens::default(), Instant::now());
        let alarms = |at: u64| {
            (0..25)
                .filter(|_| failed.is_alarming(start + Duration::from_secs(at)))
                .count()
        };
        assert_eq!(alarms(0), 1);
        assert_eq!(alarms(59), 0);
        assert_eq!(alarms(60), 1);
        // Few, and apart.
        for minute in 10..40 {
            assert!(!failed.is_alarming(start + WINDOW * minute));
        }
    }
}
