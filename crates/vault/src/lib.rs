//! Where secrets are kept: what every vault must do, and the vault that needs no server.
//!
//! [`Vault`] is the interface through which an agent stores, fetches and deletes secrets.
//! [`EmbeddedVault`] keeps them encrypted in one file.
//!
//! ```
//! use sealpost_vault::{EmbeddedVault, OperationId, Vault, VaultKind, VaultSecretName};
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! # let dir = tempfile::tempdir()?;
//! # let dir = dir.path();
//! let vault = EmbeddedVault::open(dir)?;
//! let name = VaultSecretName::derive(VaultKind::EMBEDDED, None, "prod/db");
//! let operation = OperationId::from_bytes([7; 32]);
//!
//! vault.create(&name, br#"{"password":"correct horse"}"#, &operation).await?;
//! let value = vault.fetch(&name).await?;
//! assert_eq!(&value[..], br#"{"password":"correct horse"}"#);
//! # Ok(())
//! # }
//! # tokio::runtime::Runtime::new().unwrap().block_on(example()).unwrap();
//! ```
//!
//! # Decisions
//!
//! - **A secret is created once.** Nothing overwrites; of two creators of one name one wins.
//! - **A retry is recognised.** An operation carries an identifier, so that somebody who missed the
//!   answer may ask again and is not told that the name is taken by a stranger.
//! - **Acknowledged is durable.** When `create` or `delete` has answered, a crash changes nothing.
//! - **Values are wiped.** They are borrowed on the way in and live in zeroizing buffers on the way
//!   out.
//!
//! # What it does not do
//!
//! It decides nothing about who may do what, keeps no versions of a secret, and lists no names.
//!
//! # Features
//!
//! | feature | what it adds |
//! |---|---|
//! | `testing` | `testing`, the suite that every implementation of [`Vault`] must pass |
//!
//! The embedded vault is there on Unix, since it relies on permissions of files.

#![forbid(unsafe_code)]

#[cfg(unix)]
pub mod embedded;
mod error;
mod operation;
#[cfg(feature = "testing")]
pub mod testing;
mod value;
mod vault;

#[cfg(unix)]
pub use embedded::{EmbeddedVault, EmbeddedVaultBuilder, OpenVaultError};
pub use error::{CreateError, DeleteError, FetchError, VaultFailure};
pub use operation::OperationId;
pub use sealpost_vault_key::{Limits, VaultKind, VaultSecretName};
pub use value::SecretValue;
pub use vault::Vault;
