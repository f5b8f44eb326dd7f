//! Calls that are dropped, wherever they wait.

use std::sync::Arc;
use std::task::{Context, Wake, Waker};

use sealpost_vault_key::VaultSecretName;
use tokio::sync::Notify;

use super::stage::{Case, Stage, Stop};
use crate::{Deadline, NewSecret, OperationId, Vault};

/// When a call is dropped that waits.
#[derive(Clone, Copy)]
pub(super) enum Moment {
    /// At once: what it asked for may not have been sent.
    Waiting,
    /// When it would go on: what it asked for has been done.
    Woken,
}

/// Runs a case for each point where a create waits, and each moment there, until the create ends before it is dropped.
pub(super) async fn at_each_point<C, F>(mut case: C) -> Case
where
    C: FnMut(Point) -> F,
    F: Future<Output = Result<bool, Stop>>,
{
    for polls in 1..=MAX_POLLS {
        for moment in [Moment::Waiting, Moment::Woken] {
            if case(Point { polls, moment }).await? {
                return Ok(());
            }
        }
    }
    Err(Stop::Failed(format!(
        "a create has waited {MAX_POLLS} times and has not ended"
    )))
}

/// Where a create is dropped.
#[derive(Clone, Copy)]
pub(super) struct Point {
    /// How often it is polled before.
    polls: usize,
    moment: Moment,
}

impl Point {
    /// A part of a name that no other point has.
    pub(super) fn suffix(self) -> String {
        let moment = match self.moment {
            Moment::Waiting => "a",
            Moment::Woken => "b",
        };
        format!("{}{moment}", self.polls)
    }

    /// Begins to create a secret and drops the call here. Returns whether it had ended before.
    pub(super) async fn create(
        self,
        vault: &Arc<dyn Vault>,
        name: &VaultSecretName,
    ) -> Result<bool, Stop> {
        let operation = OperationId::from_bytes([1; 32]);
        let secret = NewSecret::new(name, b"value", &operation);
        let mut call = vault.create(&secret, Deadline::NONE);
        let woken = Arc::new(Woken(Notify::new()));
        let waker = Waker::from(Arc::clone(&woken));
        for poll in 1..=self.polls {
            if call
                .as_mut()
                .poll(&mut Context::from_waker(&waker))
                .is_ready()
            {
                return Ok(true);
            }
            if poll < self.polls || matches!(self.moment, Moment::Woken) {
                Stage::in_time("create", woken.0.notified()).await?;
            }
        }
        Ok(false)
    }
}

struct Woken(Notify);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.notify_one();
    }
}

/// More than any vault waits.
const MAX_POLLS: usize = 100;
