//! The kinds of vault that a configuration can name.
//!
//! A kind is a module below, with a type that implements [`VaultConfiguration`], and one entry of `KINDS`.

mod embedded;
mod kind;

use crate::configuration::claims::Claims;
use crate::configuration::section::Section;
use kind::Kind;

pub use embedded::EmbeddedConfiguration;
pub use kind::VaultConfiguration;

/// Reads `[agents.vault]`, whose `kind` says how.
pub(crate) fn read(
    agent: &mut Section<'_>,
    claims: &mut Claims,
) -> Option<Box<dyn VaultConfiguration>> {
    let [first, ..] = &KINDS;
    agent.require(
        "vault",
        &format!(
            "give [agents.vault] with kind = \"{}\" and a path",
            first.name
        ),
    );
    let mut section = agent.section("vault")?;
    let names: Vec<_> = KINDS
        .iter()
        .map(|kind| format!("\"{}\"", kind.name))
        .collect();
    section.require("kind", &format!("give {}", names.join(" or ")));
    let choices: Vec<_> = KINDS.iter().map(|kind| (kind.name, kind)).collect();
    let kind = section.choice("kind", &choices);
    // The keys of an unknown kind are read as those of the first, so that what is wrong with them is found, too.
    let vault = (kind.unwrap_or(first).read)(&mut section, claims);
    section.finish();
    kind.and(vault)
}

/// Every kind of vault; an unknown one is read as the first.
const KINDS: [Kind; 1] = [embedded::KIND];
