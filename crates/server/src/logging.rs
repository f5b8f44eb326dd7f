//! The log of a process that runs for long: lines wait in memory for a thread that writes them to stderr.
//!
//! Whatever stderr is – a pipe that was closed, a file on a full disk, a reader that stalls – no thread that logs waits
//! for it or fails. What can't be written is counted in `sealpost_log_lines_dropped_total`, and a line says how many
//! lines were dropped as soon as stderr takes lines again.
//!
//! Why not `tracing-appender` (0.2.5): its worker neither counts nor reports a line whose write failed; a last flush that fails
//! goes to `eprintln!`, which panics if stderr is closed; and its guard prints to stdout when it can't finish.

pub(crate) mod panics;
mod queue;
mod report;
mod writer;

use std::fs::File;
use std::io::{self, IsTerminal as _, Write as _};
use std::os::fd::AsFd as _;
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;

use sealpost_gateway::metrics::LogMetrics;
use thiserror::Error;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::configuration::log::{NotALevel, directives, filter_of};
use crate::configuration::{LogConfiguration, LogFormat};
use queue::Queue;

/// The log that [`start`] has started. Dropping it waits until what was logged is written, at most a second.
#[derive(Debug)]
pub struct Log {
    queue: Arc<Queue>,
}

/// Why a log does not start.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum LogError {
    /// The variable has no directives.
    #[error("{NotALevel}")]
    Directives,
    /// Stderr can't be duplicated, or the system does not give a thread.
    #[error("cannot log: {0}")]
    Io(#[from] io::Error),
    /// The process logs already.
    #[error("cannot log twice")]
    Twice,
}

/// Starts the log of this process, and has panics logged, without their message unless it is a literal.
///
/// # Errors
///
/// [`LogError`].
pub fn start(configuration: &LogConfiguration, metrics: LogMetrics) -> Result<Log, LogError> {
    let filter = filter(&configuration.level)?;
    let is_terminal = io::stderr().is_terminal();
    // Its own descriptor: the standard library's stderr is locked while a write to it stalls.
    let stderr = File::from(io::stderr().as_fd().try_clone_to_owned()?);
    let queue = Arc::new(Queue::new(metrics));
    writer::start(Arc::clone(&queue), stderr, configuration.format)?;
    let sink = Arc::clone(&queue);
    let log = tracing_subscriber::fmt::layer()
        .with_writer(move || queue::Line(Arc::clone(&sink)))
        // They would go to stderr directly, and panic if it is closed.
        .log_internal_errors(false);
    let filtered = tracing_subscriber::registry().with(filter);
    let started = match configuration.format {
        LogFormat::Human => filtered.with(log.with_ansi(is_terminal)).try_init(),
        LogFormat::Json => filtered.with(log.json().flatten_event(true)).try_init(),
    };
    started.map_err(|_| LogError::Twice)?;
    panics::log_them(Arc::clone(&queue));
    Ok(Log { queue })
}

/// Returns what is logged: what the variable `RUST_LOG` asks for, or else `level`.
///
/// # Errors
///
/// [`LogError::Directives`].
pub fn filter(level: &str) -> Result<Targets, LogError> {
    let directives = directives().map_err(|NotALevel| LogError::Directives)?;
    filter_of(directives.as_deref().unwrap_or(level)).ok_or(LogError::Directives)
}

impl Log {
    /// Writes a text as it stands, whatever is logged. Like a line of the log it never blocks; without the thread that writes the
    /// log it waits for stderr itself, at most a second.
    pub fn print(&self, text: &str) {
        if self.queue.has_ended() {
            last_words(text.to_owned());
        } else {
            self.queue.push(text.as_bytes());
        }
    }

    /// Returns when the thread that writes the log has ended, and why. It must not: the process should end, too.
    pub fn ended(&self) -> impl Future<Output = String> + Send + use<> {
        let queue = Arc::clone(&self.queue);
        async move {
            queue.ended().await;
            "its thread panicked, and nothing is logged any more".to_owned()
        }
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        self.queue.wait_until_written(LAST_LINES);
    }
}

/// Writes to stderr from a thread that may stall.
fn last_words(text: String) {
    let (done, written) = mpsc::channel();
    let thread = thread::Builder::new().spawn(move || {
        // Nothing is left to be done if stderr is closed.
        let _ = io::stderr().write_all(text.as_bytes());
        let _ = done.send(());
    });
    if thread.is_ok() {
        let _ = written.recv_timeout(LAST_LINES);
    }
}

const LAST_LINES: Duration = Duration::from_secs(1);
