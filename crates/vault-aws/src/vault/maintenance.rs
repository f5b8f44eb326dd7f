//! A vault that did not serve is asked whether it does.

use std::sync::Weak;
use std::time::Duration;

use sealpost_vault::error::VaultFailure;
use sealpost_vault::{Health, Patience};
use tokio::task::JoinHandle;
use tokio::time::sleep;

use super::{Shared, failure};
use crate::meaning::Meaning;

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
            if matches!(*shared.health.lock(), Health::Ready) {
                continue;
            }
            let mut patience = Patience::lasting(PROBE_TIME);
            if let Err(failure) = shared.probe(&mut patience).await {
                shared.note(&failure);
            }
        }
    })
}

impl Shared {
    /// Asks for a secret that nobody stores: what stands in the way of that stands in the way of every call.
    pub(super) async fn probe(&self, patience: &mut Patience) -> Result<(), VaultFailure> {
        match self.describe(PROBE, patience).await? {
            Meaning::Done(_) | Meaning::Absent | Meaning::State => Ok(()),
            other => Err(failure(other)),
        }
    }
}

/// Not derived from any name of a secret: names do not end so.
const PROBE: &str = "sealpost-probe";
/// How long a vault may serve again without being noticed. A request costs money.
const TURN: Duration = Duration::from_secs(2);
const PROBE_TIME: Duration = Duration::from_secs(5);
