//! `[log]`: how much is logged, and for whom.

use tracing_subscriber::EnvFilter;

use super::section::Section;
use crate::logging::Format;

/// What `[log]` says.
#[derive(Debug)]
pub(crate) struct LogPlan {
    pub(crate) format: Format,
    /// A level or directives; `RUST_LOG` comes before it.
    pub(crate) level: String,
}

pub(crate) fn read(root: &mut Section<'_>) -> LogPlan {
    let mut plan = LogPlan {
        format: Format::Human,
        level: "info".to_owned(),
    };
    let Some(mut section) = root.section("log") else {
        return plan;
    };
    let formats = [("human", Format::Human), ("json", Format::Json)];
    if let Some(format) = section.choice("format", &formats) {
        plan.format = format;
    }
    if let Some(level) = section.text("level") {
        match EnvFilter::try_new(&level) {
            Ok(_) => plan.level = level,
            Err(_) => section.wrong(
                "level",
                "cannot be used; give error, warn, info, debug or trace, or target=level,…",
            ),
        }
    }
    section.finish();
    plan
}
