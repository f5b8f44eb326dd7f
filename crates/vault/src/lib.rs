//! Where secrets are kept: what every vault must do.
//!
//! [`Vault`] is the interface through which an agent stores and fetches secrets. Each vault is a crate of its own; `sealpost-vault-file`
//! keeps them encrypted in one file and needs no server.
//!
//! ```
//! use sealpost_vault::{Deadline, NewSecret, OperationId, Vault, VaultSecretName};
//!
//! # async fn example(vault: &dyn Vault) -> Result<(), Box<dyn std::error::Error>> {
//! let name = VaultSecretName::derive(vault.kind(), None, "prod/db");
//! let operation = OperationId::from_bytes([7; 32]);
//!
//! let secret = NewSecret::new(&name, br#"{"password":"correct horse"}"#, &operation);
//! vault.create(&secret, Deadline::NONE).await?;
//! let value = vault.fetch(&name, Deadline::NONE).await?;
//! assert_eq!(&value[..], br#"{"password":"correct horse"}"#);
//! vault.close().await;
//! # Ok(())
//! # }
//! ```
//!
//! # Decisions
//!
//! - **A secret is created once.** Nothing overwrites; of two creators of one name one wins.
//! - **A retry is recognised.** An operation carries an identifier, so that a caller who missed the answer may ask
//!   again and is not told that another secret has the name.
//! - **Acknowledged is durable.** When `create` has answered, a crash changes nothing.
//! - **Values are wiped.** They are borrowed on the way in and live in zeroizing buffers on the way out.
//! - **What a vault cannot promise, it declares.** [`Guarantees`](guarantees::Guarantees) say how far its create is
//!   atomic; the suite in `conformance` and the documentation of the product follow them.
//! - **Failures are told apart.** [`VaultFailure`](error::VaultFailure) says who must act, and its
//!   [`retry_after`](error::VaultFailure::retry_after) whether a retry may help.
//! - **A state is told before a failure.** [`Health`] says whether a vault can serve; the process is not ready meanwhile, and ends
//!   when it must be started again.
//! - **Less is a type.** A vault whose credentials permit nothing but creating has no [`Lifecycle`]. Its verbs are
//!   not methods of [`Vault`] that fail.
//!
//! # Writing another vault
//!
//! Implement [`Vault`] in a crate of its own; nothing changes here. Its kind is a [`VaultKind`] of known or new
//! [`NameRules`](sealpost_vault_key::NameRules). Test it with `conformance::run`. A [`configuration::Kind`] says how a configuration
//! names it, and one entry in the server's list of kinds adds it to the program.
//!
//! # What it does not do
//!
//! It does not decide who may do what, keeps no versions of a secret, and lists no names.
//!
//! # Features
//!
//! | feature | what it adds |
//! |---|---|
//! | `conformance` | `conformance`, the suite that every implementation of [`Vault`] must pass |

#![forbid(unsafe_code)]

mod access;
pub mod configuration;
#[cfg(feature = "conformance")]
pub mod conformance;
mod deadline;
pub mod error;
pub mod guarantees;
mod health;
pub mod maintenance;
mod operation;
mod patience;
pub mod receipt;
mod secret;
mod value;
mod vault;

pub use access::Access;
pub use deadline::Deadline;
pub use health::Health;
pub use operation::OperationId;
pub use patience::Patience;
pub use receipt::Receipt;
pub use sealpost_vault_key::{Limits, VaultKind, VaultSecretName};
pub use secret::NewSecret;
pub use value::SecretValue;
pub use vault::{Lifecycle, Vault, VaultId};
