#![doc = include_str!("../README.md")]
//!
//! # What do you want to do?
//!
//! **Check one text of a request**: [`AgentId`], [`ProjectId`], [`SecretName`], [`PropertyKey`], [`SecretType`].
//!
//! ```
//! use sealpost_context::{AgentId, SecretName};
//!
//! let agent: AgentId = "agent-1".parse()?;
//! assert_eq!(agent.as_str(), "agent-1");
//! assert!(SecretName::try_from("").is_err());
//! # Ok::<(), sealpost_context::InvalidIdentifier>(())
//! ```
//!
//! **Find out which rule a text breaks**: [`InvalidIdentifier`], with [`Field`](error::Field) and [`Rule`](error::Rule).
//!
//! ```
//! use sealpost_context::{PropertyKey, error::{Field, Rule}};
//!
//! let broken = PropertyKey::try_from("user\n").expect_err("it has a line feed");
//! assert_eq!((broken.field(), broken.rule()), (Field::Key, Rule::ControlCharacter));
//! ```
//!
//! **Say whose value it is before it is opened**: [`Owner`], agent and project.
//!
//! ```
//! use sealpost_context::{AgentId, Owner, ProjectId};
//!
//! let owner = Owner {
//!     agent: "agent-1".parse()?,
//!     project: Some("0b9c4f6e-7d1a-4a52-8f37-1a2b3c4d5e6f".parse()?),
//! };
//! assert_ne!(owner, Owner::new(owner.agent)); // another project, another owner
//! # Ok::<(), sealpost_context::InvalidIdentifier>(())
//! ```
//!
//! **Seal or open with all of it, borrowed**: [`SecretContext`].
//!
//! ```
//! use sealpost_context::{AgentId, PropertyKey, SecretContext, SecretName};
//!
//! let agent: AgentId = "agent-1".parse()?;
//! let context = SecretContext::new(&agent, SecretName::try_from("db-login")?)
//!     .with_key(PropertyKey::try_from("password")?);
//! assert_eq!(context.key(), Some("password"));
//! # Ok::<(), sealpost_context::InvalidIdentifier>(())
//! ```
//!
//! **Keep or send all of it** (feature `alloc`): `OwnedContext`, an `Owner` and a `SecretId`.
//!
//! ```
//! # #[cfg(feature = "alloc")]
//! # fn main() -> Result<(), sealpost_context::InvalidIdentifier> {
//! use sealpost_context::{AgentId, OwnedContext, SecretId, SecretName};
//!
//! let agent: AgentId = "agent-1".parse()?;
//! let secret = SecretId::new(SecretName::try_from("db-login")?);
//! let context = OwnedContext::new(agent, secret);
//! assert_eq!(context.borrow().name(), "db-login");
//! # Ok(())
//! # }
//! # #[cfg(not(feature = "alloc"))]
//! # fn main() {}
//! ```
//!
//! **Check a text that is not a `&str`**, such as a JSON string with escapes, or **find every rule that it breaks**:
//! [`rules`], which has an example.
//!
//! # The rules
//!
//! | type | rule |
//! |---|---|
//! | [`AgentId`] | `[A-Za-z0-9_-]{1,64}` |
//! | [`ProjectId`] | a UUID with hyphens, in either case |
//! | [`SecretName`] | 1 to [`MAX_NAME`](rules::MAX_NAME) bytes; no U+0000 to U+001F, no U+007F |
//! | [`PropertyKey`] | 1 to [`MAX_KEY`](rules::MAX_KEY) bytes; no U+0000 to U+001F, no U+007F |
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
mod limits;
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
