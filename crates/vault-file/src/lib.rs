//! The vault in one file: needs no server, survives crashes, encrypts what it keeps. Users know it as the embedded vault.
//!
//! ```
//! use sealpost_vault::{Deadline, NewSecret, OperationId, Vault, VaultKind, VaultSecretName};
//! use sealpost_vault_file::FileVault;
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! # let dir = tempfile::tempdir()?;
//! # let dir = dir.path();
//! let vault = FileVault::open(dir)?;
//! let name = VaultSecretName::derive(VaultKind::EMBEDDED, None, "prod/db");
//! let operation = OperationId::from_bytes([7; 32]);
//!
//! let secret = NewSecret::new(&name, br#"{"password":"correct horse"}"#, &operation);
//! vault.create(&secret, Deadline::NONE).await?;
//! let value = vault.fetch(&name, Deadline::NONE).await?;
//! assert_eq!(&value[..], br#"{"password":"correct horse"}"#);
//! vault.close().await;
//! # Ok(())
//! # }
//! # tokio::runtime::Runtime::new().unwrap().block_on(example()).unwrap();
//! ```
//!
//! # Files
//!
//! A directory holds two files:
//!
//! - `vault.redb`, the secrets: a redb database with a table from names to [records](record::Record),
//!   and a table with the vault's identifier and the check of its key;
//! - `vault.key`, 32 random bytes, created together with the vault. Both are readable for their owner alone
//!   (0600, in a directory 0700).
//!
//! # Encryption
//!
//! Every value is encrypted with AES-256-GCM under a key of its own, which HKDF-SHA-256 (RFC 5869)
//! derives from the key file, the vault's random identifier and a random salt in the record:
//!
//! ```text
//! prk   = HKDF-Extract(salt = vault id, ikm = key file)
//! root  = HKDF-Expand(prk, "sealpost/vault/1/root", 32)
//! check = HKDF-Expand(prk, "sealpost/vault/1/check", 32)      stored: recognises the key file
//! key ‖ nonce = HKDF(salt = the record's, ikm = root, info = "sealpost/vault/1/record")[..44]
//! aad   = u16(|name|) ‖ name ‖ version ‖ operation ‖ salt     the record's name and header
//! ```
//!
//! A record opens only under its name, in its vault, and unchanged.
//!
//! # Durability
//!
//! `create` and `delete` return after an fsync. One thread writes for all callers, and callers that wait
//! at the same time share one fsync ([`sealpost_group_commit`]). Callers encrypt, the thread sees ciphertext alone. Reads run on
//! tokio's threads for blocking work, because a read may have to wait for the disk: the vault must be
//! used inside a tokio runtime. After a crash the next start checks the whole file, which takes time in
//! proportion to its size.
//!
//! # Security
//!
//! - Names, operations, and the lengths and number of values are not encrypted.
//! - Write access to the files is enough to bring back an older record of the same name, or to remove one. Forging
//!   a record needs the key file.
//! - A deleted record stays in free pages of the file until redb uses them again: ciphertext, which the
//!   key file still opens. What must be beyond recovery needs a new vault with a new key file.
//! - The file's structure is protected by checksums against accidents, not against an attacker. A file
//!   that was tampered with may end a call, or the opening, in a panic of the database; no value
//!   is given out that does not authenticate.
//! - The key file lies beside the database. Reading both is reading everything: this protects copies and
//!   backups of the database alone. Back the two up in different places.

#![cfg(unix)] // it relies on permissions of files
#![forbid(unsafe_code)]

mod commit;
mod condition;
mod configuration;
mod contents;
mod descriptor;
mod error;
mod files;
mod image;
mod keys;
mod maintenance;
#[doc(hidden)] // for the fuzzer
pub mod page;
pub mod record;
mod rescue;
mod seal;
mod store;
mod survey;
mod vault;

pub use configuration::KIND;
pub use error::OpenVaultError;
pub use vault::{FileVault, FileVaultBuilder};
