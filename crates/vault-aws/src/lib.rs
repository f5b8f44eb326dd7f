//! Secrets in AWS Secrets Manager.
//!
#![cfg_attr(feature = "sdk", doc = "```no_run")]
#![cfg_attr(not(feature = "sdk"), doc = "```ignore")]
//! use sealpost_vault::{Deadline, NewSecret, OperationId, Vault, VaultSecretName};
//! use sealpost_vault_aws::{Access, AwsVault};
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let vault = AwsVault::builder("eu-central-1")
//!     .prefix("sealpost")
//!     .kms_key("alias/sealpost")
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
//! - **CreateSecret creates.** It takes a name that is free, and nothing else is ever called that writes a value. The smallest policy
//!   has neither `PutSecretValue` nor `UpdateSecret`.
//! - **The operation is the token of the request.** The service takes the same token with the same value for a repetition. It becomes
//!   the version's id and a tag, in the same call as the value; `DescribeSecret` shows both without the value.
//! - **What a refused create means is looked up**, and not read from the text of an error. No value is read for it.
//! - **A call is made again until the deadline**: when it is throttled, when the service fails, and when there is no answer. The
//!   SDK's own retries are off.
//! - **Credentials that are refused are read again** from their source, once for each call.
//!
//! `docs/vaults/aws.md` has the policies and limits.
//!
//! # What it does not do
//!
//! It keeps no second version, restores nothing that is to be deleted, replicates to no other region, and uses no partial ARN.
//!
//! # Security
//!
//! Values live in buffers that are wiped, and they and credentials appear in no error, log or `Debug`: the SDK runs without a log.
//! Creating leaves nothing of a value in freed memory over HTTP/1.1; a test looks. A fetched value has passed through buffers of the
//! SDK, which are not wiped. The SDK wipes the keys that it keeps; what it read of a file of profiles, and what it sent, stays in its
//! buffers.
//!
//! # Features
//!
//! | feature | what it adds |
//! |---|---|
//! | `sdk` | everything: without it this crate is empty, and no SDK is compiled. It needs Rust 1.94.1 |

#![forbid(unsafe_code)]

#[cfg(feature = "sdk")]
mod configuration;
#[cfg(feature = "sdk")]
mod http;
#[cfg(feature = "sdk")]
mod meaning;
#[cfg(feature = "sdk")]
mod place;
#[cfg(feature = "sdk")]
mod policy;
#[cfg(feature = "sdk")]
mod request;
#[cfg(feature = "sdk")]
mod session;
#[cfg(feature = "sdk")]
mod vault;

#[cfg(feature = "sdk")]
pub use configuration::KIND;
#[cfg(feature = "sdk")]
pub use sealpost_vault::Access;
#[cfg(feature = "sdk")]
pub use vault::{AwsBuilder, AwsVault};
