//! The line that says how many lines were dropped.

use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::{FormatTime as _, SystemTime};

use crate::configuration::LogFormat;

/// Returns the line as the log would have it.
pub(super) fn report(format: LogFormat, lines: u64) -> String {
    let mut time = String::new();
    // Writing to memory does not fail.
    let _ = SystemTime.format_time(&mut Writer::new(&mut time));
    match format {
        LogFormat::Human => format!("{time}  WARN {TARGET}: {lines} lines were dropped\n"),
        LogFormat::Json => format!(
            "{{\"timestamp\":\"{time}\",\"level\":\"WARN\",\"message\":\"{lines} lines were dropped\",\
             \"lines\":{lines},\"target\":\"{TARGET}\"}}\n"
        ),
    }
}

const TARGET: &str = "sealpost_server::logging";
