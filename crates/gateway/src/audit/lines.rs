//! What the writer's thread does with lines that wait.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use parking_lot::Mutex;
use sealpost_envelope::UnixTime;
use sealpost_group_commit::{Commit, Failure};
use tracing::{error, warn};

use super::{event::AuditEvent, sink::AuditSink};
use crate::time::rfc3339;

/// A line on its way.
#[derive(Debug)]
pub(super) struct Line {
    /// Empty for a probe, which is written if nothing is missing any more.
    pub(super) text: Vec<u8>,
    pub(super) time: UnixTime,
    /// Without it the trail has a gap.
    pub(super) is_needed: bool,
    /// Set by the side that decides: the writer when it begins, or the caller when it no longer waits.
    pub(super) claimed: Arc<AtomicBool>,
}

/// How the trail is, for callers.
#[derive(Debug, Default)]
pub(super) struct Status {
    /// Lines that are missing, and not reported as missing.
    pub(super) lost: AtomicU64,
    /// When the write that is under way began.
    writing_since: Mutex<Option<Instant>>,
}

impl Status {
    /// Returns whether one write has taken so long already.
    pub(super) fn is_stalled(&self, limit: Duration) -> bool {
        let since = *self.writing_since.lock();
        since.is_some_and(|since| since.elapsed() >= limit)
    }

    fn writing(&self, since: Option<Instant>) {
        *self.writing_since.lock() = since;
    }
}

/// An fsync failed, which is final: the kernel may have dropped what it could not write, and a second fsync would succeed
/// without having written it.
#[derive(Clone, Copy, Debug)]
pub(super) struct NotSynced;

/// Writes all lines that wait, and syncs once.
pub(super) struct Lines {
    pub(super) sink: Arc<dyn AuditSink>,
    pub(super) status: Arc<Status>,
    /// The last line was written in part.
    pub(super) is_torn: bool,
    pub(super) has_failed: bool,
}

impl Commit for Lines {
    type Change = Line;
    /// Whether the line was written.
    type Answer = bool;
    type Error = NotSynced;

    fn commit(
        &mut self,
        lines: &[Line],
        answers: &mut Vec<bool>,
    ) -> Result<(), Failure<NotSynced>> {
        let mut text = Vec::new();
        if self.is_torn {
            text.push(b'\n');
        }
        let lost = self.status.lost.load(Ordering::Acquire);
        if let (1.., Some(last)) = (lost, lines.last()) {
            let time = rfc3339(last.time);
            text.extend(AuditEvent::Gap { time, lost }.to_line());
        }
        let gap_ends = text.len();
        let mut ends = Vec::with_capacity(lines.len());
        for line in lines {
            let waits = !line.claimed.swap(true, Ordering::AcqRel);
            if waits {
                text.extend_from_slice(&line.text);
            }
            ends.push(waits.then_some(text.len()));
        }

        let Ok(written) = self.write(&text) else {
            let waited = lines.iter().zip(&ends).filter(|(_, end)| end.is_some());
            let lost = waited.filter(|(line, _)| line.is_needed).count();
            let lost = u64::try_from(lost).unwrap_or(u64::MAX);
            self.status.lost.fetch_add(lost, Ordering::AcqRel);
            return Err(Failure::Final(NotSynced));
        };
        let is_written = |end: usize| end <= written;
        if is_written(gap_ends) {
            self.status.lost.fetch_sub(lost, Ordering::AcqRel);
        }
        for (line, end) in lines.iter().zip(ends) {
            let done = end.is_some_and(is_written);
            // The caller has counted a line that it no longer waits for.
            if end.is_some() && !done && line.is_needed {
                self.status.lost.fetch_add(1, Ordering::AcqRel);
            }
            answers.push(done);
        }
        Ok(())
    }

    fn size(line: &Line) -> usize {
        line.text.len()
    }
}

impl Lines {
    /// Returns how many bytes were written. Fails if even they may be lost.
    fn write(&mut self, text: &[u8]) -> Result<usize, NotSynced> {
        if text.is_empty() {
            return Ok(0);
        }
        self.status.writing(Some(Instant::now()));
        let (written, failed) = match self.sink.write_lines(text) {
            Ok(()) => (text.len(), None),
            Err(failed) => (failed.written.min(text.len()), Some(failed.error)),
        };
        let synced = self.sink.sync();
        self.status.writing(None);
        self.is_torn = match written.checked_sub(1) {
            Some(last) => text.get(last) != Some(&b'\n'),
            None => self.is_torn,
        };
        if let Err(error) = synced {
            error!(%error, "a line of the audit trail did not reach the disk; nothing more is written");
            return Err(NotSynced);
        }
        match failed {
            Some(error) if !self.has_failed => {
                self.has_failed = true;
                error!(%error, "audit trail not written; requests are refused until it is");
            }
            None if self.has_failed => {
                self.has_failed = false;
                warn!("audit trail written again");
            }
            Some(_) | None => {}
        }
        Ok(written)
    }
}
