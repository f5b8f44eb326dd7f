//! `[auth]`: which tokens are accepted.

use std::fmt::Display;
use std::path::Path;
use std::time::Duration;

use sealpost_files::quoted;
use sealpost_gateway::{
    TokenPolicy,
    auth::{JwksError, JwksRefresh, JwksSource, KeySet, TokenAlgorithm},
};

use crate::configuration::findings::Weight;
use crate::configuration::named_files;
use crate::configuration::section::Section;

/// Which bearer tokens a gateway accepts.
#[derive(Debug)]
pub struct Tokens {
    /// What they must say.
    pub policy: TokenPolicy,
    /// The issuer's keys.
    pub keys: TokenKeysSource,
}

/// Where the keys of a token issuer come from.
#[derive(Debug)]
pub enum TokenKeysSource {
    /// From here, for as long as the process runs.
    Fixed(KeySet),
    /// From the issuer or from a file, and refreshed.
    Refreshed {
        /// Where from.
        source: JwksSource,
        /// How often.
        refresh: JwksRefresh,
    },
}

pub(super) fn read(root: &mut Section<'_>) -> Option<Tokens> {
    root.require(
        "auth",
        "give [auth] with issuer, audience, and jwks_url or jwks_file",
    );
    let mut section = root.section("auth")?;
    section.require("issuer", "give the iss that tokens have, exactly");
    let issuer = claim(&mut section, "issuer");
    section.require(
        "audience",
        "give the aud that tokens for this gateway have, exactly",
    );
    let audience = claim(&mut section, "audience");
    let leeway = section.duration("leeway", Duration::ZERO..=LONGEST);
    let algorithms = algorithms(&mut section);
    let source = source(&mut section);
    let refresh = refresh(&mut section);
    section.finish();

    let mut policy = TokenPolicy::new(issuer?, audience?);
    if let Some(leeway) = leeway {
        policy.leeway = leeway;
    }
    if let Some(algorithms) = algorithms {
        policy.algorithms = algorithms;
    }
    Some(Tokens {
        policy,
        keys: TokenKeysSource::Refreshed {
            source: source?,
            refresh,
        },
    })
}

/// A text that tokens must have exactly. One that no token has, because something invisible was copied with it, would
/// refuse every token.
fn claim(section: &mut Section<'_>, key: &'static str) -> Option<String> {
    let text = section.text(key)?;
    if text.trim() != text {
        section.wrong(
            key,
            "begins or ends with a blank or a line break; remove it",
        );
    } else if text.contains(is_invisible) {
        section.wrong(
            key,
            "has a control character, a line break or an invisible character; remove it",
        );
    }
    Some(text)
}

/// Returns whether a character is not seen, or not as one of its own, and so may have been copied unnoticed: control characters, Unicode's
/// general category Cf and property `Default_Ignorable_Code_Point`, noncharacters, separators other than the space, and the blanks
/// that are none of these.
fn is_invisible(c: char) -> bool {
    c.is_control()
        || c != ' ' && c.is_whitespace()
        // The last two of each plane.
        || u32::from(c) & 0xfffe == 0xfffe
        || matches!(
            c,
            '\u{ad}'
                | '\u{34f}'
                | '\u{600}'..='\u{605}'
                | '\u{61c}'
                | '\u{6dd}'
                | '\u{70f}'
                | '\u{890}'
                | '\u{891}'
                | '\u{8e2}'
                | '\u{115f}'
                | '\u{1160}'
                | '\u{17b4}'
                | '\u{17b5}'
                | '\u{180b}'..='\u{180f}'
                | '\u{200b}'..='\u{200f}'
                | '\u{202a}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{2800}'
                | '\u{3164}'
                | '\u{fdd0}'..='\u{fdef}'
                | '\u{fe00}'..='\u{fe0f}'
                | '\u{feff}'
                | '\u{ffa0}'
                | '\u{fff0}'..='\u{fffb}'
                | '\u{110bd}'
                | '\u{110cd}'
                | '\u{13430}'..='\u{13455}'
                | '\u{16fe4}'
                | '\u{1bca0}'..='\u{1bca3}'
                | '\u{1d159}'
                | '\u{1d173}'..='\u{1d17a}'
                | '\u{e0000}'..='\u{e0fff}'
        )
}

fn refresh(section: &mut Section<'_>) -> JwksRefresh {
    let mut refresh = JwksRefresh::default();
    if let Some(max_age) = section.duration("jwks_max_age", SHORTEST..=DAY) {
        refresh.max_age = max_age;
    }
    if let Some(max_stale) = section.duration("jwks_max_stale", SHORTEST..=MONTH) {
        refresh.max_stale = max_stale;
    }
    if let Some(min_interval) = section.duration("jwks_min_interval", SHORTEST..=LONGEST) {
        refresh.min_interval = min_interval;
    }
    if refresh.max_stale <= refresh.max_age {
        section.wrong(
            "jwks_max_stale",
            format_args!(
                "{} is not longer than jwks_max_age, {}: keys would be refused before they are fetched again",
                humantime::format_duration(refresh.max_stale),
                humantime::format_duration(refresh.max_age),
            ),
        );
    }
    refresh
}

fn algorithms(section: &mut Section<'_>) -> Option<Vec<TokenAlgorithm>> {
    let names = section.texts("algorithms")?;
    if names.is_empty() {
        section.wrong(
            "algorithms",
            "is empty: every token would be refused; name some, or leave it out",
        );
    }
    let algorithms: Result<_, _> = names.iter().map(|name| name.parse()).collect();
    algorithms.map_err(|e| section.wrong("algorithms", e)).ok()
}

fn source(section: &mut Section<'_>) -> Option<JwksSource> {
    let (url, file) = (section.text("jwks_url"), section.path("jwks_file"));
    let ca = section.path("jwks_ca");
    let timeout = section.duration("jwks_timeout", SHORTEST..=LONGEST);
    match (url, file) {
        (Some(url), None) => {
            let ca = match ca {
                Some(path) => {
                    let pem = named_files::read(section.findings(), &section.at("jwks_ca"), &path)?;
                    Some(pem)
                }
                None => None,
            };
            let ca = ca.as_ref().map(|pem| pem.as_slice());
            JwksSource::url(&url, timeout.unwrap_or(TIMEOUT), ca)
                .map_err(|e| section.wrong("jwks_url", e))
                .ok()
        }
        (None, Some(path)) => {
            let place = section.at("jwks_file");
            let risk = "and who does can have any token accepted";
            named_files::warn_if_writable(section.findings(), &place, &path, risk);
            // As the fetch at the start does, and each one after it.
            match JwksSource::read_file(&path) {
                Ok(keys) => report(section, &path, &keys),
                Err(error) => {
                    match error {
                        JwksError::File(error) => section.wrong("jwks_file", error.in_one_line()),
                        error => {
                            section.wrong("jwks_file", format_args!("{}: {error}", quoted(&path)));
                        }
                    }
                    return None;
                }
            }
            Some(JwksSource::file(path))
        }
        (Some(_), Some(_)) => {
            section.wrong("jwks_file", "is given beside jwks_url; give one of them");
            None
        }
        (None, None) => {
            section.require(
                "jwks_url",
                "give the issuer's jwks_uri, or its key set as jwks_file",
            );
            None
        }
    }
}

/// Tells what can't be used of a key set. An empty one may be meant: the issuer has withdrawn its keys.
fn report(section: &Section<'_>, path: &Path, keys: &KeySet) {
    let add = |weight, what: &dyn Display| {
        let what = format_args!("{}: {what}", quoted(path));
        section
            .findings()
            .add(weight, section.at("jwks_file"), what);
    };
    for left_out in keys.left_out() {
        // Without its kid: findings repeat nothing of a file.
        let (index, reason) = (left_out.index(), left_out.reason());
        if !reason.is_usual() {
            let what = format!("keys[{index}] is left out: {reason}");
            add(Weight::Notice, &what);
        }
    }
    if keys.is_empty() {
        let what =
            "no key for RS256, PS256, ES256 or EdDSA; every token is refused until there is one";
        add(Weight::Degraded, &what);
    }
}

/// For a fetch of the key set.
const TIMEOUT: Duration = Duration::from_secs(5);
const SHORTEST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_secs(10 * 60);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);
const MONTH: Duration = Duration::from_secs(30 * 24 * 60 * 60);

#[cfg(test)]
mod tests;
