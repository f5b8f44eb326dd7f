//! `kind = "azure"`: how a configuration names this vault.

use std::sync::Arc;

use async_trait::async_trait;
use sealpost_vault::configuration::{
    Kind, OpenError, Opening, Section, VaultConfiguration, access,
};
use sealpost_vault::{Access, Vault, VaultId, VaultKind};

use crate::vault::{AzureBuilder, AzureVault};

/// The vault in Azure Key Vault, for the list of kinds that a program knows.
pub const KIND: Kind = Kind {
    name: "azure",
    read,
    in_folder: None,
};

fn read(section: &mut dyn Section) -> Option<Box<dyn VaultConfiguration>> {
    section.require(
        "address",
        "give the vault's address, such as \"https://my-vault.vault.azure.net\"",
    );
    let address = section.text("address");
    let mut builder = AzureVault::builder(address.clone().unwrap_or_default());
    for (key, set) in TEXTS {
        if let Some(text) = section.text(key) {
            builder = set(builder, text);
        }
    }
    if let Some(path) = section.file("ca_file") {
        builder = builder.ca_file(path);
    }
    if let Some(bytes) = section.number("max_value", 1..=VaultKind::AZURE.limits().max_value) {
        builder = builder.max_value(bytes);
    }
    let access = access(section);
    let with_method = with_method(section, builder.clone());
    let valid = with_method
        .clone()
        .unwrap_or(builder)
        .validate()
        .map_err(|wrong| {
            for (key, what) in wrong {
                // A missing address has been noted.
                if address.is_some() || key != "address" {
                    section.wrong(key, &what);
                }
            }
        });
    valid.ok()?;
    address?;
    Some(Box::new(AzureConfiguration(with_method?.access(access?))))
}

/// Reads the keys of the method that `auth` names.
fn with_method(section: &mut dyn Section, builder: AzureBuilder) -> Option<AzureBuilder> {
    section.require("auth", AUTH);
    let auth = section.text("auth").unwrap_or_default();
    if auth == "managed-identity" {
        return Some(builder.managed_identity(section.text("client_id")));
    }
    let Some((_, file_key, set)) = METHODS.into_iter().find(|(name, _, _)| *name == auth) else {
        if !auth.is_empty() {
            section.wrong("auth", AUTH);
        }
        // Which keys belong to the method is not known.
        for key in ["tenant_id", "client_id"] {
            section.text(key);
        }
        for (_, key, _) in METHODS {
            section.text(key);
        }
        return None;
    };
    section.require("tenant_id", "give the tenant (directory) id");
    section.require("client_id", "give the application (client) id");
    section.require(file_key, "give the file");
    let (tenant, client) = (section.text("tenant_id"), section.text("client_id"));
    // Kubernetes makes its files readable for all of the pod.
    let file = match auth.as_str() {
        "workload-identity" => section.file(file_key),
        _ => section.private_file(file_key),
    };
    Some(set(builder, tenant?, client?, file?))
}

#[derive(Debug)]
struct AzureConfiguration(AzureBuilder);

#[async_trait]
impl VaultConfiguration for AzureConfiguration {
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

type Set = fn(AzureBuilder, String) -> AzureBuilder;
type SetMethod = fn(AzureBuilder, String, String, std::path::PathBuf) -> AzureBuilder;

/// Keys that are a text, and what they set.
const TEXTS: [(&str, Set); 3] = [
    ("authority", |builder, text| builder.authority(text)),
    ("resource", |builder, text| builder.resource(text)),
    ("proxy", |builder, text| builder.proxy(text)),
];
/// Methods of an application, the key of their file, and what they set.
const METHODS: [(&str, &str, SetMethod); 3] = [
    (
        "workload-identity",
        "token_file",
        |builder, tenant, client, file| builder.workload_identity(tenant, client, file),
    ),
    (
        "client-secret",
        "secret_file",
        |builder, tenant, client, file| builder.client_secret(tenant, client, file),
    ),
    (
        "client-certificate",
        "certificate_file",
        |builder, tenant, client, file| builder.client_certificate(tenant, client, file),
    ),
];
const AUTH: &str =
    "give \"managed-identity\", \"workload-identity\", \"client-secret\" or \"client-certificate\"";

#[cfg(test)]
mod tests;
