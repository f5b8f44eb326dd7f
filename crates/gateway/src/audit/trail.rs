//! Keeping the trail complete.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use parking_lot::Mutex;
use sealpost_envelope::UnixTime;
use tracing::error;

use super::{event::AuditEvent, sink::AuditSink};
use crate::time::rfc3339;

/// The sink, if there is one, and the number of events that could not be written.
#[derive(Debug, Default)]
pub(crate) struct Trail {
    sink: Option<Arc<dyn AuditSink>>,
    lost: AtomicU64,
    /// Held while the trail tries to write again.
    recovering: Mutex<()>,
}

impl Trail {
    pub(crate) fn new(sink: Arc<dyn AuditSink>) -> Self {
        Self {
            sink: Some(sink),
            ..Self::default()
        }
    }

    /// Returns whether there is a sink.
    pub(crate) fn is_kept(&self) -> bool {
        self.sink.is_some()
    }

    /// Returns whether every event was written, or reported as missing.
    pub(crate) fn is_whole(&self) -> bool {
        self.lost.load(Ordering::Acquire) == 0
    }

    /// Tries to write again, if that failed. Until it returns `true`, no request may be carried out.
    pub(crate) fn recover(&self, now: UnixTime) -> bool {
        if self.is_whole() {
            return true;
        }
        let _one = self.recovering.lock();
        let lost = self.lost.load(Ordering::Acquire);
        let time = rfc3339(now);
        let written = lost == 0 || self.write(&AuditEvent::Gap { time, lost });
        if written {
            self.lost.fetch_sub(lost, Ordering::AcqRel);
        }
        written
    }

    /// Writes an event. Returns `false` if it is lost; the trail counts it.
    pub(crate) fn record(&self, event: &AuditEvent<'_>) -> bool {
        let written = self.write(event);
        if !written {
            self.lost.fetch_add(1, Ordering::AcqRel);
        }
        written
    }

    fn write(&self, event: &AuditEvent<'_>) -> bool {
        let Some(sink) = &self.sink else { return true };
        let mut line = Vec::with_capacity(LINE);
        let result = serde_json::to_writer(&mut line, event)
            .map_err(Into::into)
            .and_then(|()| {
                line.push(b'\n');
                sink.write_line(&line)
            });
        if let Err(error) = &result {
            error!(%error, "audit event not written; requests are refused until one is");
        }
        result.is_ok()
    }
}

/// Longer than nearly every line, so that the buffer is allocated once.
const LINE: usize = 512;

#[cfg(test)]
mod tests {
    use std::{io, sync::atomic::AtomicBool};

    use super::*;

    #[derive(Debug, Default)]
    struct Memory {
        full: AtomicBool,
        text: Mutex<Vec<u8>>,
    }

    impl AuditSink for Memory {
        fn write_line(&self, line: &[u8]) -> io::Result<()> {
            if self.full.load(Ordering::SeqCst) {
                return Err(io::ErrorKind::StorageFull.into());
            }
            self.text.lock().extend_from_slice(line);
            Ok(())
        }
    }

    fn event() -> AuditEvent<'static> {
        AuditEvent::Request {
            time: rfc3339(UnixTime::from_secs(2_000_000_000)),
            request_id: "r",
            issuer: None,
            subject: None,
            agent: None,
            project: None,
            name: Some("a\n\"b"),
            outcome: "stored",
            denied: None,
            status: 201,
            duration_ms: 1.5,
        }
    }

    #[test]
    fn a_gap_is_reported_before_anything_else() {
        let sink = Arc::new(Memory::default());
        let trail = Trail::new(sink.clone());
        let now = UnixTime::from_secs(2_000_000_001);
        assert!(trail.record(&event()) && trail.is_whole() && trail.recover(now));
        sink.full.store(true, Ordering::SeqCst);
        assert!(!trail.record(&event()));
        assert!(!trail.record(&event()));
        assert!(!trail.recover(now) && !trail.is_whole());
        sink.full.store(false, Ordering::SeqCst);
        assert!(trail.recover(now) && trail.is_whole());
        assert!(trail.recover(now), "and only once");

        let text = String::from_utf8(sink.text.lock().clone()).unwrap();
        let first = r#"{"event":"request","time":"2033-05-18T03:33:20Z","request_id":"r","issuer":null,"subject":null,"agent":null,"project":null,"name":"a\n\"b","outcome":"stored","status":201,"duration_ms":1.5}"#;
        let second = r#"{"event":"gap","time":"2033-05-18T03:33:21Z","lost":2}"#;
        assert_eq!(text, format!("{first}\n{second}\n"));
    }

    #[test]
    fn without_a_sink_nothing_is_lost() {
        let trail = Trail::default();
        assert!(trail.record(&event()) && trail.is_whole() && !trail.is_kept());
    }
}
