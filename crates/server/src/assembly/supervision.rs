//! Ends the process when a part of it does.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use sealpost_vault::Health;
use tokio::sync::watch;
use tokio::time::sleep;
use tracing::{error, info, warn};

use super::component::Reporting;
use crate::logging::panics;

/// Why a process must end: a part of it has, or can't work until the process is started again.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Failure {
    part: Cow<'static, str>,
    reason: Cow<'static, str>,
}

impl Failure {
    /// Logs that a part could not be stopped in order.
    pub(super) fn at_the_end(part: String, reason: String) -> Self {
        error!(
            component = part,
            reason, "a part of the process did not end in order"
        );
        Self {
            part: part.into(),
            reason: reason.into(),
        }
    }
}

impl std::error::Error for Failure {}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.part, self.reason)
    }
}

/// Watches the parts of one process. Dropping it makes every end an expected one.
#[derive(Debug)]
pub(super) struct Supervision(Supervisor);

/// What is told of ends.
#[derive(Clone, Debug)]
pub(super) struct Supervisor(Arc<watch::Sender<State>>);

#[derive(Clone, Debug)]
enum State {
    Running,
    Failed(Failure),
    /// The parts have been asked to end.
    Stopping,
}

impl Supervision {
    pub(super) fn new() -> Self {
        Self(Supervisor(Arc::new(watch::Sender::new(State::Running))))
    }

    pub(super) fn supervisor(&self) -> &Supervisor {
        &self.0
    }

    /// Returns the first failure, when there is one.
    pub(super) async fn failed(&self) -> Failure {
        let mut state = self.0.0.subscribe();
        let failed = state.wait_for(|state| matches!(state, State::Failed(_)));
        match failed.await.map(|state| state.clone()) {
            Ok(State::Failed(failure)) => failure,
            // The sender is in `self`.
            _ => std::future::pending().await,
        }
    }
}

impl Drop for Supervision {
    fn drop(&mut self) {
        self.0.0.send_replace(State::Stopping);
    }
}

impl Supervisor {
    /// Says that this part has ended when the result is dropped: keep it in the part's task.
    pub(super) fn part(&self, name: impl Into<Cow<'static, str>>) -> Part {
        Part {
            name: name.into(),
            supervisor: self.clone(),
        }
    }

    /// Looks at the health of these parts. One that is failed ends the process; other changes are logged. Returns once the
    /// parts have been asked to end: that one of them is no longer ready is then no news.
    pub(super) async fn watch(self, parts: Vec<Arc<dyn Reporting>>) {
        let mut seen = vec![Health::Ready; parts.len()];
        loop {
            for (part, seen) in parts.iter().zip(&mut seen) {
                let health = part.health();
                // Asked after the part: a part is asked to end before it does.
                if matches!(*self.0.borrow(), State::Stopping) {
                    return;
                }
                match &health {
                    Health::Failed { reason } => {
                        self.report(part.name().to_owned().into(), reason.clone());
                    }
                    Health::Recovering { reason } if seen.is_ready() => {
                        warn!(component = part.name(), %reason, "not ready");
                    }
                    Health::Ready if !seen.is_ready() => {
                        info!(component = part.name(), "ready again");
                    }
                    Health::Recovering { .. } | Health::Ready => {}
                }
                *seen = health;
            }
            sleep(LOOK_PAUSE).await;
        }
    }

    /// The first failure counts, and none after the process was asked to end.
    fn report(&self, part: Cow<'static, str>, reason: Cow<'static, str>) {
        self.0.send_if_modified(|state| {
            let is_first = matches!(state, State::Running);
            if is_first {
                error!(component = %part, %reason, "a part of the process failed; the process ends");
                *state = State::Failed(Failure { part, reason });
            }
            is_first
        });
    }
}

/// A part that must not end before it is asked to.
#[derive(Debug)]
pub(super) struct Part {
    name: Cow<'static, str>,
    supervisor: Supervisor,
}

impl Part {
    /// Says why the part ends.
    pub(super) fn failed(self, reason: impl fmt::Display) {
        let reason = reason.to_string().into();
        self.supervisor.report(self.name.clone(), reason);
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        let reason = match (std::thread::panicking(), panics::last()) {
            (true, Some(place)) => format!("it panicked at {place}").into(),
            (true, None) => "it panicked".into(),
            (false, _) => "it ended although it was not asked to".into(),
        };
        self.supervisor.report(self.name.clone(), reason);
    }
}

/// How long a part that can't work goes unnoticed. Its requests fail meanwhile, and the readiness says so at once.
const LOOK_PAUSE: Duration = Duration::from_millis(100);

#[cfg(test)]
mod tests {
    use super::super::component::{Healthy, named};
    use super::*;

    async fn failure(supervision: &Supervision) -> String {
        let failed = tokio::time::timeout(Duration::from_secs(10), supervision.failed());
        failed.await.expect("a failure").to_string()
    }

    #[tokio::test]
    async fn a_task_that_ends_or_panics_unexpectedly_ends_the_process_with_a_reason() {
        let supervision = Supervision::new();
        let part = supervision.supervisor().part("the loop");
        let later = supervision.supervisor().part("a later one");
        drop(tokio::spawn(async move { drop(part) }).await);
        drop(later);
        let reason = "the loop: it ended although it was not asked to";
        assert_eq!(failure(&supervision).await, reason);

        let supervision = Supervision::new();
        let part = supervision.supervisor().part("the loop");
        let task = tokio::spawn(async move {
            let _part = part;
            panic!("as the test wants");
        });
        assert!(task.await.is_err());
        let reason = "the loop: it panicked";
        assert_eq!(failure(&supervision).await, reason);

        let supervision = Supervision::new();
        supervision.supervisor().part("the agent").failed("offline");
        assert_eq!(failure(&supervision).await, "the agent: offline");
    }

    #[derive(Debug)]
    struct Ended;

    impl Healthy for Ended {
        fn health(&self) -> Health {
            Health::recovering("it has ended")
        }
    }

    #[tokio::test]
    async fn a_part_that_was_asked_to_end_is_not_looked_at_any_more() {
        let supervision = Supervision::new();
        let supervisor = supervision.supervisor().clone();
        let mut watch = Box::pin(supervisor.watch(vec![named("agent", None, Ended)]));
        let looks = tokio::time::timeout(Duration::from_millis(10), &mut watch);
        assert!(looks.await.is_err(), "it looks until the end");
        drop(supervision);
        let end = tokio::time::timeout(Duration::from_secs(10), watch);
        end.await.expect("it looks no longer");
    }

    #[tokio::test]
    async fn an_end_that_was_asked_for_is_no_failure() {
        let supervision = Supervision::new();
        let supervisor = supervision.supervisor().clone();
        let part = supervisor.part("the loop");
        drop(supervision);
        drop(part);
        assert!(matches!(*supervisor.0.borrow(), State::Stopping));
    }
}
