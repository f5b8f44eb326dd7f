//! The thread that writes the log.

use std::io::{self, ErrorKind, Write};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use super::queue::Queue;
use super::report::report;
use crate::configuration::LogFormat;

/// Starts the thread. It ends with the process.
pub(super) fn start(
    queue: Arc<Queue>,
    out: impl Write + Send + 'static,
    format: LogFormat,
) -> io::Result<()> {
    let mut writer = Writer {
        queue,
        out,
        format,
        is_torn: false,
        lost: 0,
    };
    thread::Builder::new()
        .name("log-writer".to_owned())
        .spawn(move || {
            let _ending = Ending(Arc::clone(&writer.queue));
            let mut text = Vec::new();
            loop {
                writer.step(&mut text);
            }
        })?;
    Ok(())
}

/// Says that the thread has ended, which only a panic does.
struct Ending(Arc<Queue>);

impl Drop for Ending {
    fn drop(&mut self) {
        self.0.end();
    }
}

struct Writer<W> {
    queue: Arc<Queue>,
    out: W,
    format: LogFormat,
    /// The last line was written in part.
    is_torn: bool,
    /// Lines that were dropped and not reported.
    lost: u64,
}

impl<W: Write> Writer<W> {
    /// Writes what waits, between reports of what was dropped before and after it.
    fn step(&mut self, text: &mut Vec<u8>) {
        // A report that could not be written is tried again, even if nothing is logged.
        let retry = (self.lost > 0).then_some(RETRY);
        let dropped = self.queue.take(text, retry);
        if self.report() {
            let written = self.write(text);
            if let Some(rest) = text.get(written..).filter(|rest| !rest.is_empty()) {
                self.lost += self.queue.count_dropped(rest);
            } else {
                self.lost += dropped;
                self.report();
                return;
            }
        } else if !text.is_empty() {
            self.lost += self.queue.count_dropped(text);
        }
        self.lost += dropped;
    }

    /// Reports the lines that were lost. Returns `false` if that can't be written.
    fn report(&mut self) -> bool {
        if self.lost > 0 {
            let line = report(self.format, self.lost);
            if self.write(line.as_bytes()) < line.len() {
                return false;
            }
            self.lost = 0;
        }
        true
    }

    /// Returns how many bytes were written.
    fn write(&mut self, text: &[u8]) -> usize {
        if text.is_empty() || (self.is_torn && self.write_once(b"\n") == 0) {
            return 0;
        }
        let mut written = 0;
        while let Some(rest) = text.get(written..).filter(|rest| !rest.is_empty()) {
            match self.write_once(rest) {
                0 => break,
                bytes => written += bytes,
            }
        }
        // If nothing of it was written, the line before it has been ended.
        self.is_torn = written > 0 && text.get(written - 1) != Some(&b'\n');
        written
    }

    /// Returns 0 if nothing can be written.
    fn write_once(&mut self, text: &[u8]) -> usize {
        loop {
            match self.out.write(text) {
                Ok(written) => return written,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                // Another process has made the pipe or terminal that it shares with this one non-blocking.
                Err(error) if error.kind() == ErrorKind::WouldBlock => thread::sleep(PAUSE),
                Err(_) => return 0,
            }
        }
    }
}

const RETRY: Duration = Duration::from_secs(1);
const PAUSE: Duration = Duration::from_millis(10);

#[cfg(test)]
mod tests {
    use sealpost_gateway::metrics::LogMetrics;

    use super::*;

    /// Takes so many bytes, then fails.
    #[derive(Default)]
    struct Disk {
        room: usize,
        text: Vec<u8>,
    }

    impl Write for Disk {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let taken = bytes.len().min(self.room);
            if taken == 0 {
                return Err(ErrorKind::StorageFull.into());
            }
            self.room -= taken;
            self.text.extend_from_slice(&bytes[..taken]);
            Ok(taken)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn writer(room: usize, format: LogFormat) -> (Writer<Disk>, LogMetrics) {
        let metrics = LogMetrics::default();
        let writer = Writer {
            queue: Arc::new(Queue::new(metrics.clone())),
            out: Disk {
                room,
                ..Disk::default()
            },
            format,
            is_torn: false,
            lost: 0,
        };
        (writer, metrics)
    }

    #[test]
    fn after_space_is_freed_a_line_says_how_many_were_dropped() {
        for format in [LogFormat::Human, LogFormat::Json] {
            let (mut writer, metrics) = writer(6, format);
            let mut step = |room, line: &str| {
                writer.out.room += room;
                writer.queue.push(line.as_bytes());
                writer.step(&mut Vec::new());
            };
            step(0, "one\ntwo\nthree\n");
            step(0, "four\n");
            step(1000, "five\n");
            step(0, "six\n");
            let text = String::from_utf8(writer.out.text).unwrap();
            let lines: Vec<_> = text.lines().collect();
            assert_eq!(lines[..2], ["one", "tw"], "{text}");
            assert!(lines[2].contains("3 lines were dropped"), "{text}");
            assert_eq!(lines[3..], ["five", "six"], "{text}");
            assert_eq!(metrics.dropped(), 3);
        }
    }

    /// As a defect would.
    struct Panics;

    impl Write for Panics {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            panic!("as the test wants");
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[tokio::test]
    async fn a_log_thread_that_ends_unexpectedly_is_noticed_and_nothing_waits_for_it() {
        let metrics = LogMetrics::default();
        let queue = Arc::new(Queue::new(metrics.clone()));
        start(Arc::clone(&queue), Panics, LogFormat::Human).unwrap();
        assert!(!queue.has_ended());
        queue.push(b"one\n");
        queue.ended().await;
        queue.push(b"two\n");
        assert!(queue.has_ended() && metrics.dropped() > 0);
        let started = std::time::Instant::now();
        queue.wait_until_written(Duration::from_secs(30));
        assert!(started.elapsed() < Duration::from_secs(20));
    }

    #[test]
    fn recovery_is_reported_although_nothing_is_logged() {
        let (mut writer, _) = writer(0, LogFormat::Human);
        writer.queue.push(b"one\n");
        writer.step(&mut Vec::new());
        writer.out.room = 1000;
        writer.step(&mut Vec::new());
        let text = String::from_utf8(writer.out.text).unwrap();
        assert!(text.ends_with("1 lines were dropped\n"), "{text}");
    }
}
