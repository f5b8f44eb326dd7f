#![doc = include_str!("../README.md")]
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
pub use rules::{Limits, NameRules};
