//! `[log]`: how much is logged, and in which form.

use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;

use super::section::Section;

/// How a process logs.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct LogConfiguration {
    /// For people or for programs.
    pub format: LogFormat,
    /// A level, or directives of `tracing_subscriber`; the variable `RUST_LOG` precedes it.
    pub level: String,
}

/// Who reads the log.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum LogFormat {
    /// People.
    #[default]
    Human,
    /// Programs: one JSON object a line.
    Json,
}

impl Default for LogConfiguration {
    fn default() -> Self {
        Self {
            format: LogFormat::Human,
            level: "info".to_owned(),
        }
    }
}

pub(super) fn read(root: &mut Section<'_>) -> LogConfiguration {
    let mut log = LogConfiguration::default();
    let Some(mut section) = root.section("log") else {
        return log;
    };
    let formats = [("human", LogFormat::Human), ("json", LogFormat::Json)];
    if let Some(format) = section.choice("format", &formats) {
        log.format = format;
    }
    if let Some(level) = section.text("level") {
        match EnvFilter::try_new(&level) {
            Ok(_) if !level.split(',').any(is_bare_target) => log.level = level,
            _ => section.wrong(
                "level",
                "cannot be used; give error, warn, info, debug or trace, or target=level,…",
            ),
        }
    }
    section.finish();
    log
}

/// The library mistakes a misspelt level for the name of a target and then logs nothing else; it mistakes an empty level
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
