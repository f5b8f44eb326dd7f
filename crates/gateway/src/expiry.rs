//! Agents' certificates that expire soon.

use std::{sync::Arc, time::Duration};

use sealpost_protocol::Clock;
use tokio::time::sleep;
use tracing::{error, warn};

use crate::AgentDirectory;

/// Says in the log, once a day and for ever, which agents' certificates expire within 30 days or have expired.
pub(crate) async fn watch(directory: Arc<dyn AgentDirectory>, clock: Arc<dyn Clock>) {
    loop {
        for entry in directory.known() {
            let (agent, not_after) = (entry.id(), entry.certificate().not_after());
            let left = not_after.as_secs().checked_sub(clock.now().as_secs());
            match left.map(|seconds| seconds / DAY) {
                None => {
                    error!(%agent, "agent's certificate has expired: nothing can be sealed to it")
                }
                Some(days) if days < SOON => {
                    warn!(%agent, days, "agent's certificate expires soon: give it a new one");
                }
                Some(_) => {}
            }
        }
        sleep(Duration::from_secs(DAY)).await;
    }
}

/// Seconds.
const DAY: u64 = 24 * 60 * 60;
/// Days.
const SOON: u64 = 30;
