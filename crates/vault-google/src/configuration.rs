//! `kind = "google"`: how a configuration names this vault.

use std::sync::Arc;

use async_trait::async_trait;
use sealpost_vault::configuration::{
    Kind, OpenError, Opening, Section, VaultConfiguration, access,
};
use sealpost_vault::{Access, Vault, VaultId};

use crate::credentials::GoogleCredentials;
use crate::vault::{GoogleBuilder, GoogleVault};

/// The vault in Google Secret Manager, for the list of kinds that a program knows.
pub const KIND: Kind = Kind {
    name: "google",
    read,
    in_folder: None,
};

fn read(section: &mut dyn Section) -> Option<Box<dyn VaultConfiguration>> {
    section.require(
        "project",
        "give the id of the project, such as \"my-project\"",
    );
    let project = section.text("project");
    let mut builder = GoogleVault::builder(project.clone().unwrap_or_default());
    for (key, set) in TEXTS {
        if let Some(text) = section.text(key) {
            builder = set(builder, text);
        }
    }
    if let Some(locations) = section.texts("replicas") {
        builder = builder.replicas(locations);
    }
    if let Some(path) = section.file("ca_file") {
        builder = builder.ca_file(path);
    }
    if let Some(bytes) = section.number("max_value", 1..=64 * 1024) {
        builder = builder.max_value(bytes);
    }
    let is_given = section.has("credentials_file");
    let file = section.private_file("credentials_file");
    let are_readable = file.is_some() || !is_given;
    let access = access(section);
    let valid = builder.validate().map_err(|wrong| {
        for (key, what) in wrong {
            // A missing project has been noted.
            if project.is_some() || key != "project" {
                section.wrong(key, &what);
            }
        }
    });
    valid.ok()?;
    let builder = builder.token_source(Arc::new(GoogleCredentials::new(file)));
    are_readable.then_some(())?;
    Some(Box::new(GoogleConfiguration(builder.access(access?))))
}

#[derive(Debug)]
struct GoogleConfiguration(GoogleBuilder);

#[async_trait]
impl VaultConfiguration for GoogleConfiguration {
    fn location(&self) -> String {
        self.0.place()
    }

    async fn open(&self, _: Opening) -> Result<Arc<dyn Vault>, OpenError> {
        Ok(Arc::new(self.0.clone().open().await?))
    }

    async fn check(&self, _: Opening) -> Result<Option<VaultId>, OpenError> {
        self.0.clone().check().await?;
        Ok(None)
    }

    fn permits_reading(&self) -> bool {
        self.0.permits() >= Access::Resolve
    }

    fn policy(&self) -> Option<String> {
        Some(self.0.policy())
    }
}

type Set = fn(GoogleBuilder, String) -> GoogleBuilder;

/// Keys that are a text, and what they set.
const TEXTS: [(&str, Set); 3] = [
    ("location", |builder, text| builder.location(text)),
    ("endpoint", |builder, text| builder.endpoint(text)),
    ("proxy", |builder, text| builder.proxy(text)),
];

#[cfg(test)]
mod tests;
