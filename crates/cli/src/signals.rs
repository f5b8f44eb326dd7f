//! The signals with which an operator asks a running command for something.

use rustix::process::Signal;
use tokio::signal::unix::{self, SignalKind, signal};

use crate::error::Failure;

/// Signals that are listened to.
#[derive(Debug)]
pub(crate) struct Signals {
    terminate: unix::Signal,
    interrupt: unix::Signal,
    hangup: Option<unix::Signal>,
}

/// What a signal requests.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Asked {
    /// SIGTERM or SIGINT.
    Stop,
    /// SIGHUP, where it is listened to.
    Reload,
}

impl Signals {
    /// Listens to SIGTERM and SIGINT; SIGHUP ends the process, as without this.
    ///
    /// From then on a write beyond the limit of a file's size (RLIMIT_FSIZE) fails as on a full disk: SIGXFSZ would end
    /// the process.
    pub(crate) fn to_stop() -> Result<Self, Failure> {
        // The handler stays.
        drop(listen(SignalKind::from_raw(Signal::XFSZ.as_raw()))?);
        Ok(Self {
            terminate: listen(SignalKind::terminate())?,
            interrupt: listen(SignalKind::interrupt())?,
            hangup: None,
        })
    }

    /// Listens to SIGHUP, too.
    pub(crate) fn to_stop_and_reload() -> Result<Self, Failure> {
        Ok(Self {
            hangup: Some(listen(SignalKind::hangup())?),
            ..Self::to_stop()?
        })
    }

    pub(crate) async fn next(&mut self) -> Asked {
        let hangup = async {
            match &mut self.hangup {
                Some(hangup) => hangup.recv().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            _ = self.terminate.recv() => Asked::Stop,
            _ = self.interrupt.recv() => Asked::Stop,
            _ = hangup => Asked::Reload,
        }
    }
}

fn listen(kind: SignalKind) -> Result<unix::Signal, Failure> {
    signal(kind)
        .map_err(|e| Failure::usage(format!("cannot listen for signals: {e}")).hint("try again"))
}
