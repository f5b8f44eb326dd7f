//! Tasks that end when they are asked to, and the signals that ask.

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::error::Failure;

/// A task that ends when it is asked to.
#[derive(Debug)]
pub(crate) struct Service {
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

/// Ready when a service is asked to end.
pub(crate) type Stop = std::pin::Pin<Box<dyn Future<Output = ()> + Send>>;

impl Service {
    pub(crate) fn start<F>(run: impl FnOnce(Stop) -> F) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let (stop, asked) = oneshot::channel();
        // If the sender is gone, the program ends anyway.
        let stopped: Stop = Box::pin(async { drop(asked.await) });
        Self {
            stop,
            task: tokio::spawn(run(stopped)),
        }
    }

    /// Asks it to end, and waits until it has.
    pub(crate) async fn stop(self) {
        // It may have stopped already.
        let _ = self.stop.send(());
        if let Err(error) = self.task.await {
            tracing::error!(%error, "a service did not end as it should");
        }
    }
}

/// The signals of an operator.
#[derive(Debug)]
pub(crate) struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hangup: Option<Signal>,
}

/// What a signal asks for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Asked {
    /// SIGTERM or SIGINT.
    Stop,
    /// SIGHUP, where it is listened to.
    Reload,
}

impl Signals {
    /// Listens to SIGTERM and SIGINT; SIGHUP ends the process, as without this.
    pub(crate) fn to_stop() -> Result<Self, Failure> {
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

fn listen(kind: SignalKind) -> Result<Signal, Failure> {
    signal(kind)
        .map_err(|e| Failure::usage(format!("cannot listen for signals: {e}")).hint("try again"))
}
