//! Secrets in version 2 of the KV engine of OpenBao and HashiCorp Vault.
//!
//! ```no_run
//! use sealpost_vault::{Deadline, NewSecret, OperationId, Vault, VaultSecretName};
//! use sealpost_vault_kv2::{Access, Kv2Vault};
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let vault = Kv2Vault::builder(["https://bao.example:8200"])
//!     .mount("secret")
//!     .prefix("sealpost")
//!     .app_role("role-id", Some("/etc/sealpost/secret-id".into()))
//!     .access(Access::Resolve)
//!     .open()
//!     .await?;
//! let name = VaultSecretName::derive(vault.kind(), None, "prod/db");
//! let operation = OperationId::from_bytes([7; 32]);
//! let secret = NewSecret::new(&name, br#"{"password":"correct horse"}"#, &operation);
//! vault.create(&secret, Deadline::NONE).await?;
//! # Ok(())
//! # }
//! ```
//!
//! # Decisions
//!
//! - **Check-and-set creates.** Each write carries `cas=0`, so the engine itself lets one of two creators win, and nothing is
//!   overwritten. The smallest policy has no `update` at all.
//! - **A mark of the operation and the value is stored with the value**, in the same write, as the name of a member: `subkeys` shows
//!   names without values. Custom metadata would be a second call and need more than `create`.
//! - **The exact text is a string.** The engine rewrites JSON. The fields beside it are for people.
//! - **What decides something is read from the active node.** Standbys answer reads from the past.
//! - **A write without an answer is made again** until the deadline: also after a redirection of a standby whose active node is
//!   gone, which may have stored it.
//! - **A token that is gone is told from a policy that refuses**, by looking the token up.
//!
//! `docs/vaults/kv2.md` has the layout, policies and limits.
//!
//! # What it does not do
//!
//! It keeps no second version, restores nothing that was deleted, and follows no redirection: a token goes to the servers of the
//! configuration alone.
//!
//! # Security
//!
//! Tokens, credentials and values live in buffers that are wiped, and appear in no error, log or `Debug`. Creating leaves nothing
//! of a value in freed memory; a test looks. What a server answers, a fetched value or a new token, has passed through buffers of
//! the HTTP library, which are not wiped.

#![forbid(unsafe_code)]

mod configuration;
mod http;
mod index;
mod layout;
mod login;
mod meaning;
mod path;
mod policy;
mod session;
mod tls;
mod token;
mod vault;

pub use configuration::KIND;
pub use sealpost_vault::Access;
pub use vault::{Kv2Builder, Kv2Vault};
