//! `[log]`: how much is logged, and for whom.

use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;

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
            Ok(_) if !level.split(',').any(is_bare_target) => plan.level = level,
            _ => section.wrong(
                "level",
                "cannot be used; give error, warn, info, debug or trace, or target=level,…",
            ),
        }
    }
    section.finish();
    plan
}

/// The library takes a level that is misspelt for the name of a target, and then logs nothing of any other; and no level
/// for `error`.
fn is_bare_target(directive: &str) -> bool {
    let directive = directive.trim();
    let level = !directive.is_empty() && directive.parse::<LevelFilter>().is_ok();
    !directive.contains('=') && !level
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_a_level_or_has_one() {
        for fine in [
            "info",
            "WARN",
            "off",
            "sealpost_gateway=debug",
            "[span]=trace",
        ] {
            assert!(!is_bare_target(fine), "{fine}");
        }
        for wrong in ["inof", "loud", "sealpost_gateway", ""] {
            assert!(is_bare_target(wrong), "{wrong}");
        }
    }
}
