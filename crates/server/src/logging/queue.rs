//! The lines that wait to be written.

use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};
use sealpost_gateway::metrics::LogMetrics;
use tokio::sync::watch;

/// Lines on their way to the writer, one after another in one buffer, so that a line costs neither an allocation nor a
/// system call.
#[derive(Debug)]
pub(super) struct Queue {
    waiting: Mutex<Waiting>,
    /// The writer has something to do.
    filled: Condvar,
    /// The writer has nothing to do.
    written: Condvar,
    metrics: LogMetrics,
    has_ended: watch::Sender<bool>,
}

#[derive(Debug, Default)]
struct Waiting {
    text: Vec<u8>,
    /// Lines that were dropped behind `text`.
    dropped: u64,
    /// The writer has taken lines, and has not come back.
    is_writing: bool,
}

impl Queue {
    pub(super) fn new(metrics: LogMetrics) -> Self {
        Self {
            waiting: Mutex::default(),
            filled: Condvar::new(),
            written: Condvar::new(),
            metrics,
            has_ended: watch::Sender::new(false),
        }
    }

    /// Adds whole lines, or drops them if there is no room.
    pub(super) fn push(&self, lines: &[u8]) {
        let mut waiting = self.waiting.lock();
        // What was dropped comes last, so nothing may follow it until the writer has taken note.
        if self.has_ended() || waiting.dropped > 0 || lines.len() > CAPACITY - waiting.text.len() {
            waiting.dropped += self.count_dropped(lines);
        } else {
            waiting.text.extend_from_slice(lines);
        }
        if !waiting.is_writing {
            self.filled.notify_one();
        }
    }

    /// Counts lines that are not written, and returns how many they are.
    pub(super) fn count_dropped(&self, lines: &[u8]) -> u64 {
        let ends = lines.iter().filter(|byte| **byte == b'\n').count();
        let count = u64::try_from(ends.max(1)).unwrap_or(u64::MAX);
        self.metrics.lines_dropped(count);
        count
    }

    /// Waits for lines, no longer than `limit`. Puts them in place of what `text` holds, and returns how many were dropped
    /// behind them.
    pub(super) fn take(&self, text: &mut Vec<u8>, limit: Option<Duration>) -> u64 {
        text.clear();
        let until = limit.map(|limit| Instant::now() + limit);
        let mut waiting = self.waiting.lock();
        waiting.is_writing = false;
        while waiting.text.is_empty() && waiting.dropped == 0 {
            self.written.notify_all();
            match until {
                None => self.filled.wait(&mut waiting),
                Some(until) if self.filled.wait_until(&mut waiting, until).timed_out() => break,
                Some(_) => {}
            }
        }
        waiting.is_writing = true;
        std::mem::swap(&mut waiting.text, text);
        std::mem::take(&mut waiting.dropped)
    }

    /// Says that nothing takes lines any more: what waits is dropped, as is what follows.
    pub(super) fn end(&self) {
        let mut waiting = self.waiting.lock();
        self.has_ended.send_replace(true);
        waiting.is_writing = false;
        if !waiting.text.is_empty() {
            self.count_dropped(&std::mem::take(&mut waiting.text));
        }
        self.written.notify_all();
    }

    /// Returns whether nothing takes lines any more.
    pub(super) fn has_ended(&self) -> bool {
        *self.has_ended.borrow()
    }

    /// Returns when nothing takes lines any more.
    pub(super) async fn ended(&self) {
        // The sender is in `self`.
        let _ = self.has_ended.subscribe().wait_for(|ended| *ended).await;
    }

    /// Waits until all lines are written, no longer than `limit`.
    pub(super) fn wait_until_written(&self, limit: Duration) {
        let until = Instant::now() + limit;
        let mut waiting = self.waiting.lock();
        while waiting.is_writing || !waiting.text.is_empty() {
            if self.written.wait_until(&mut waiting, until).timed_out() {
                return;
            }
        }
    }
}

/// Takes one line of the log: the formatter writes a whole one at once.
pub(super) struct Line(pub(super) Arc<Queue>);

impl io::Write for Line {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.0.push(line);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// In bytes: a few seconds of a busy gateway at level `debug`.
const CAPACITY: usize = 1 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_queue_drops_and_counts_and_keeps_the_order() {
        let metrics = LogMetrics::default();
        let queue = Queue::new(metrics.clone());
        let line = [vec![b'x'; CAPACITY / 4 - 1], vec![b'\n']].concat();
        (0..6).for_each(|_| queue.push(&line));
        queue.push(b"would fit\n");
        queue.push(b"two\nlines\n");
        let mut text = Vec::new();
        assert_eq!(queue.take(&mut text, None), 5);
        assert_eq!(text.len(), CAPACITY);
        queue.push(b"next\n");
        assert_eq!(queue.take(&mut text, None), 0);
        assert_eq!(text, b"next\n");
        assert_eq!(metrics.dropped(), 5);
    }

    #[test]
    fn nothing_waits_for_a_writer_that_does_not_come_back() {
        let queue = Queue::new(LogMetrics::default());
        queue.push(b"one\n");
        let started = Instant::now();
        queue.wait_until_written(Duration::from_millis(50));
        assert!(started.elapsed() < Duration::from_secs(5));
    }
}
