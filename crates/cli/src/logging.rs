//! The log, on stderr.

use std::io::{self, IsTerminal as _};

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
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(io::stderr().is_terminal())
        .with_writer(io::stderr)
        .try_init()
        .map_err(|e| Failure::usage(format!("cannot log: {e}")).hint("report it as a bug"))
}
