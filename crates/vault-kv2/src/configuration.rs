//! `kind = "kv2"`: how a configuration names this vault.

use std::sync::Arc;

use async_trait::async_trait;
use sealpost_vault::configuration::{
    Kind, OpenError, Opening, Section, VaultConfiguration, access,
};
use sealpost_vault::{Access, Vault, VaultId};

use crate::vault::{Kv2Builder, Kv2Vault};

/// The vault in a KV engine, for the list of kinds that a program knows.
pub const KIND: Kind = Kind {
    name: "kv2",
    read,
    in_folder: None,
};

fn read(section: &mut dyn Section) -> Option<Box<dyn VaultConfiguration>> {
    section.require(
        "address",
        "give the address of the server, such as \"https://bao.example:8200\", or a list of all servers of the cluster",
    );
    let addresses = section.texts("address");
    let mut builder = Kv2Vault::builder(addresses.clone().unwrap_or_default());
    for (key, set) in TEXTS {
        if let Some(text) = section.text(key) {
            builder = set(builder, text);
        }
    }
    if let Some(path) = section.file("ca_file") {
        builder = builder.ca_file(path);
    }
    if let Some(bytes) = section.number("max_value", 1..=64 * 1024) {
        builder = builder.max_value(bytes);
    }
    let access = access(section);
    let valid = builder.validate().map_err(|wrong| {
        for (key, what) in wrong {
            // A missing address has been noted.
            if addresses.is_some() || key != "address" {
                section.wrong(key, &what);
            }
        }
    });
    let builder = with_login(section, builder)?;
    valid.ok()?;
    Some(Box::new(Kv2Configuration(builder.access(access?))))
}

/// Reads the keys of the method that `auth` names.
fn with_login(section: &mut dyn Section, builder: Kv2Builder) -> Option<Kv2Builder> {
    section.require("auth", AUTH);
    let auth = section.text("auth").unwrap_or_default();
    match auth.as_str() {
        "token" => {
            section.require(
                "token",
                "give the token, or its file with auth = \"token-file\"",
            );
            Some(builder.token(section.text("token")?))
        }
        "token-file" => {
            section.require("token_file", "give the file with the token");
            Some(builder.token_file(section.private_file("token_file")?))
        }
        "approle" => {
            section.require("role_id", "give the role id");
            let is_bound = section.has("secret_id_file");
            let secret_id = section.private_file("secret_id_file");
            let role_id = section.text("role_id");
            if is_bound && secret_id.is_none() {
                return None;
            }
            Some(builder.app_role(role_id?, secret_id))
        }
        "kubernetes" => {
            section.require("role", "give the role of the Kubernetes method");
            let role = section.text("role");
            let jwt = match section.has("jwt_file") {
                true => section.file("jwt_file")?,
                false => SERVICE_ACCOUNT.into(),
            };
            Some(builder.kubernetes(role?, jwt))
        }
        "certificate" => {
            section.require(
                "certificate_file",
                "give a PEM file with the certificate and its private key",
            );
            let role = section.text("role");
            Some(builder.certificate(section.private_file("certificate_file")?, role))
        }
        _ => {
            if !auth.is_empty() {
                section.wrong("auth", AUTH);
            }
            // Which keys belong to the method is not known.
            for key in [
                "token",
                "token_file",
                "role_id",
                "secret_id_file",
                "role",
                "jwt_file",
                "certificate_file",
            ] {
                section.text(key);
            }
            None
        }
    }
}

#[derive(Debug)]
struct Kv2Configuration(Kv2Builder);

#[async_trait]
impl VaultConfiguration for Kv2Configuration {
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

type Set = fn(Kv2Builder, String) -> Kv2Builder;

/// Keys that are a text, and what they set.
const TEXTS: [(&str, Set); 5] = [
    ("mount", |builder, text| builder.mount(text)),
    ("prefix", |builder, text| builder.prefix(text)),
    ("namespace", |builder, text| builder.namespace(text)),
    ("auth_mount", |builder, text| builder.auth_mount(text)),
    ("proxy", |builder, text| builder.proxy(text)),
];
const AUTH: &str = "give \"token\", \"token-file\", \"approle\", \"kubernetes\" or \"certificate\"";
/// Where Kubernetes puts the token of a pod.
const SERVICE_ACCOUNT: &str = "/var/run/secrets/kubernetes.io/serviceaccount/token";

#[cfg(test)]
mod tests;
