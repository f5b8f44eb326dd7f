//! Secrets in Azure Key Vault.
//!
#![cfg_attr(feature = "sdk", doc = "```no_run")]
#![cfg_attr(not(feature = "sdk"), doc = "```ignore")]
//! use sealpost_vault::{Access, Deadline, NewSecret, OperationId, Vault, VaultSecretName};
//! use sealpost_vault_azure::AzureVault;
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let vault = AzureVault::builder("https://my-vault.vault.azure.net")
//!     .managed_identity(None)
//!     .access(Access::Resolve)
//!     .open()
//!     .await?;
//! let name = VaultSecretName::derive(vault.kind(), None, "prod-db");
//! let operation = OperationId::from_bytes([7; 32]);
//! let secret = NewSecret::new(&name, br#"{"password":"correct horse"}"#, &operation);
//! vault.create(&secret, Deadline::NONE).await?;
//! # Ok(())
//! # }
//! ```
//!
//! # Decisions
//!
//! - **Check, set, verify.** The service has no call that creates and does not overwrite. The vault looks whether the name is
//!   free, sets the value with a tag that names its operation, and reads the list of versions: the oldest one won.
//! - **The loser repairs.** It restores the winner's value, raises an alarm and says that the name is taken. Until then a reader
//!   may see its value, and after a crash in this window it stays.
//! - **Verification waits for a second.** Time stamps of versions have no more than seconds. A second later, no version can come
//!   that is as old as one's own.
//! - **Microsoft's crate gets the tokens** (feature `sdk`), over this crate's connection, and never holds the secret, token or
//!   certificate that proves an application: a mark stands in its request, and what belongs there is put in when it is sent. The
//!   calls to the vault are plain HTTPS: Microsoft's client for secrets keeps values in buffers that it does not wipe.
//!
//! `docs/vaults/azure.md` has roles, limits and what each failure leads to.
//!
//! # What it does not do
//!
//! It purges and recovers nothing, and follows no redirection: a token goes to the vault alone.
//!
//! # Features
//!
//! | feature | what it adds |
//! |---|---|
//! | `sdk` | managed and workload identity, secrets and certificates of applications; `KIND`, with which a configuration names this vault |
//!
//! # Security
//!
//! Credentials and values live in buffers that are wiped, and appear, as tokens do, in no error, log or `Debug`. Sending a value, and
//! getting a token with a secret, leaves nothing of either in freed memory; a test looks. What the service answers has passed through
//! buffers of the HTTP library, which are not wiped: a fetched value, a token, and also a value that was set, which the service
//! repeats. Microsoft's crate does not wipe the tokens that it keeps.

#![forbid(unsafe_code)]

#[cfg(feature = "sdk")]
mod configuration;
#[cfg(feature = "sdk")]
mod credentials;
mod meaning;
mod policy;
mod vault;
mod versions;

#[cfg(feature = "sdk")]
pub use configuration::KIND;
pub use vault::{AzureBuilder, AzureVault};
