//! The log of commands that end soon, on stderr. Those that run for long have that of the server.

use std::io::{self, IsTerminal as _, Write};

use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::error::Failure;

/// Starts logging what `RUST_LOG` asks for, or else `default`.
pub(crate) fn start(default: &str) -> Result<(), Failure> {
    let variable = std::env::var("RUST_LOG").unwrap_or_default();
    let asked = if variable.trim().is_empty() {
        default
    } else {
        &variable
    };
    let log = tracing_subscriber::fmt::layer()
        .with_ansi(io::stderr().is_terminal())
        .with_writer(|| Stderr)
        .log_internal_errors(false);
    let started = tracing_subscriber::registry()
        .with(filter(asked)?)
        .with(log)
        .try_init();
    started.map_err(|e| Failure::usage(format!("cannot log: {e}")).hint("report it as a bug"))
}

/// As the server reads directives, which is not there where there is no Unix.
fn filter(directives: &str) -> Result<Targets, Failure> {
    let refuse = |what: &str| {
        Failure::usage(format!("RUST_LOG cannot be used: {what}"))
            .hint("give a level (error, warn, info, debug, trace), or target=level,…")
    };
    if directives.contains('[') {
        return Err(refuse("a directive names a span or a field, with ["));
    }
    // The library takes an empty directive for the level `error`.
    let given: Vec<&str> = directives
        .split(',')
        .map(str::trim)
        .filter(|d| !d.is_empty())
        .collect();
    given.join(",").parse().map_err(|e| refuse(&format!("{e}")))
}

/// Stderr, closed or not: the subscriber would answer a failure with a panic.
struct Stderr;

impl Write for Stderr {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let _ = io::stderr().write_all(line);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
