//! `kind = "embedded"`: how a configuration names this vault.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use sealpost_vault::configuration::{Kind, OpenError, Opening, Section, VaultConfiguration};
use sealpost_vault::maintenance::{Maintenance, Report};
use sealpost_vault::{Vault, VaultId};
use tokio::task::spawn_blocking;

use crate::error::OpenVaultError;
use crate::files::Files;
use crate::maintenance;
use crate::vault::FileVault;

/// The vault in a folder, for the list of kinds that a program knows.
pub const KIND: Kind = Kind {
    name: "embedded",
    read,
    in_folder: Some(in_folder),
};

fn read(section: &mut dyn Section) -> Option<Box<dyn VaultConfiguration>> {
    section.require(
        "path",
        "give the folder of the vault; it is created at the first start",
    );
    let path = section.own_folder("path", Files::NAMES);
    let max_value = section.number("max_value", 1..=MAX_VALUE);
    let cache = section.number("cache", MIN_CACHE..=MAX_CACHE);
    Some(Box::new(FileVaultConfiguration {
        path: path?,
        max_value,
        cache,
    }))
}

fn in_folder(path: PathBuf) -> Box<dyn VaultConfiguration> {
    Box::new(FileVaultConfiguration {
        path,
        max_value: None,
        cache: None,
    })
}

#[derive(Debug)]
struct FileVaultConfiguration {
    /// Created at the first start.
    path: PathBuf,
    /// The longest value, in bytes. Without it, the vault's default.
    max_value: Option<usize>,
    /// Memory for pages of the file, in bytes. Without it, the vault's default.
    cache: Option<usize>,
}

#[async_trait]
impl VaultConfiguration for FileVaultConfiguration {
    fn location(&self) -> String {
        self.path.display().to_string()
    }

    async fn open(&self, opening: Opening) -> Result<Arc<dyn Vault>, OpenError> {
        let mut builder = FileVault::builder().opening(opening);
        if let Some(bytes) = self.max_value {
            builder = builder.max_value(bytes);
        }
        if let Some(bytes) = self.cache {
            builder = builder.cache(bytes);
        }
        let path = self.path.clone();
        let vault = spawn_blocking(move || builder.open(&path)).await??;
        Ok(Arc::new(vault))
    }

    fn is_there(&self) -> bool {
        Files::new(&self.path).have_a_trace()
    }

    async fn check(&self, opening: Opening) -> Result<Option<VaultId>, OpenError> {
        let path = self.path.clone();
        Ok(spawn_blocking(move || FileVault::check(&path, opening)).await??)
    }

    fn starts_despite(&self, error: &OpenError) -> bool {
        let error = error.downcast_ref();
        matches!(error, Some(OpenVaultError::DamagedInPart { .. }))
    }

    fn maintenance(&self) -> Option<&dyn Maintenance> {
        Some(self)
    }
}

#[async_trait]
impl Maintenance for FileVaultConfiguration {
    async fn check(&self) -> Result<Report, OpenError> {
        let path = self.path.clone();
        Ok(spawn_blocking(move || maintenance::check(&path)).await??)
    }

    async fn salvage(&self, to: &Path, with_strays: bool) -> Result<Report, OpenError> {
        let (path, to) = (self.path.clone(), to.to_owned());
        let salvage = move || maintenance::salvage(&path, &to, with_strays);
        Ok(spawn_blocking(salvage).await??)
    }

    async fn begin_again(&self, keep_key: bool) -> Result<Vec<(PathBuf, PathBuf)>, OpenError> {
        let path = self.path.clone();
        Ok(spawn_blocking(move || maintenance::begin_again(&path, keep_key)).await??)
    }
}

/// The longest value that the endpoint accepts.
const MAX_VALUE: usize = 64 * 1024;
const MIN_CACHE: usize = 1 << 20;
const MAX_CACHE: usize = 1 << 40;
