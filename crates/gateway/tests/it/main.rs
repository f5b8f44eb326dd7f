//! The gateway with an agent, an embedded vault and the carrier within one process.
#![allow(clippy::unwrap_used)] // a failed unwrap is a failed test

mod agents;
mod answers;
mod audit;
mod bad_input;
mod bodies;
mod boundaries;
mod certificate;
mod description;
mod failures;
mod harness;
mod idempotency;
mod issuer;
mod key_sets;
mod keys;
mod limits;
mod operations;
mod road;
mod sealed;
mod silent_connections;
mod sockets;
mod tls;
mod tokens;
mod vaults;
mod wire;
