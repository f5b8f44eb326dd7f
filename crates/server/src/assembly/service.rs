//! Tasks that end when they are asked to.

use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::supervision::Part;

/// A task that ends when it is asked to.
#[derive(Debug)]
pub(super) struct Service {
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

/// Ready when a service is asked to end.
pub(super) type Stop = std::pin::Pin<Box<dyn Future<Output = ()> + Send>>;

impl Service {
    /// Starts what `run` returns, as this part of the process.
    pub(super) fn start<F>(part: Part, run: impl FnOnce(Stop) -> F) -> Self
    where
        F: Future<Output = Result<(), String>> + Send + 'static,
    {
        let (stop, asked) = oneshot::channel();
        // If the sender is gone, the program ends anyway.
        let stopped: Stop = Box::pin(async { drop(asked.await) });
        let running = run(stopped);
        let task = tokio::spawn(async move {
            // The reason, if there is one, before the end.
            match running.await {
                Ok(()) => drop(part),
                Err(reason) => part.failed(reason),
            }
        });
        Self { stop, task }
    }

    /// Asks it to end, and waits until it has.
    pub(super) async fn stop(self) {
        // It may have stopped already.
        let _ = self.stop.send(());
        if let Err(error) = self.task.await {
            tracing::error!(%error, "a service did not end as it should");
        }
    }
}
