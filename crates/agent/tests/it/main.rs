//! The agent, asked by a gateway that the tests play.
#![allow(clippy::unwrap_used)] // a failed unwrap is a failed test

mod channels;
mod formats;
mod harness;
mod key_holders;
mod ledger_of_vault;
mod once;
mod outcomes;
mod serving;
mod strangers;
