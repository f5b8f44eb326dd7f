//! The side inside the customer's network: opens what was sealed to it, checks it, and stores it in the vault.
//!
//! An [`Agent`] takes a signed request from its inbox and trusts nobody: it checks the gateway's signature, then
//! the clear parts, and only then uses its private key; what it opened it validates again by the same rules as
//! the gateway. It answers once the vault has the value durably. A [`Resolver`] turns a `resolver_ref` back into
//! the value.
//!
//! # Security
//!
//! - An opened value lives in one buffer that is wiped, and is borrowed from there into the vault.
//! - Replies are signed, not encrypted: they carry nothing of a value, and no name of its members.
//! - A message that is not authentic is not answered at all.
//! - A message that is played again has the same operation as the first time, so the vault recognises it: it is
//!   answered as before and stores nothing more. That holds as long as the secret is there: if it was deleted
//!   meanwhile, a replay within the message's lifetime stores it again.

mod accept;
mod agent;
mod alarm;
mod flights;
mod intake;
pub mod ledger;
mod marks;
mod recent;
mod resolver;

pub use accept::{Accept, InvalidAccept};
pub use agent::Agent;
pub use ledger::{Ledger, LedgerError};
pub use resolver::{ResolveError, Resolved, Resolver};
