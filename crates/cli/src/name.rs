//! `sealpost name`: under which name a vault holds a secret, and which reference resolves it.

use clap::Args;
use sealpost_context::{ProjectId, PropertyKey, SecretName};
use sealpost_vault_key::{ResolverRef, VaultKind, VaultSecretName};
use serde::Serialize;

use crate::context::refused;
use crate::error::Failure;
use crate::io;
use crate::render::json;

/// Arguments of `sealpost name`.
#[derive(Args, Debug)]
pub(crate) struct Name {
    /// The secret's name
    name: String,
    /// The kind of vault: embedded, kv2, aws, azure or google
    #[arg(long, value_name = "KIND")]
    vault: VaultKind,
    /// The project, a UUID with hyphens
    #[arg(long, value_name = "UUID")]
    project: Option<String>,
    /// The top-level property that the reference points to [default: the whole object]
    #[arg(long)]
    key: Option<String>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// The names are those of the endpoint's answer.
#[derive(Serialize)]
struct NameReport<'a> {
    #[serde(rename = "vaultSecretName")]
    vault_secret_name: &'a str,
    resolver_ref: &'a str,
}

impl Name {
    pub(crate) fn run(self) -> Result<(), Failure> {
        let name = SecretName::try_from(&*self.name).map_err(|broken| refused("NAME", &broken))?;
        let key = self.key.as_deref().map(PropertyKey::try_from).transpose();
        let key = key.map_err(|broken| refused("--key", &broken))?;
        let project = self.project.as_deref().map(str::parse).transpose();
        let project: Option<ProjectId> = project.map_err(|broken| refused("--project", &broken))?;
        let project = project.as_ref().map(ProjectId::as_bytes);

        let name = VaultSecretName::derive(self.vault, project, name.as_str());
        let reference = ResolverRef::new(name.as_str(), key.map(|key| key.as_str()));
        let reference = reference.map_err(Failure::refused)?.to_string();
        let report = if self.json {
            let report = NameReport {
                vault_secret_name: name.as_str(),
                resolver_ref: &reference,
            };
            format!("{}\n", json(&report)?)
        } else {
            format!("vaultSecretName  {name}\nresolver_ref     {reference}\n")
        };
        io::write_stdout(report.as_bytes())
    }
}
