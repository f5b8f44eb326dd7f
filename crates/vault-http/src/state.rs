//! Whether a vault can serve, as far as its calls tell.

use parking_lot::Mutex;
use sealpost_vault::Health;
use sealpost_vault::error::VaultFailure;

use crate::http::Late;

/// What the last calls said of the vault.
#[derive(Debug)]
pub struct State(Mutex<Health>);

impl Default for State {
    fn default() -> Self {
        Self(Mutex::new(Health::Ready))
    }
}

impl State {
    /// Returns what is known.
    #[must_use]
    pub fn health(&self) -> Health {
        self.0.lock().clone()
    }

    /// Notes that a call failed, if it is because of the vault's state and not of the call.
    pub fn note(&self, failure: &VaultFailure) {
        match failure {
            VaultFailure::Unavailable(cause) if cause.is::<Late>() => {}
            VaultFailure::Unavailable(_)
            | VaultFailure::Unauthenticated(_)
            | VaultFailure::Throttled { .. } => self.set(Health::recovering(failure.to_string())),
            VaultFailure::WrongKind { .. }
            | VaultFailure::Denied { .. }
            | VaultFailure::Full
            | VaultFailure::Unusable(_) => {}
        }
    }

    /// Notes that the server answered.
    pub fn serves(&self) {
        self.set(Health::Ready);
    }

    /// Ends it for good. Returns whether it was open.
    pub fn close(&self) -> bool {
        let mut health = self.0.lock();
        let was_open = !matches!(*health, Health::Failed { .. });
        *health = Health::failed("the vault was closed");
        was_open
    }

    /// Fails if the vault was closed.
    ///
    /// # Errors
    ///
    /// [`VaultFailure::Unusable`].
    pub fn check_open(&self) -> Result<(), VaultFailure> {
        match &*self.0.lock() {
            Health::Failed { .. } => Err(VaultFailure::unusable("the vault was closed")),
            _ => Ok(()),
        }
    }

    /// A vault that was closed stays so.
    fn set(&self, now: Health) {
        let mut health = self.0.lock();
        if !matches!(*health, Health::Failed { .. }) {
            *health = now;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_closed_vault_stays_closed() {
        let state = State::default();
        state.note(&VaultFailure::unavailable("away"));
        assert!(!state.health().is_ready());
        state.serves();
        assert!(state.health().is_ready() && state.check_open().is_ok());
        assert!(state.close() && !state.close());
        state.serves();
        assert!(state.check_open().is_err());
    }

    #[test]
    fn what_concerns_a_call_alone_says_nothing_of_the_vault() {
        let state = State::default();
        state.note(&VaultFailure::unusable("no such project"));
        state.note(&VaultFailure::Denied {
            permission: "create".into(),
        });
        assert!(state.health().is_ready());
    }
}
