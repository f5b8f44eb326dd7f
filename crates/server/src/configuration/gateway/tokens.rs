//! `[auth]`: which tokens are accepted.

use std::time::Duration;

use sealpost_files::quoted;
use sealpost_gateway::{
    TokenPolicy,
    auth::{JwksRefresh, JwksSource, KeySet, TokenAlgorithm},
};

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
    let issuer = section.text("issuer");
    section.require(
        "audience",
        "give the aud that tokens for this gateway have, exactly",
    );
    let audience = section.text("audience");
    let leeway = section.duration("leeway", Duration::ZERO..=LONGEST);
    let algorithms = algorithms(&mut section);
    let source = source(&mut section);
    let mut refresh = JwksRefresh::default();
    if let Some(max_age) = section.duration("jwks_max_age", SHORTEST..=DAY) {
        refresh.max_age = max_age;
    }
    if let Some(min_interval) = section.duration("jwks_min_interval", SHORTEST..=LONGEST) {
        refresh.min_interval = min_interval;
    }
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
            let json = named_files::read(section.findings(), &section.at("jwks_file"), &path)?;
            KeySet::from_jwks(&json)
                .map_err(|e| section.wrong("jwks_file", format_args!("{}: {e}", quoted(&path))))
                .ok()?;
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

/// For a fetch of the key set.
const TIMEOUT: Duration = Duration::from_secs(5);
const SHORTEST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_secs(10 * 60);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);
