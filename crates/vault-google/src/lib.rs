//! Secrets in Google Secret Manager.
//!
//! ```no_run
//! use sealpost_vault::{Access, Deadline, NewSecret, OperationId, Vault, VaultSecretName};
//! use sealpost_vault_google::GoogleVault;
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let vault = GoogleVault::builder("my-project")
//!     .token("ya29.…".to_owned())
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
//! - **Creating the secret decides who wins.** It is atomic, and its labels carry the operation. The value follows in a second
//!   call, as the service wants it.
//! - **A retry completes what a crash left.** A secret with the operation's own label and without a version gets its version.
//!   Any other secret is a conflict, also one without a version.
//! - **What decides is read by number.** Version 1 is asked for, and not `latest`, which the service updates later.
//! - **CRC-32C goes along both ways**, so that neither side keeps a value that changed on the way.
//! - **Google's crate finds the credentials** (feature `sdk`); the calls themselves are plain HTTPS. Google's client for Secret
//!   Manager keeps a value in buffers that it does not wipe, and logs requests with the value in them if the variable
//!   `GOOGLE_CLOUD_RUST_LOGGING` is `true` in its environment.
//!
//! `docs/vaults/google.md` has policies, limits and what each failure leads to.
//!
//! # What it does not do
//!
//! It adds no second version, restores nothing, and follows no redirection: a token goes to the service alone.
//!
//! # Features
//!
//! | feature | what it adds |
//! |---|---|
//! | `sdk` | application default credentials and workload identity; `KIND`, with which a configuration names this vault |
//!
//! # Security
//!
//! Tokens and values live in buffers that are wiped, and appear in no error, log or `Debug`. What the service answers, a fetched
//! value, has passed through buffers of the HTTP library, which are not wiped; so has a token, through those of Google's crate.

#![forbid(unsafe_code)]

#[cfg(feature = "sdk")]
mod configuration;
#[cfg(feature = "sdk")]
mod credentials;
mod layout;
mod meaning;
mod place;
mod policy;
mod vault;

#[cfg(feature = "sdk")]
pub use configuration::KIND;
pub use vault::{GoogleBuilder, GoogleVault};
