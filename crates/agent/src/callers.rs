//! How much of the private key each caller may use whose values are sealed at the source.

use parking_lot::Mutex;
use sealpost_channel::{
    Outcome,
    agent::{Admission, Callers as State, Permit as Granted},
};
use sealpost_envelope::UnixTime;
use tokio::{
    sync::Notify,
    time::{Instant, timeout_at},
};

use crate::job::Caller;

/// The permits for what callers have sealed: apart from those for channels, and at most half of them for one caller.
#[derive(Debug)]
pub(crate) struct Callers {
    state: Mutex<State>,
    released: Notify,
}

/// The right to one operation of the private key, until this is dropped.
#[derive(Debug)]
pub(crate) struct Permit<'c> {
    callers: &'c Callers,
    granted: Option<Granted>,
}

impl Callers {
    /// Returns whether too many of a caller's values did not open within a minute.
    pub(crate) fn is_blocked(&self, caller: &Caller, now: UnixTime) -> bool {
        let state = self.state.lock();
        state.is_blocked(&caller.kid, caller.tag, now)
    }

    /// Waits for a permit.
    ///
    /// # Errors
    ///
    /// The outcome, if the caller is blocked, or there is no permit before the deadline.
    pub(crate) async fn acquire(
        &self,
        caller: &Caller,
        now: UnixTime,
        deadline: Instant,
    ) -> Result<Permit<'_>, Outcome> {
        loop {
            // Before the look, so that no release goes unnoticed.
            let released = self.released.notified();
            let admission = self.state.lock().acquire(caller.kid, caller.tag, now);
            match admission {
                Admission::Granted(granted) => {
                    return Ok(Permit {
                        callers: self,
                        granted: Some(granted),
                    });
                }
                Admission::Blocked => return Err(Outcome::Busy),
                Admission::Later => {}
            }
            if timeout_at(deadline, released).await.is_err() {
                return Err(Outcome::Expired);
            }
        }
    }

    /// Notes that a caller's value did not open. Returns whether the caller is blocked by it.
    pub(crate) fn failed(&self, caller: &Caller, now: UnixTime) -> bool {
        self.state.lock().failed(caller.kid, caller.tag, now)
    }

    /// Forgets what is over.
    pub(crate) fn forget(&self, now: UnixTime) {
        self.state.lock().forget(now);
    }
}

impl Default for Callers {
    fn default() -> Self {
        Self {
            state: Mutex::new(State::new(PERMITS)),
            released: Notify::new(),
        }
    }
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        if let Some(granted) = self.granted.take() {
            self.callers.state.lock().release(granted);
            self.callers.released.notify_waiters();
        }
    }
}

/// Operations of the private key that are asked for at a time. Key holders have limits of their own.
const PERMITS: usize = 32;
