//! What is done between calls: the token is renewed, and a vault that did not serve is asked whether it does.

use std::sync::Weak;
use std::time::Duration;

use reqwest::Method;
use sealpost_vault::error::VaultFailure;
use sealpost_vault::{Health, Patience};
use tokio::task::JoinHandle;
use tokio::time::sleep;

use super::Shared;
use crate::login::LOOK_UP;

/// Goes on until the vault is closed or dropped.
pub(super) fn start(shared: Weak<Shared>) -> JoinHandle<()> {
    tokio::spawn(async move {
        loop {
            sleep(TURN).await;
            let Some(shared) = shared.upgrade() else {
                return;
            };
            if shared.is_closed() {
                return;
            }
            shared.turn().await;
        }
    })
}

impl Shared {
    async fn turn(&self) {
        self.session.maintain(&self.http).await;
        if matches!(*self.health.lock(), Health::Ready) {
            return;
        }
        let mut patience = Patience::lasting(PROBE_TIME);
        match self.probe(&mut patience).await {
            Ok(()) => self.serves(),
            Err(failure) => self.note(&failure),
        }
    }

    /// Asks the active node for the token: what stands in the way of that stands in the way of every call.
    async fn probe(&self, patience: &mut Patience) -> Result<(), VaultFailure> {
        self.call(Method::GET, LOOK_UP, None, patience)
            .await
            .map(drop)
    }
}

/// How long a lease may be over, a token's file may be old, or a vault may serve again, without being noticed.
const TURN: Duration = Duration::from_secs(1);
const PROBE_TIME: Duration = Duration::from_secs(5);
