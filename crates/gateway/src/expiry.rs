//! Certificates that expire soon, in the log.

use std::{sync::Arc, time::Duration};

use sealpost_envelope::UnixTime;
use sealpost_protocol::Clock;
use tokio::time::sleep;
use tracing::{error, warn};

use crate::directory::AgentDirectory;

/// Logs once a day which agents' certificates expire within 30 days or have expired. Never returns.
pub(crate) async fn watch(directory: Arc<dyn AgentDirectory>, clock: Arc<dyn Clock>) {
    loop {
        for entry in directory.known() {
            let agent = entry.id();
            match Remaining::until(entry.certificate().not_after(), clock.now()) {
                Remaining::Nothing => {
                    error!(%agent, "agent's certificate has expired: nothing can be sealed to it");
                }
                Remaining::Days(days) => {
                    warn!(%agent, days, "agent's certificate expires soon: give it a new one");
                }
                Remaining::Enough => {}
            }
        }
        sleep(DAY).await;
    }
}

/// Logs the same of the gateway's own certificate, once.
pub(crate) fn log_tls(not_after: UnixTime, now: UnixTime) {
    match Remaining::until(not_after, now) {
        Remaining::Nothing => error!("TLS certificate has expired: callers refuse it"),
        Remaining::Days(days) => warn!(
            days,
            "TLS certificate expires soon: replace it with a new one"
        ),
        Remaining::Enough => {}
    }
}

/// How long a certificate stays valid.
enum Remaining {
    Nothing,
    /// Less than 30.
    Days(u64),
    Enough,
}

impl Remaining {
    fn until(not_after: UnixTime, now: UnixTime) -> Self {
        match not_after.as_secs().checked_sub(now.as_secs()) {
            None => Self::Nothing,
            Some(seconds) => match seconds / DAY.as_secs() {
                days if days < SOON => Self::Days(days),
                _ => Self::Enough,
            },
        }
    }
}

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
/// Days.
const SOON: u64 = 30;
