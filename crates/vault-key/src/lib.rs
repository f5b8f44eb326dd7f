//! A vault's key to a secret: the name under which it holds the secret, and the reference that resolves it. Nothing
//! here is a cryptographic key.
//!
//! A caller may give a secret any name; a vault may not accept it. [`VaultSecretName::derive`] returns
//! the name under which the vault holds the secret: the caller's own where the vault can take it,
//! otherwise a readable slug with a hash of the name behind it. [`ResolverRef`] is the URI that is
//! handed back to the caller, and that a pipeline gives to a resolver.
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
//!
//! # Decisions
//!
//! - **Two different secrets never share a name.** Names that pass through unchanged cannot meet,
//!   not even on a vault that ignores case; rewritten names carry 160 bits of a hash.
//!   [`VaultSecretName::derive`] says exactly how.
//! - **The names of a version never change.** A secret that was stored yesterday is found tomorrow:
//!   `testdata/names` holds names that every later version must derive as well.
//! - **Total.** Every string has a name in every vault; nothing here panics on any input.
//! - **No normalisation.** Other bytes are another secret, also where two Unicode strings look alike.
//! - **The set of vaults is open.** What a kind of vault accepts is data, [`NameRules`]; a new kind
//!   changes nothing here. The known kinds are constants of [`VaultKind`].
//! - **References have one form.** Formatting and parsing are exact inverses, so references can be
//!   compared as text.
//!
//! # What it does not do
//!
//! It reads no vault and knows no account, region or mount: it maps names. A project's prefix keeps
//! the names of two projects apart; it is not access control, which is the vault's business.
//!
//! # Features
//!
//! None: the crate is `no_std` and never allocates. A name lives in a buffer of its own, a reference
//! borrows.

#![no_std]
#![forbid(unsafe_code)]
#![deny(missing_docs)]

mod alphabet;
mod kind;
mod name;
mod reference;
mod rules;

pub use alphabet::Alphabet;
pub use kind::{UnknownVaultKind, VaultKind};
pub use name::{InvalidNameReason, InvalidVaultSecretName, MAX_VAULT_SECRET_NAME, VaultSecretName};
pub use reference::{
    Component, ComponentChars, InvalidRefReason, InvalidResolverRef, MAX_KEY, MAX_RESOLVER_REF,
    ResolverRef,
};
pub use rules::{Limits, NameRules};
