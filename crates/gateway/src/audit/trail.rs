//! Keeping the trail whole.

use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicU64, Ordering},
};

use sealpost_envelope::UnixTime;
use tracing::error;

use super::{AuditEvent, AuditSink};

/// The sink, if there is one, and how many events it did not take.
#[derive(Debug, Default)]
pub(crate) struct Trail {
    sink: Option<Arc<dyn AuditSink>>,
    lost: AtomicU64,
    /// Held while it is tried to write again.
    mending: Mutex<()>,
}

impl Trail {
    pub(crate) fn new(sink: Arc<dyn AuditSink>) -> Self {
        Self {
            sink: Some(sink),
            ..Self::default()
        }
    }

    /// Whether there is a sink at all.
    pub(crate) fn is_kept(&self) -> bool {
        self.sink.is_some()
    }

    /// Whether the last event was written.
    pub(crate) fn is_whole(&self) -> bool {
        self.lost.load(Ordering::Acquire) == 0
    }

    /// Tries to write again, if that failed. Until it succeeds nothing may be carried out.
    pub(crate) fn mend(&self, now: UnixTime) -> bool {
        if self.is_whole() {
            return true;
        }
        let _one = self.mending.lock().unwrap_or_else(PoisonError::into_inner);
        let lost = self.lost.load(Ordering::Acquire);
        let time = rfc3339(now);
        let written = lost == 0 || self.write(&AuditEvent::Gap { time, lost });
        if written {
            self.lost.fetch_sub(lost, Ordering::AcqRel);
        }
        written
    }

    /// Writes an event; `false` if it is lost, which is remembered.
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

/// `2033-05-18T03:33:20Z`
pub(crate) fn rfc3339(time: UnixTime) -> String {
    let time = std::time::UNIX_EPOCH.checked_add(std::time::Duration::from_secs(time.as_secs()));
    time.map_or_else(String::new, |time| {
        humantime::format_rfc3339_seconds(time).to_string()
    })
}

/// Longer than nearly every line, so that it is allocated once.
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
            self.text.lock().unwrap().extend_from_slice(line);
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
    fn a_gap_is_told_before_anything_else() {
        let sink = Arc::new(Memory::default());
        let trail = Trail::new(sink.clone());
        let now = UnixTime::from_secs(2_000_000_001);
        assert!(trail.record(&event()) && trail.is_whole() && trail.mend(now));
        sink.full.store(true, Ordering::SeqCst);
        assert!(!trail.record(&event()));
        assert!(!trail.record(&event()));
        assert!(!trail.mend(now) && !trail.is_whole());
        sink.full.store(false, Ordering::SeqCst);
        assert!(trail.mend(now) && trail.is_whole());
        assert!(trail.mend(now), "and only once");

        let text = String::from_utf8(sink.text.lock().unwrap().clone()).unwrap();
        let first = r#"{"event":"request","time":"2033-05-18T03:33:20Z","request_id":"r","issuer":null,"subject":null,"agent":null,"project":null,"name":"a\n\"b","outcome":"stored","status":201,"duration_ms":1.5}"#;
        let second = r#"{"event":"gap","time":"2033-05-18T03:33:21Z","lost":2}"#;
        assert_eq!(text, format!("{first}\n{second}\n"));
    }

    #[test]
    fn without_a_sink_all_is_well() {
        let trail = Trail::default();
        assert!(trail.record(&event()) && trail.is_whole() && !trail.is_kept());
    }
}
