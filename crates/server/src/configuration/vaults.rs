//! The kinds of vault that a configuration can name.
//!
//! A kind is a crate with a [`Kind`], a feature, and one entry of `KINDS`.

mod vault_section;

use std::path::PathBuf;

use sealpost_vault::configuration::{Kind, VaultConfiguration};

use crate::configuration::section::Section;
use crate::error::Error;
use vault_section::VaultSection;

/// Returns the vault in this folder, with the defaults of everything else.
///
/// # Errors
///
/// [`Error::NoFolderVault`] if the program was built without a vault that needs nothing but a folder.
pub fn vault_in(folder: impl Into<PathBuf>) -> Result<Box<dyn VaultConfiguration>, Error> {
    let in_folder = KINDS.iter().find_map(|kind| kind.in_folder);
    Ok(in_folder.ok_or(Error::NoFolderVault)?(folder.into()))
}

/// Reads `[agents.vault]`, whose `kind` says how.
pub(crate) fn read(agent: &mut Section<'_>) -> Option<Box<dyn VaultConfiguration>> {
    let Some(first) = KINDS.first() else {
        agent.wrong(
            "vault",
            "this program was built without a vault; use one that has some",
        );
        return None;
    };
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
    if let Some((kind, feature)) = section
        .peek("kind")
        .and_then(|kind| LEFT_OUT.iter().find(|(name, _)| *name == kind))
    {
        section.wrong(
            "kind",
            format_args!("this program was built without \"{kind}\"; build it with --features {feature}, or with --features all-vaults"),
        );
        // Its keys are those of a kind that this program does not know.
        return None;
    }
    let choices: Vec<_> = KINDS.iter().map(|kind| (kind.name, kind)).collect();
    let kind = section.choice("kind", &choices);
    // The keys of an unknown kind are read as those of the first, so that what is wrong with them is found, too.
    let vault = (kind.unwrap_or(first).read)(&mut VaultSection::new(&mut section));
    section.finish();
    kind.and(vault)
}

/// Kinds that a feature would add, and the feature.
const LEFT_OUT: &[(&str, &str)] = &[
    #[cfg(not(feature = "vault-file"))]
    ("embedded", "vault-file"),
    #[cfg(not(feature = "vault-google"))]
    ("google", "vault-google"),
    #[cfg(not(feature = "vault-kv2"))]
    ("kv2", "vault-kv2"),
];

/// Every kind of vault that was built in; an unknown one is read as the first.
const KINDS: &[Kind] = &[
    #[cfg(feature = "vault-file")]
    sealpost_vault_file::KIND,
    #[cfg(feature = "vault-google")]
    sealpost_vault_google::KIND,
    #[cfg(feature = "vault-kv2")]
    sealpost_vault_kv2::KIND,
];
