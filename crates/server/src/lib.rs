//! Gateway and agents in one process, assembled from a configuration.
//!
//! - To check a configuration, with everything that is wrong with it: [`Configuration::check`], [`Configuration::read`].
//! - To start what it describes: [`Assembly`], which gives a [`Server`].
//! - To start without a file: build a [`Configuration`] from [`GatewayConfiguration::danger_plain_http`] and
//!   [`AgentConfiguration::new`], with a vault from [`vault_in`].
//! - To resolve references in another process on the same machine: [`resolve`].
//!
//! ```
//! use sealpost_server::{Assembly, Configuration};
//! # use std::{fs, os::unix::fs::PermissionsExt as _, path::Path};
//! # use sealpost_envelope::{Certificate, UnixTime};
//! # #[tokio::main]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let folder = tempfile::tempdir()?;
//! # let keys = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata/keys");
//! # fs::copy(keys.join("agent-a2048.pem"), folder.path().join("agent.pem"))?;
//! # let identity = folder.path().join("identity.pem");
//! # fs::copy(keys.join("agent-a2048.key.pem"), &identity)?;
//! # fs::set_permissions(&identity, fs::Permissions::from_mode(0o600))?;
//! # let jwks = r#"{"keys":[{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}"#;
//! # fs::write(folder.path().join("jwks.json"), jwks)?;
//! # let certificate = Certificate::from_pem(&fs::read(folder.path().join("agent.pem"))?)?;
//! # let pin = certificate.fingerprint();
//! // In a folder with an agent's identity.pem and agent.pem (`sealpost keygen`), and an issuer's jwks.json:
//! let toml = format!(
//!     r#"
//!     listen = "127.0.0.1:0"
//!     auth = {{ issuer = "https://issuer.example", audience = "sealpost", jwks_file = "jwks.json" }}
//!
//!     [[agents]]
//!     id = "a2048"
//!     identity = "identity.pem"
//!     certificate = "agent.pem"
//!     pin = "{pin}"
//!     vault = {{ kind = "embedded", path = "vault" }}
//!     "#
//! );
//! let path = folder.path().join("gateway.toml");
//! let environment = std::iter::empty();
//! let checked = Configuration::check(&path, toml.as_bytes(), environment, UnixTime::now())?;
//! let Some(configuration) = checked.configuration else {
//!     panic!("{:#?}", checked.findings);
//! };
//!
//! let server = Assembly::new(configuration).start().await?;
//! assert!(server.url().starts_with("http://127.0.0.1:"));
//! assert!(server.resolver(&"a2048".parse()?).is_some());
//! server.stop().await?;
//! # Ok(())
//! # }
//! ```
//!
//! It parses no arguments, prints nothing, listens for no signals, and starts no log: a program does, with [`logging::start`].
//!
//! # Security
//!
//! Findings and errors never repeat what a file or a setting holds: a secret may have been put in the wrong place. Keys
//! that no file gives are created at the start, not when a configuration is read, and never leave the process.

#![cfg(unix)]

mod assembly;
mod configuration;
mod descriptors;
mod error;
pub mod logging;
mod rehearsal;
pub mod resolve;

pub use assembly::{Assembly, Failure, Server};
pub use configuration::agents::{AgentConfiguration, LedgerConfiguration, LocalAgent};
pub use configuration::audit::AuditTrail;
pub use configuration::gateway::{GatewayConfiguration, TokenKeysSource, Tokens};
pub use configuration::vaults::vault_in;
pub use configuration::{
    Checked, Configuration, Finding, LogConfiguration, LogFormat, Streams, Weight,
};
pub use descriptors::TooFewDescriptors;
pub use error::Error;
pub use sealpost_vault::configuration::{Opening, VaultConfiguration};
pub use sealpost_vault::conformance as vault_conformance;
pub use sealpost_vault::error::DeleteError;
pub use sealpost_vault::guarantees::DeletedNames as VaultDeletedNames;
pub use sealpost_vault::maintenance::{Maintenance as VaultMaintenance, Report as VaultReport};
pub use sealpost_vault::{Deadline as VaultDeadline, Vault};
