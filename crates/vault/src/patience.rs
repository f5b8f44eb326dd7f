//! How long a call waits for a server that can't serve now: for adapters of servers.

use std::time::Duration;

use crate::{Deadline, error::VaultFailure};
use tokio::time::{Instant, sleep};

/// The time that a call has, and the pauses between its attempts.
#[derive(Debug)]
pub struct Patience {
    deadline: Instant,
    pause: Duration,
}

impl Patience {
    /// Until the caller's deadline, or for 30 seconds if there is none.
    #[must_use]
    pub fn until(deadline: Deadline) -> Self {
        let deadline = deadline
            .time()
            .unwrap_or_else(|| Instant::now() + WITHOUT_DEADLINE);
        Self {
            deadline,
            pause: FIRST,
        }
    }

    /// For this long from now on.
    #[must_use]
    pub fn lasting(time: Duration) -> Self {
        Self::until(Deadline::at(Instant::now() + time))
    }

    /// Returns when the time is over.
    #[must_use]
    pub fn deadline(&self) -> Instant {
        self.deadline
    }

    /// Waits before the next attempt, at least for `wait`.
    ///
    /// # Errors
    ///
    /// `cause`, if there is no time for one.
    pub async fn pause(
        &mut self,
        cause: VaultFailure,
        wait: Option<Duration>,
    ) -> Result<(), VaultFailure> {
        let pause = self.pause.max(wait.unwrap_or_default());
        self.pause = LONGEST.min(2 * self.pause);
        if pause >= self.deadline.saturating_duration_since(Instant::now()) {
            return Err(cause);
        }
        sleep(pause).await;
        Ok(())
    }
}

const WITHOUT_DEADLINE: Duration = Duration::from_secs(30);
const FIRST: Duration = Duration::from_millis(50);
const LONGEST: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn attempts_go_on_until_the_deadline_and_end_with_the_cause() {
        let begun = Instant::now();
        let mut patience = Patience::lasting(Duration::from_secs(10));
        let mut attempts = 0;
        let failed = loop {
            attempts += 1;
            let cause = VaultFailure::unavailable("it is sealed");
            if let Err(failed) = patience.pause(cause, None).await {
                break failed;
            }
        };
        assert!(failed.to_string().contains("it is sealed"));
        assert!((10..20).contains(&attempts), "{attempts}");
        assert!(begun.elapsed() > Duration::from_secs(8));
        let long = Some(Duration::from_secs(20));
        let cause = VaultFailure::Throttled { wait: long };
        assert!(
            Patience::lasting(Duration::from_secs(10))
                .pause(cause, long)
                .await
                .is_err()
        );
    }
}
