//! The log of commands that end soon, on stderr. Those that run for long have that of the server.

use std::io::{self, IsTerminal as _, Write};

use tracing_subscriber::EnvFilter;

use crate::error::Failure;

/// Starts logging what `RUST_LOG` asks for, or else `default`.
pub(crate) fn start(default: &str) -> Result<(), Failure> {
    let directives = match std::env::var("RUST_LOG") {
        Ok(directives) if !directives.trim().is_empty() => directives,
        _ => default.to_owned(),
    };
    let filter = EnvFilter::try_new(&directives).map_err(|e| {
        Failure::usage(format!("RUST_LOG cannot be used: {e}"))
            .hint("give a level (error, warn, info, debug, trace), or target=level,…")
    })?;
    let started = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(io::stderr().is_terminal())
        .with_writer(|| Stderr)
        .log_internal_errors(false)
        .try_init();
    started.map_err(|e| Failure::usage(format!("cannot log: {e}")).hint("report it as a bug"))
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
