//! `[auth]`: whose tokens are taken.

use std::time::Duration;

use sealpost_gateway::{JwtAuthenticator, KeySet, TokenPolicy};

use super::files;
use super::section::Section;
use crate::render::quoted;

pub(crate) fn read(root: &mut Section<'_>) -> Option<JwtAuthenticator> {
    root.require("auth", "give [auth] with issuer, audience and jwks_file");
    let mut section = root.section("auth")?;
    section.require("issuer", "give the iss that tokens have, exactly");
    let issuer = section.text("issuer");
    section.require("audience", "give the aud that tokens for this gateway have, exactly");
    let audience = section.text("audience");
    let leeway = section.duration("leeway", Duration::ZERO..=MAX_LEEWAY);
    let keys = keys(&mut section);
    section.finish();

    let mut policy = TokenPolicy::new(issuer?, audience?);
    if let Some(leeway) = leeway {
        policy.leeway = leeway.as_secs();
    }
    Some(JwtAuthenticator::new(policy, keys?))
}

fn keys(section: &mut Section<'_>) -> Option<KeySet> {
    section.require("jwks_file", "give the issuer's key set");
    let path = section.path("jwks_file")?;
    let bytes = files::read(section.findings(), &section.at("jwks_file"), &path)?;
    KeySet::from_jwks(&bytes)
        .map_err(|e| section.wrong("jwks_file", format_args!("{}: {e}", quoted(&path))))
        .ok()
}

const MAX_LEEWAY: Duration = Duration::from_secs(10 * 60);
