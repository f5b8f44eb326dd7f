//! Commands that run until they are asked to end.

use std::pin::Pin;
use std::time::Duration;

use sealpost_gateway::metrics::LogMetrics;
use sealpost_server::{LogConfiguration, logging};
use tokio::runtime::Runtime;

use crate::error::Failure;
use crate::heap;

/// Returns when nothing is logged any more, and why.
pub(crate) type LogEnded = Pin<Box<dyn Future<Output = String> + Send>>;

/// Logs, and runs what `serve` returns until it ends.
pub(crate) fn run<F>(
    log: &LogConfiguration,
    metrics: LogMetrics,
    serve: impl FnOnce(LogEnded) -> F,
) -> Result<(), Failure>
where
    F: Future<Output = Result<(), Failure>>,
{
    let log = logging::start(log, metrics).map_err(Failure::usage)?;
    heap::keep_returning_pages();
    let runtime = Runtime::new()
        .map_err(|e| Failure::usage(format!("cannot start: {e}")).hint("try again"))?;
    let ended = runtime.block_on(serve(Box::pin(log.ended())));
    // A thread may wait for a disk or a reader that stalls.
    runtime.shutdown_timeout(LAST_TASKS);
    // For the same reason a failure goes through the log.
    ended.map_err(|failure| failure.said(|text| log.print(text)))
}

const LAST_TASKS: Duration = Duration::from_secs(1);
