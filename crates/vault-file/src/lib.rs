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
//!   and a table with one row: the vault's identifier, the check of its key and the seal of its names;
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
//! index = HKDF-Expand(prk, "sealpost/vault/1/index", 32)      seals the names
//! key ‖ nonce = HKDF(salt = the record's, ikm = root, info = "sealpost/vault/1/record")[..44]
//! aad   = u16(|name|) ‖ name ‖ version ‖ operation ‖ salt     the record's name and header
//! ```
//!
//! A record opens only under its name, in its vault, and unchanged.
//!
//! # Names
//!
//! Every commit writes a seal: the number of commits, the number of names and the XOR of the names' HMACs, with an HMAC over the
//! three, all under the index key. The names are in memory as well, about 20 bytes a secret. "Not found" is answered only for a
//! name that is not among them, so damage never looks like a secret that was not stored.
//!
//! # Opening
//!
//! Before redb opens the file, all of it is read and verified: the checksum of every page in use, and that the names give the seal.
//! That takes about as long as reading the file. A file that redb did not close is verified in the same way. If a crash
//! cut a commit off, the one before holds where its number is that of the mark (below): nothing after it was acknowledged.
//!
//! Where the header is damaged, its pages may all be whole: the newest commit is then the one whose names the seal proves and whose number is
//! not below that of the mark, whatever its checksum says.
//!
//! A file that is whole is then opened by redb once in memory, since redb looks at more: at the header, and at its list of free pages.
//! A damaged file never reaches redb. The vault opens all the same, if the file still tells which vault it is: what is intact can be fetched, a damaged or lost record is an error
//! that says so, nothing is written, and the vault's health is failed. While no process has it open, its configuration's
//! maintenance checks it, writes what is intact into a new vault, or begins again with an empty one.
//!
//! # Versions
//!
//! Version 2 added the seal. A vault of version 1 becomes one of version 2 in one commit when it is opened; what was lost before
//! may go unnoticed. Programs that know version 1 alone then refuse the file. Records are the same in both.
//!
//! # Durability
//!
//! `create` and `delete` return after an fsync. One thread writes for all callers, and callers that wait
//! at the same time share one fsync ([`sealpost_group_commit`]). Callers encrypt, the thread sees ciphertext alone. Reads run on
//! tokio's threads for blocking work, because a read may have to wait for the disk: the vault must be
//! used inside a tokio runtime. After a commit a mark of its number is written without an fsync: it tells a commit that was lost
//! later from one that did not reach the disk. After a power failure the last mark may be missing; then these two look alike.
//!
//! # Security
//!
//! - Names, operations, and the lengths and number of values are not encrypted.
//! - Forging a record or a seal needs the key file. Write access to the files is enough to bring back an older record of the same
//!   name, or an older state of the whole file. A record that is removed or renamed alone is noticed.
//! - A deleted record stays in free pages of the file until redb uses them again: ciphertext, which the
//!   key file still opens. What must be beyond recovery needs a new vault with a new key file.
//! - Pages are protected by checksums against accidents, not against an attacker. A file that was tampered with so that its
//!   checksums are right may end a call, or the opening, in a panic of the database; no value is given out that does not
//!   authenticate.
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
mod key_file;
mod keys;
mod maintenance;
#[doc(hidden)] // for the fuzzer
pub mod page;
#[doc(hidden)] // for the fuzzer, and for a test of every bit
pub mod reading;
pub mod record;
mod rescue;
mod seal;
mod source;
mod store;
mod survey;
mod trial;
mod vault;

pub use configuration::KIND;
pub use error::OpenVaultError;
pub use vault::{FileVault, FileVaultBuilder};
