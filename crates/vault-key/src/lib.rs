#![doc = include_str!("../README.md")]
//!
//! # What do you want to do?
//!
//! **Find the name for a secret**: [`VaultSecretName::derive`].
//!
//! ```
//! use sealpost_vault_key::{VaultKind, VaultSecretName};
//!
//! let name = VaultSecretName::derive(VaultKind::KV2, None, "prod/db");
//! assert_eq!(name.as_str(), "prod/db");
//!
//! // Azure Key Vault has no slash in its names.
//! let name = VaultSecretName::derive(VaultKind::AZURE, None, "prod/db");
//! assert_eq!(name.as_str(), "prod-db-xpbjupyotsznde3shymwej3j5utihqj52");
//! ```
//!
//! **Check a name that came from elsewhere**: [`VaultSecretName::parse`].
//!
//! ```
//! use sealpost_vault_key::{VaultKind, VaultSecretName};
//!
//! assert!(VaultSecretName::parse(VaultKind::AZURE, "prod-db").is_ok());
//! assert!(VaultSecretName::parse(VaultKind::AZURE, "prod/db").is_err());
//! ```
//!
//! **Write a reference**: [`ResolverRef::new`].
//!
//! ```
//! use sealpost_vault_key::ResolverRef;
//!
//! let reference = ResolverRef::new("prod/db", Some("password"))?;
//! assert_eq!(reference.to_string(), "secret:prod%2Fdb#password");
//! # Ok::<(), sealpost_vault_key::InvalidResolverRef>(())
//! ```
//!
//! **Read a reference**: [`ResolverRef::parse`], then [`ResolverRef::vault_secret_name`].
//!
//! ```
//! use sealpost_vault_key::{ResolverRef, VaultKind};
//!
//! let reference = ResolverRef::parse("secret:prod%2Fdb#password")?;
//! assert_eq!(reference.key().map(|key| key.to_string()).as_deref(), Some("password"));
//! assert_eq!(reference.vault_secret_name(VaultKind::KV2)?.as_str(), "prod/db");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! **Add a kind of vault**: describe what it accepts as [`NameRules`].
#![no_std]
#![forbid(unsafe_code)]
#![deny(missing_docs)]

mod alphabet;
mod kind;
mod lengths;
mod name;
mod reference;
mod rules;

pub use alphabet::Alphabet;
pub use kind::{UnknownVaultKind, VaultKind};
pub use lengths::MAX_VAULT_SECRET_NAME;
pub use name::{InvalidNameReason, InvalidVaultSecretName, VaultSecretName};
pub use reference::{
    Component, ComponentChars, InvalidRefReason, InvalidResolverRef, MAX_KEY, MAX_RESOLVER_REF,
    ResolverRef,
};
pub use rules::{Limits, NameRules, TooLong};
