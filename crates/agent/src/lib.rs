//! The side inside the customer's network: opens what was sealed to it, checks it, and stores it in the vault.
//!
//! An [`Agent`] takes requests from an [`Inbox`](sealpost_carrier::Inbox), each by a channel that a trusted gateway has opened
//! and signed ([`sealpost_channel`]). It has its [`KeyHolder`] decrypt the channel's seed once, and opens the requests with the
//! keys that come of it. What callers have sealed it checks by its clear parts before it asks its [`KeyHolder`]. It validates
//! what it opened by the same rules as the gateway. It takes the formats that its policy names ([`Accept`]), and remembers in a [`Ledger`] what must not
//! happen twice. It answers when the vault has stored the value durably, and tells an [`Observer`] of events. A
//! [`Resolver`] turns a `resolver_ref` back into the value.
//!
//! ```
//! use std::sync::Arc;
//!
//! use sealpost_agent::{Agent, LocalKeyring, Resolver};
//! use sealpost_carrier::InProcess;
//! use sealpost_channel::SigningKey;
//! use sealpost_envelope::Identity;
//! use sealpost_vault::Vault;
//! use sealpost_vault_file::FileVault;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let key_pem = include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../testdata/keys/agent-a2048.key.pem"));
//! # let folder = tempfile::tempdir()?;
//! # let gateway = SigningKey::generate()?.verify_key().clone();
//! let vault: Arc<dyn Vault> = Arc::new(FileVault::open(folder.path())?);
//! let resolver = Resolver::new(Arc::clone(&vault));
//! let agent = Agent::new(
//!     "agent-1".parse()?,
//!     LocalKeyring::new(Identity::from_pem(key_pem)?),
//!     vault,
//!     SigningKey::generate()?, // the gateway is given its public half
//!     gateway,
//! );
//!
//! // A message that no known gateway has signed is not answered.
//! assert!(agent.handle(b"not a request").await.is_none());
//! // Nothing was stored yet, so nothing resolves.
//! assert!(resolver.resolve("secret:db-login#password").await.is_err());
//!
//! // What arrives for the agent is carried out until the process is to end.
//! let carrier = InProcess::new(64);
//! let inbox = carrier.register("agent-1".parse()?)?;
//! Arc::new(agent).serve(inbox, async { /* a signal */ }).await?;
//! # Ok(())
//! # }
//! ```
//!
//! # Security
//!
//! - An opened value lives in one buffer that is wiped, and is borrowed from there into the vault.
//! - Replies are sealed for the gateway, and contain no part of a value and no name of its members all the same.
//! - A message that is not authentic gets no answer.
//! - A message that is replayed while it is valid is answered as before and stores nothing, even if the secret was
//!   deleted meanwhile. Requests with an idempotency key and values sealed at the source are looked up in the ledger, other
//!   requests in memory. One gap is left: after a restart of the agent within the lifetime of a message (a minute and a
//!   half, as gateways make them), only the vault recognises a replay, and it does not know deleted secrets. The same
//!   holds between replicas of an agent, each of which has its own memory.
//! - A JWE must carry its context in its protected header, name its key, and have an identifier and a time of expiry for
//!   its single use; its context is compared before the key is used. CMS is taken only with a wrapper inside, which is
//!   compared before anything else that is inside.
//! - Ten values in a minute that do not open raise an alarm in the log. An [`Observer`] counts them, too.

mod accept;
mod agent;
mod alarm;
mod answer;
mod callers;
mod channels;
mod digests;
mod in_flight;
mod job;
pub mod key_holder;
pub mod ledger;
mod observer;
mod once;
mod open_request;
mod replays;
mod resolver;
mod sealed;
mod serve;
mod store;
mod time;

pub use accept::{Accept, InvalidAccept};
pub use agent::Agent;
pub use key_holder::{KeyAnswer, KeyHolder, LocalKeyring};
pub use ledger::{Ledger, LedgerError};
pub use observer::{ChannelEvent, Observer};
pub use resolver::{ResolveError, Resolved, Resolver};
