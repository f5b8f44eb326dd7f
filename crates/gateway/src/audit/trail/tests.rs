use std::io;

use parking_lot::{Condvar, Mutex};

use super::super::{
    event::{AuditEvent, What},
    sink::Incomplete,
};
use super::*;

/// Takes so many bytes, unless it stalls.
#[derive(Debug, Default)]
struct Disk {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug)]
struct State {
    room: usize,
    stalls: bool,
    sync_fails: bool,
    synced: usize,
    writes: usize,
    text: Vec<u8>,
}

impl Default for State {
    fn default() -> Self {
        Self {
            room: usize::MAX,
            stalls: false,
            sync_fails: false,
            synced: 0,
            writes: 0,
            text: Vec::new(),
        }
    }
}

impl Disk {
    fn set(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.state.lock());
        self.changed.notify_all();
    }

    fn text(&self) -> String {
        String::from_utf8(self.state.lock().text.clone()).unwrap()
    }
}

impl AuditSink for Disk {
    fn write_line(&self, line: &[u8]) -> io::Result<()> {
        self.write_lines(line).map_err(|failed| failed.error)
    }

    fn write_lines(&self, lines: &[u8]) -> Result<(), Incomplete> {
        let mut state = self.state.lock();
        while state.stalls {
            self.changed.wait(&mut state);
        }
        state.writes += 1;
        let written = lines.len().min(state.room);
        state.room -= written;
        state.text.extend_from_slice(&lines[..written]);
        if written < lines.len() {
            let error = io::ErrorKind::StorageFull.into();
            return Err(Incomplete { written, error });
        }
        Ok(())
    }

    fn sync(&self) -> io::Result<()> {
        let mut state = self.state.lock();
        state.synced += 1;
        match state.sync_fails {
            true => Err(io::ErrorKind::Other.into()),
            false => Ok(()),
        }
    }
}

const NOW: UnixTime = UnixTime::from_secs(2_000_000_001);
const START: &str = r#"{"event":"start","time":"2033-05-18T03:33:21Z"}"#;
const END: &str = r#"{"event":"end","time":"2033-05-18T03:33:21Z"}"#;
const GAP_OF_2: &str = r#"{"event":"gap","time":"2033-05-18T03:33:21Z","lost":2}"#;

fn trail() -> (Arc<Disk>, Trail) {
    let disk = Arc::new(Disk::default());
    (disk.clone(), Trail::new(disk))
}

async fn record(trail: &Trail, line: &str) -> Recorded {
    trail.record(line.as_bytes().to_vec(), NOW).await
}

#[tokio::test]
async fn a_gap_is_reported_before_anything_else() {
    let (disk, trail) = trail();
    assert_eq!(record(&trail, "one\n").await, Recorded::Written);
    assert!(trail.is_whole(NOW).await);
    disk.set(|disk| disk.room = 0);
    assert_eq!(record(&trail, "two\n").await, Recorded::Failed);
    assert_eq!(record(&trail, "three\n").await, Recorded::Failed);
    let intent = trail.intend(b"intent\n".to_vec(), NOW, PATIENCE).await;
    assert_eq!(intent, Recorded::Failed, "its end would be missing");
    assert!(!trail.is_whole(NOW).await);
    disk.set(|disk| disk.room = usize::MAX);
    assert!(trail.is_whole(NOW).await && trail.is_whole(NOW).await);
    assert_eq!(record(&trail, "four\n").await, Recorded::Written);
    assert_eq!(disk.text(), format!("{START}\none\n{GAP_OF_2}\nfour\n"));
}

#[tokio::test]
async fn a_start_and_an_orderly_end_are_written_and_an_end_reports_what_is_missing() {
    let (disk, trail) = trail();
    assert!(trail.is_whole(NOW).await);
    assert_eq!(disk.text(), format!("{START}\n"), "before any request");
    disk.set(|disk| disk.room = 0);
    assert_eq!(record(&trail, "one\n").await, Recorded::Failed);
    assert_eq!(record(&trail, "two\n").await, Recorded::Failed);
    disk.set(|disk| disk.room = usize::MAX);
    trail.end(NOW).await.unwrap();
    assert_eq!(disk.text(), format!("{START}\n{GAP_OF_2}\n{END}\n"));
}

#[tokio::test]
async fn a_trail_is_not_whole_until_its_start_is_written() {
    let (disk, trail) = trail();
    disk.set(|disk| disk.room = 0);
    assert!(!trail.is_whole(NOW).await, "no line was lost yet");
    disk.set(|disk| disk.room = 10);
    assert_eq!(record(&trail, "one\n").await, Recorded::Failed);
    assert_eq!(record(&trail, "two\n").await, Recorded::Failed);
    disk.set(|disk| disk.room = usize::MAX);
    assert!(trail.is_whole(NOW).await);
    let torn = &START[..10];
    assert_eq!(disk.text(), format!("{torn}\n{START}\n{GAP_OF_2}\n"));
}

#[tokio::test]
async fn an_end_that_can_not_be_written_does_not_keep_the_process_from_ending() {
    let (disk, trail) = trail();
    disk.set(|disk| disk.room = 0);
    assert_eq!(trail.end(NOW).await, Err(NotEnded { lost: 0 }));
    assert_eq!(record(&trail, "one\n").await, Recorded::Failed);
    assert_eq!(trail.end(NOW).await, Err(NotEnded { lost: 1 }));
    disk.set(|disk| disk.stalls = true);
    let started = std::time::Instant::now();
    trail.end(NOW).await.unwrap_err();
    assert!(started.elapsed() < 2 * PATIENCE);
    disk.set(|disk| disk.stalls = false);
    Trail::default().end(NOW).await.unwrap();
}

#[tokio::test]
async fn a_torn_line_is_ended_first_and_what_fitted_counts() {
    let (disk, trail) = trail();
    assert!(trail.is_whole(NOW).await);
    disk.set(|disk| disk.stalls = true);
    let lines = ["one\n", "two\n", "three\n"];
    let recorded = async {
        tokio::join!(
            record(&trail, lines[0]),
            record(&trail, lines[1]),
            record(&trail, lines[2])
        )
    };
    let release = async {
        tokio::time::sleep(Duration::from_millis(50)).await;
        disk.set(|disk| (disk.room, disk.stalls) = (6, false));
    };
    let ((one, two, three), ()) = tokio::join!(recorded, release);
    assert_eq!(
        [one, two, three],
        [Recorded::Written, Recorded::Failed, Recorded::Failed]
    );
    disk.set(|disk| disk.room = usize::MAX);
    assert_eq!(record(&trail, "four\n").await, Recorded::Written);
    assert_eq!(disk.text(), format!("{START}\none\ntw\n{GAP_OF_2}\nfour\n"));
}

#[tokio::test]
async fn lines_that_wait_are_written_and_synced_together() {
    let (disk, trail) = trail();
    disk.set(|disk| disk.stalls = true);
    let trail = Arc::new(trail);
    let recording: Vec<_> = (0..100)
        .map(|n| {
            let trail = Arc::clone(&trail);
            tokio::spawn(async move { record(&trail, &format!("{n}\n")).await })
        })
        .collect();
    tokio::time::sleep(Duration::from_millis(50)).await;
    disk.set(|disk| disk.stalls = false);
    for line in recording {
        assert_eq!(line.await.unwrap(), Recorded::Written);
    }
    let state = disk.state.lock();
    // At most the first ones go alone.
    assert!(state.writes <= 2 && state.synced == state.writes);
}

#[tokio::test]
async fn a_line_that_is_not_synced_is_not_written_and_a_failed_fsync_is_final() {
    for is_intent in [true, false] {
        let (disk, trail) = trail();
        assert_eq!(record(&trail, "one\n").await, Recorded::Written);
        disk.set(|disk| disk.sync_fails = true);
        let lost = match is_intent {
            true => trail.intend(b"intent\n".to_vec(), NOW, PATIENCE).await,
            false => record(&trail, "two\n").await,
        };
        assert_eq!(lost, Recorded::Failed);
        // The next fsync succeeds without having written what the kernel dropped.
        disk.set(|disk| disk.sync_fails = false);
        let written = disk.text();
        assert!(!trail.is_whole(NOW).await);
        let intent = trail.intend(b"intent\n".to_vec(), NOW, PATIENCE).await;
        assert_eq!(intent, Recorded::Failed);
        assert_eq!(record(&trail, "three\n").await, Recorded::Failed);
        assert_eq!(disk.text(), written);
        let reason = trail.ended().await;
        assert!(reason.contains("did not reach the disk"), "{reason}");
        assert!(!trail.is_whole(NOW).await);
    }
}

#[tokio::test]
async fn a_sink_that_stalls_is_waited_for_a_bounded_time_and_counted_once() {
    let (disk, trail) = trail();
    disk.set(|disk| disk.stalls = true);
    let short = Duration::from_millis(100);
    // The first one is with the writer, the second waits.
    let first = trail.intend(b"first\n".to_vec(), NOW, short).await;
    let second = trail.intend(b"second\n".to_vec(), NOW, short).await;
    assert_eq!([first, second], [Recorded::Late, Recorded::Late]);
    let started = std::time::Instant::now();
    let (third, fourth) = tokio::join!(record(&trail, "third\n"), record(&trail, "fourth\n"));
    assert_eq!([third, fourth], [Recorded::Late, Recorded::Late]);
    assert!(started.elapsed() < 2 * PATIENCE);
    // Then it is known to stall.
    let started = std::time::Instant::now();
    assert!(!trail.is_whole(NOW).await);
    let fifth = trail.intend(b"fifth\n".to_vec(), NOW, PATIENCE).await;
    assert_eq!(fifth, Recorded::Late);
    assert!(started.elapsed() < PATIENCE / 2);

    disk.set(|disk| disk.stalls = false);
    while !trail.is_whole(NOW).await {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(record(&trail, "sixth\n").await, Recorded::Written);
    // The one that the writer had begun with could not be taken back.
    assert_eq!(disk.text(), format!("{START}\nfirst\n{GAP_OF_2}\nsixth\n"));
}

#[tokio::test]
async fn dropping_it_waits_for_nothing() {
    let (disk, trail) = trail();
    disk.set(|disk| disk.stalls = true);
    let late = trail.intend(b"late\n".to_vec(), NOW, Duration::from_millis(50));
    assert_eq!(late.await, Recorded::Late);
    let started = std::time::Instant::now();
    drop(trail);
    assert!(started.elapsed() < PATIENCE);
    disk.set(|disk| disk.stalls = false);
}

#[tokio::test]
async fn without_a_sink_nothing_is_lost() {
    let trail = Trail::default();
    assert_eq!(record(&trail, "one\n").await, Recorded::Written);
    assert!(trail.is_whole(NOW).await && !trail.is_kept());
}

#[test]
fn events_are_objects_on_one_line() {
    let what = || What {
        issuer: None,
        subject: None,
        agent: None,
        project: None,
        name: Some("a\n\"b"),
    };
    let time = || "2033-05-18T03:33:20Z".to_owned();
    let intent = AuditEvent::Intent {
        time: time(),
        request_id: "r",
        what: what(),
    };
    let request = AuditEvent::Request {
        time: time(),
        request_id: "r",
        what: what(),
        outcome: "stored",
        denied: None,
        status: 201,
        duration_ms: 1.5,
    };
    let text = [intent.to_line(), request.to_line()].concat();
    let first = r#"{"event":"intent","time":"2033-05-18T03:33:20Z","request_id":"r","issuer":null,"subject":null,"agent":null,"project":null,"name":"a\n\"b"}"#;
    let second = r#"{"event":"request","time":"2033-05-18T03:33:20Z","request_id":"r","issuer":null,"subject":null,"agent":null,"project":null,"name":"a\n\"b","outcome":"stored","status":201,"duration_ms":1.5}"#;
    assert_eq!(
        String::from_utf8(text).unwrap(),
        format!("{first}\n{second}\n")
    );
}

/// As a defect would.
#[derive(Debug)]
struct Panics;

impl AuditSink for Panics {
    fn write_line(&self, line: &[u8]) -> io::Result<()> {
        assert!(
            line.starts_with(b"{\"event\":\"start\""),
            "as the test wants"
        );
        Ok(())
    }
}

#[tokio::test]
async fn an_audit_writer_thread_that_ends_unexpectedly_is_not_ready_and_says_so() {
    let trail = Trail::new(Arc::new(Panics));
    assert!(trail.is_whole(NOW).await);
    let intended = trail.intend(b"{}\n".to_vec(), NOW, PATIENCE).await;
    assert_eq!(intended, Recorded::Failed);
    assert_eq!(trail.ended().await, "its thread panicked");
    // Nothing is missing yet, and nothing can be written any more.
    assert!(!trail.is_whole(NOW).await);
    let recorded = trail.record(b"{}\n".to_vec(), NOW).await;
    assert_ne!(recorded, Recorded::Written);
}
