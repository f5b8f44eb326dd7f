//! `[log]`: how much is logged, and in which form.

use thiserror::Error;
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
        match filter_of(&level) {
            Some(_) => log.level = level,
            None => section.wrong("level", format_args!("cannot be used; {LEVELS}")),
        }
    }
    section.finish();
    log
}

/// Returns the filter that these directives describe; `None` if they can't be used.
pub(crate) fn filter_of(directives: &str) -> Option<EnvFilter> {
    let mut parts = directives.split(',').map(str::trim);
    let is_empty = parts.clone().all(str::is_empty);
    if is_empty || parts.any(is_bare_target) {
        return None;
    }
    EnvFilter::try_new(directives).ok()
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
    use super::*;

    #[test]
    fn a_word_is_a_level_or_has_one() {
        for fine in [
            "info",
            "WARN",
            "off",
            "sealpost_gateway=debug",
            "[span]=trace",
            "info,sealpost_gateway=debug,",
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
        ] {
            assert!(filter_of(wrong).is_none(), "{wrong}");
        }
    }
}
