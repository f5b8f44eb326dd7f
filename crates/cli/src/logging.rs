//! The log, on stderr.

use std::io::{self, IsTerminal as _};

use tracing_subscriber::EnvFilter;

use crate::error::Failure;

/// Who reads the log.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) enum Format {
    /// People.
    #[default]
    Human,
    /// Programs: one JSON object a line.
    Json,
}

/// Starts logging what `RUST_LOG` asks for, or else `default`.
pub(crate) fn start(default: &str, format: Format) -> Result<(), Failure> {
    let directives = match std::env::var("RUST_LOG") {
        Ok(directives) if !directives.trim().is_empty() => directives,
        _ => default.to_owned(),
    };
    let filter = EnvFilter::try_new(&directives).map_err(|e| {
        Failure::usage(format!("RUST_LOG cannot be used: {e}"))
            .hint("give a level (error, warn, info, debug, trace), or target=level,…")
    })?;
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr);
    let started = match format {
        Format::Human => log.with_ansi(io::stderr().is_terminal()).try_init(),
        Format::Json => log.json().flatten_event(true).try_init(),
    };
    started.map_err(|e| Failure::usage(format!("cannot log: {e}")).hint("report it as a bug"))
}
