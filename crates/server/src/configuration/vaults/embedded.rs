//! `kind = "embedded"`: a folder on this machine.

use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use sealpost_vault::{Vault, file::FileVault};
use tokio::task::spawn_blocking;

use super::kind::{Kind, VaultConfiguration};
use crate::configuration::claims::Claims;
use crate::configuration::named_files;
use crate::configuration::section::Section;
use crate::error::Error;

/// A vault in a folder.
#[derive(Clone, Debug)]
pub struct EmbeddedConfiguration {
    /// The folder; created at the first start.
    pub path: PathBuf,
    /// The longest value, in bytes. Without it, the vault's default.
    pub max_value: Option<usize>,
    /// Memory for pages of the file, in bytes. Without it, the vault's default.
    pub cache: Option<usize>,
}

impl EmbeddedConfiguration {
    /// A vault in this folder with the defaults of everything else.
    #[must_use]
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            max_value: None,
            cache: None,
        }
    }
}

#[async_trait]
impl VaultConfiguration for EmbeddedConfiguration {
    fn location(&self) -> String {
        self.path.display().to_string()
    }

    async fn open(&self) -> Result<Arc<dyn Vault>, Error> {
        let mut builder = FileVault::builder();
        if let Some(bytes) = self.max_value {
            builder = builder.max_value(bytes);
        }
        if let Some(bytes) = self.cache {
            builder = builder.cache(bytes);
        }
        let path = self.path.clone();
        let vault = spawn_blocking(move || builder.open(&path))
            .await
            .map_err(|e| Error::Vault(e.into()))?
            .map_err(|e| Error::Vault(e.into()))?;
        Ok(Arc::new(vault))
    }
}

pub(super) const KIND: Kind = Kind {
    name: "embedded",
    read,
};

fn read(section: &mut Section<'_>, claims: &mut Claims) -> Option<Box<dyn VaultConfiguration>> {
    section.require(
        "path",
        "give the folder of the vault; it is created at the first start",
    );
    let path = section.path("path");
    if let Some(path) = &path {
        named_files::check_writable_folder(section.findings(), &section.at("path"), path);
        if path.exists() && !path.is_dir() {
            section.wrong("path", "is not a folder; name the folder of the vault");
        }
        claims.claim_path(section, "path", path);
    }
    let max_value = section.number("max_value", 1..=MAX_VALUE);
    let cache = section.number("cache", MIN_CACHE..=MAX_CACHE);
    Some(Box::new(EmbeddedConfiguration {
        path: path?,
        max_value,
        cache,
    }))
}

/// The longest value that the endpoint accepts.
const MAX_VALUE: usize = 64 * 1024;
const MIN_CACHE: usize = 1 << 20;
const MAX_CACHE: usize = 1 << 40;
