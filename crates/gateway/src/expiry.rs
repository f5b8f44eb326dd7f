//! Certificates that expire soon, in the log.

use std::{sync::Arc, time::Duration};

use sealpost_envelope::UnixTime;
use sealpost_protocol::Clock;
use tokio::time::sleep;
use tracing::{error, warn};

use crate::AgentDirectory;

/// Says in the log, once a day and for ever, which agents' certificates expire within 30 days or have expired.
pub(crate) async fn watch(directory: Arc<dyn AgentDirectory>, clock: Arc<dyn Clock>) {
    loop {
        for entry in directory.known() {
            let agent = entry.id();
            match Left::of(entry.certificate().not_after(), clock.now()) {
                Left::Nothing => {
                    error!(%agent, "agent's certificate has expired: nothing can be sealed to it");
                }
                Left::Days(days) => {
                    warn!(%agent, days, "agent's certificate expires soon: give it a new one");
                }
                Left::Enough => {}
            }
        }
        sleep(Duration::from_secs(DAY)).await;
    }
}

/// The same of the gateway's own certificate, once.
pub(crate) fn say_of_tls(not_after: UnixTime, now: UnixTime) {
    match Left::of(not_after, now) {
        Left::Nothing => error!("TLS certificate has expired: callers refuse it"),
        Left::Days(days) => warn!(
            days,
            "TLS certificate expires soon: put a new one in its place"
        ),
        Left::Enough => {}
    }
}

/// How long a certificate is still good.
enum Left {
    Nothing,
    /// Less than 30.
    Days(u64),
    Enough,
}

impl Left {
    fn of(not_after: UnixTime, now: UnixTime) -> Self {
        match not_after.as_secs().checked_sub(now.as_secs()) {
            None => Self::Nothing,
            Some(seconds) if seconds / DAY < SOON => Self::Days(seconds / DAY),
            Some(_) => Self::Enough,
        }
    }
}

/// Seconds.
const DAY: u64 = 24 * 60 * 60;
/// Days.
const SOON: u64 = 30;
