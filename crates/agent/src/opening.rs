//! Opening what was sealed to the agent, off the async threads.

use std::{sync::Arc, thread::available_parallelism};

use sealpost_envelope::{AwsLc, DuplicateKey, Identity, KeyStatus, Keyring, UnixTime};
use sealpost_protocol::{Outcome, Sealed};
use tokio::{
    sync::Semaphore,
    task::spawn_blocking,
    time::{Instant, timeout_at},
};
use tracing::warn;

use crate::{
    answer::{Step, failed, step},
    intake::{self, Opened},
};

/// The keys that open, and a bound on how many use them at a time.
#[derive(Debug)]
pub(crate) struct Opener {
    keyring: Arc<Keyring<Identity<AwsLc>>>,
    /// One permit for each processor: more RSA operations at a time would only compete.
    permits: Arc<Semaphore>,
}

impl Opener {
    pub(crate) fn new(identity: Identity<AwsLc>) -> Self {
        Self {
            keyring: Arc::new(Keyring::new(identity)),
            permits: Arc::new(Semaphore::new(
                available_parallelism().map_or(1, usize::from),
            )),
        }
    }

    /// Adds retired identities, which can still open.
    pub(crate) fn add_old(
        &mut self,
        identities: impl IntoIterator<Item = Identity<AwsLc>>,
    ) -> Result<(), DuplicateKey> {
        let keyring = Arc::get_mut(&mut self.keyring).expect("nothing is being opened yet");
        for identity in identities {
            keyring.add_old(identity)?;
        }
        Ok(())
    }

    /// Opens on a thread for blocking work, if a permit is free before the deadline.
    pub(crate) async fn open(
        &self,
        sealed: Sealed,
        now: UnixTime,
        deadline: Instant,
    ) -> Step<Opened> {
        let permit = timeout_at(deadline, Arc::clone(&self.permits).acquire_owned()).await;
        let Ok(permit) = permit else {
            return Step::Break(Outcome::Expired);
        };
        if Instant::now() >= deadline {
            return Step::Break(Outcome::Expired);
        }
        let keyring = Arc::clone(&self.keyring);
        let opening = spawn_blocking(move || {
            // Returned when the work is done, even if the caller has left.
            let _permit = permit;
            intake::open(&keyring, sealed, now)
        });
        let opened = opening
            .await
            .unwrap_or_else(|error| Err(failed("opening stopped", &error)));
        let opened = step(opened)?;
        if opened.key == KeyStatus::Old {
            warn!(
                "sealed to an old key: the sender needs the new certificate before the old key is deleted"
            );
        }
        Step::Continue(opened)
    }
}
