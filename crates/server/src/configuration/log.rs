//! `[log]`: how much is logged, and in which form.

use thiserror::Error;
use tracing_subscriber::filter::{LevelFilter, ParseError, Targets};

use super::section::Section;

/// How a process logs.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct LogConfiguration {
    /// For people or for programs.
    pub format: LogFormat,
    /// A level, levels of targets (`target=level`), or both, with commas; the variable `RUST_LOG` precedes it.
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
        match directives(&level) {
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

/// Why directives can't be used.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum DirectivesError {
    /// A directive names a span or a field.
    #[error("a directive names a span or a field, with [")]
    Span,
    /// A directive is neither a level nor a target with a level.
    #[error(transparent)]
    Unreadable(#[from] ParseError),
}

/// Reads how much is logged: a level, levels of targets (`target=level`), or both, separated by commas.
///
/// Why not the library's `EnvFilter`: it reads spans and fields, too, with a regular-expression engine that takes longer to
/// compile than the rest of the log.
///
/// # Errors
///
/// [`DirectivesError`].
pub(crate) fn directives(text: &str) -> Result<Targets, DirectivesError> {
    if text.contains('[') {
        return Err(DirectivesError::Span);
    }
    // The library takes an empty directive for the level `error`.
    let given: Vec<&str> = text
        .split(',')
        .map(str::trim)
        .filter(|d| !d.is_empty())
        .collect();
    Ok(given.join(",").parse()?)
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
    use tracing::Level;

    use super::*;

    #[test]
    fn a_word_is_a_level_or_has_one() {
        for fine in ["info", "WARN", "off", "sealpost_gateway=debug"] {
            assert!(!is_bare_target(fine), "{fine}");
        }
        for wrong in ["inof", "loud", "sealpost_gateway", ""] {
            assert!(is_bare_target(wrong), "{wrong}");
        }
    }

    #[test]
    fn a_level_for_all_and_levels_of_targets() {
        let filter = directives(" warn, sealpost_gateway=debug ,hyper=off,").unwrap();
        for (target, level, is_logged) in [
            ("rustls", Level::WARN, true),
            ("rustls", Level::INFO, false),
            ("sealpost_gateway::router", Level::DEBUG, true),
            ("sealpost_gateway", Level::TRACE, false),
            ("hyper::proto", Level::ERROR, false),
        ] {
            assert_eq!(
                filter.would_enable(target, &level),
                is_logged,
                "{target} {level}"
            );
        }
        assert!(
            !directives("off")
                .unwrap()
                .would_enable("any", &Level::ERROR)
        );
        assert!(
            directives("TRACE")
                .unwrap()
                .would_enable("any", &Level::TRACE)
        );
    }

    #[test]
    fn what_can_not_be_read_is_refused() {
        for wrong in [
            "sealpost=loud",
            "a=b=info",
            "[span]=trace",
            "gateway[{name}]=info",
        ] {
            assert!(directives(wrong).is_err(), "{wrong}");
        }
    }
}
