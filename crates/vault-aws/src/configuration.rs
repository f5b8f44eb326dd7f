//! `kind = "aws"`: how a configuration names this vault.

use std::sync::Arc;

use async_trait::async_trait;
use sealpost_vault::configuration::{
    Kind, OpenError, Opening, Section, VaultConfiguration, access,
};
use sealpost_vault::{Access, Vault, VaultId};

use crate::vault::{AwsBuilder, AwsVault};

/// The vault in AWS Secrets Manager, for the list of kinds that a program knows.
pub const KIND: Kind = Kind {
    name: "aws",
    read,
    in_folder: None,
};

fn read(section: &mut dyn Section) -> Option<Box<dyn VaultConfiguration>> {
    section.require("region", "give the region, such as \"eu-central-1\"");
    let region = section.text("region");
    let mut builder = AwsVault::builder(region.clone().unwrap_or_default());
    for (key, set) in TEXTS {
        if let Some(text) = section.text(key) {
            builder = set(builder, text);
        }
    }
    if let Some(path) = section.file("ca_file") {
        builder = builder.ca_file(path);
    }
    if let Some(bytes) = section.number("max_value", 1..=65_536) {
        builder = builder.max_value(bytes);
    }
    let is_file_given = section.has("credentials_file");
    let file = section.private_file("credentials_file");
    if let Some(path) = &file {
        builder = builder.credentials_file(path);
    }
    let access = access(section);
    let valid = builder.validate().map_err(|wrong| {
        for (key, what) in wrong {
            // A missing region has been noted.
            if region.is_some() || key != "region" {
                section.wrong(key, &what);
            }
        }
    });
    valid.ok()?;
    if is_file_given && file.is_none() {
        // Never the chain instead of the file that was meant.
        return None;
    }
    Some(Box::new(AwsConfiguration(builder.access(access?))))
}

#[derive(Debug)]
struct AwsConfiguration(AwsBuilder);

#[async_trait]
impl VaultConfiguration for AwsConfiguration {
    fn location(&self) -> String {
        self.0.location()
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

type Set = fn(AwsBuilder, String) -> AwsBuilder;

/// Keys that are a text, and what they set.
const TEXTS: [(&str, Set); 7] = [
    ("account", |builder, text| builder.account(text)),
    ("prefix", |builder, text| builder.prefix(text)),
    ("kms_key", |builder, text| builder.kms_key(text)),
    ("owner", |builder, text| builder.owner(text)),
    ("endpoint", |builder, text| builder.endpoint(text)),
    ("profile", |builder, text| builder.profile(text)),
    ("proxy", |builder, text| builder.proxy(text)),
];
