#![doc = include_str!("../README.md")]
//!
//! # Which type
//!
//! | you have | take |
//! |---|---|
//! | one text of a request | [`AgentId`], [`ProjectId`], [`SecretName`], [`PropertyKey`], [`SecretType`] |
//! | what is known before a value is opened: agent and project | [`Owner`] |
//! | all of it, borrowed, to seal or to open with | [`SecretContext`] |
//! | name, key and type, to keep (feature `alloc`) | `SecretId` |
//! | all of it, to keep or to send (feature `alloc`) | `OwnedContext` |
//! | a text that is not a `&str`, such as a JSON string with escapes | [`rules`] |
//!
//! # The rules
//!
//! | type | rule |
//! |---|---|
//! | [`AgentId`] | `[A-Za-z0-9_-]{1,64}` |
//! | [`ProjectId`] | a UUID with hyphens, in either case |
//! | [`SecretName`] | 1 to [`MAX_NAME`](rules::MAX_NAME) bytes; no U+0000 to U+001F, no U+007F |
//! | [`PropertyKey`] | 1 to [`MAX_KEY`](rules::MAX_KEY) bytes; no U+0000 to U+001F, no U+007F; no `.` |
//! | [`SecretType`] | `[A-Za-z][A-Za-z0-9_]{0,63}` |
//!
//! # Features
//!
//! | feature | adds |
//! |---|---|
//! | `alloc` | `OwnedContext`, `SecretId`, `AgentId::urn` |
//! | `serde` | `Serialize` and `Deserialize` for ids and `Owner`, `Serialize` for `OwnedContext`; implies `alloc` |
#![no_std]
#![cfg_attr(docsrs, feature(doc_cfg))]
#![forbid(unsafe_code)]
#![deny(missing_docs)]

#[cfg(feature = "alloc")]
extern crate alloc;
#[cfg(test)]
extern crate std;

mod agent_id;
mod context;
pub mod error;
pub mod hex;
#[cfg(feature = "alloc")]
mod owned;
mod owner;
mod project_id;
pub mod rules;
#[cfg(feature = "serde")]
mod serde;
mod texts;

pub use agent_id::AgentId;
pub use context::SecretContext;
pub use error::InvalidIdentifier;
#[cfg(feature = "alloc")]
pub use owned::{OwnedContext, SecretId};
pub use owner::Owner;
pub use project_id::ProjectId;
pub use texts::{PropertyKey, SecretName, SecretType};
