//! Keeping the trail complete.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use sealpost_envelope::UnixTime;
use sealpost_group_commit::{Bounds, End, GroupCommit};
use thiserror::Error;
use tokio::time::timeout;
use tracing::error;

use super::{
    event::AuditEvent,
    lines::{Line, Lines, NotSynced, Status},
    sink::AuditSink,
};
use crate::time::rfc3339;

/// Has a thread write lines to the sink, if there is one, and counts those that could not be written.
#[derive(Debug, Default)]
pub(crate) struct Trail {
    is_kept: bool,
    /// `None` without a sink, and if there is no thread to be had.
    writer: Option<GroupCommit<Lines>>,
    status: Arc<Status>,
}

/// What became of a line.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Recorded {
    Written,
    Failed,
    /// It was not written in time, and the next would not be either.
    Late,
}

/// The trail lacks its last line.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[error(
    "it does not say that the process has ended, nor of how many requests lines are missing ({lost})"
)]
pub struct NotEnded {
    /// Lines that are missing, and not reported as missing.
    pub lost: u64,
}

impl Trail {
    pub(crate) fn new(sink: Arc<dyn AuditSink>) -> Self {
        let status = Arc::<Status>::default();
        let lines = Lines {
            sink,
            status: Arc::clone(&status),
            is_torn: false,
            has_failed: false,
        };
        let bounds = Bounds {
            queue: WAITING,
            batch: WAITING,
            ..Bounds::default()
        };
        let writer = GroupCommit::start("audit-writer", lines, bounds).inspect_err(
            |error| error!(%error, "no thread for the audit trail; requests are refused"),
        );
        Self {
            is_kept: true,
            writer: writer.ok(),
            status,
        }
    }

    /// Returns whether there is a sink.
    pub(crate) fn is_kept(&self) -> bool {
        self.is_kept
    }

    /// Writes that something is about to happen. It must not happen unless this returns [`Recorded::Written`].
    pub(crate) async fn intend(&self, line: Vec<u8>, time: UnixTime, limit: Duration) -> Recorded {
        self.write(line, time, false, limit.min(PATIENCE)).await
    }

    /// Writes what has happened. If it is lost, the trail has a gap.
    pub(crate) async fn record(&self, line: Vec<u8>, time: UnixTime) -> Recorded {
        self.write(line, time, true, PATIENCE).await
    }

    /// Writes that the process ends in order, and before that how many lines are missing.
    pub(crate) async fn end(&self, time: UnixTime) -> Result<(), NotEnded> {
        if self.writer.is_none() {
            return Ok(());
        }
        let end = AuditEvent::End {
            time: rfc3339(time),
        };
        match self.write(end.to_line(), time, false, PATIENCE).await {
            Recorded::Written => Ok(()),
            Recorded::Failed | Recorded::Late => Err(NotEnded {
                lost: self.status.lost.load(Ordering::Acquire),
            }),
        }
    }

    /// Returns whether lines are written, and none is missing without a line that says so. Tries it, if it was not so, and
    /// so writes the first line.
    pub(crate) async fn is_whole(&self, time: UnixTime) -> bool {
        let Some(writer) = &self.writer else {
            return !self.is_kept;
        };
        if writer.end().is_some() || self.status.is_stalled(PROBE) {
            return false;
        }
        let is_whole = self.status.has_started.load(Ordering::Acquire)
            && self.status.lost.load(Ordering::Acquire) == 0;
        is_whole || self.write(Vec::new(), time, false, PROBE).await == Recorded::Written
    }

    /// Returns when no line can be written any more, and why. Never returns if there is no sink.
    pub(crate) async fn ended(&self) -> &'static str {
        match &self.writer {
            None if !self.is_kept => std::future::pending().await,
            None => "there was no thread for it",
            Some(writer) => match writer.ended().await {
                End::Panicked => "its thread panicked",
                End::Failed(NotSynced) => {
                    "a line did not reach the disk; check the disk, then restart the program"
                }
                End::Closed => "its thread has ended",
            },
        }
    }

    async fn write(
        &self,
        text: Vec<u8>,
        time: UnixTime,
        is_needed: bool,
        limit: Duration,
    ) -> Recorded {
        let claimed = Arc::new(AtomicBool::new(false));
        let line = Line {
            text,
            time,
            is_needed,
            claimed: Arc::clone(&claimed),
        };
        let recorded = match &self.writer {
            None if !self.is_kept => return Recorded::Written,
            None => Recorded::Failed,
            // No use in waiting once more.
            Some(_) if self.status.is_stalled(PATIENCE) => Recorded::Late,
            Some(writer) => match timeout(limit, writer.submit(line)).await {
                Ok(Ok(true)) => Recorded::Written,
                Ok(Ok(false) | Err(_)) => Recorded::Failed,
                Err(_) => Recorded::Late,
            },
        };
        // Unless the writer has begun with it, and will count it.
        let is_mine = !claimed.swap(true, Ordering::AcqRel);
        if is_mine && is_needed {
            self.status.lost.fetch_add(1, Ordering::AcqRel);
        }
        recorded
    }
}

impl Drop for Trail {
    fn drop(&mut self) {
        if let Some(writer) = self.writer.take() {
            // It waits for its thread, which may wait for a reader that stalls. No caller waits for a line any more.
            let _ = thread::Builder::new().spawn(move || drop(writer));
        }
    }
}

/// How long a request waits for its line.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long a write takes at most while the trail is ready.
const PROBE: Duration = Duration::from_secs(1);
/// Lines: more than requests are handled at a time.
const WAITING: usize = 1024;

#[cfg(test)]
mod tests;
