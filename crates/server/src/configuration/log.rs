//! `[log]`: how much is logged, and in which form.

use thiserror::Error;
use tracing_subscriber::filter::{LevelFilter, Targets};

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
        match filter_of(&level) {
            Some(_) => log.level = level,
            None => section.wrong("level", format_args!("cannot be used; {LEVELS}")),
        }
    }
    section.finish();
    log
}

/// Returns the filter that these directives describe; `None` if they can't be used.
///
/// Why not the library's `EnvFilter`: it reads spans and fields, too, with a regular-expression engine that takes longer to
/// compile than the rest of the log.
pub(crate) fn filter_of(directives: &str) -> Option<Targets> {
    let parts = directives.split(',').map(str::trim);
    // The library takes an empty part for the level `error`.
    let parts: Vec<&str> = parts.filter(|part| !part.is_empty()).collect();
    let names_spans = directives.contains('[');
    if parts.is_empty() || names_spans || parts.iter().any(|part| is_bare_target(part)) {
        return None;
    }
    parts.join(",").parse().ok()
}

/// The variable `RUST_LOG` can't be used.
#[derive(Clone, Copy, Debug, Error)]
#[error("RUST_LOG cannot be used; {LEVELS}")]
pub(crate) struct NotALevel;

/// Returns what the variable `RUST_LOG` asks for, if it is set.
pub(crate) fn directives() -> Result<Option<String>, NotALevel> {
    let Some(given) = std::env::var_os("RUST_LOG") else {
        return Ok(None);
    };
    let given = given.into_string().map_err(|_| NotALevel)?;
    if given.trim().is_empty() {
        return Ok(None);
    }
    filter_of(&given).ok_or(NotALevel)?;
    Ok(Some(given))
}

/// The library mistakes a misspelt level for the name of a target and then logs nothing else.
fn is_bare_target(directive: &str) -> bool {
    let is_level = directive.is_empty() || directive.parse::<LevelFilter>().is_ok();
    !directive.contains('=') && !is_level
}

/// What directives look like.
pub(crate) const LEVELS: &str = "give error, warn, info, debug or trace, or target=level,…";

#[cfg(test)]
mod tests {
    use tracing::Level;

    use super::*;

    #[test]
    fn a_word_is_a_level_or_has_one() {
        for fine in [
            "info",
            "WARN",
            "off",
            "sealpost_gateway=debug",
            "info,sealpost_gateway=debug,",
            " info , sealpost_gateway=debug",
        ] {
            assert!(filter_of(fine).is_some(), "{fine}");
        }
        for wrong in [
            "inof",
            "loud",
            "sealpost_gateway",
            "",
            " , ",
            "info,inof",
            "sealpost=loud",
            "a=b=info",
            "[span]=trace",
            "info,gateway[{name}]=debug",
        ] {
            assert!(filter_of(wrong).is_none(), "{wrong}");
        }
    }

    #[test]
    fn a_level_for_all_and_levels_of_targets() {
        let filter = filter_of(" warn, sealpost_gateway=debug ,hyper=off,").unwrap();
        for (target, level, is_logged) in [
            ("rustls", Level::WARN, true),
            ("rustls", Level::INFO, false),
            ("sealpost_gateway::router", Level::DEBUG, true),
            ("sealpost_gateway", Level::TRACE, false),
            ("hyper::proto", Level::ERROR, false),
        ] {
            let would = filter.would_enable(target, &level);
            assert_eq!(would, is_logged, "{target} {level}");
        }
        let off = filter_of("off").unwrap();
        assert!(!off.would_enable("any", &Level::ERROR));
        let trace = filter_of("TRACE").unwrap();
        assert!(trace.would_enable("any", &Level::TRACE));
    }
}
