//! The gateway with an agent, an embedded vault and the embedded transport in one process.
#![allow(clippy::unwrap_used)] // a failed unwrap is a failed test

mod agents;
mod answers;
mod bad_input;
mod bodies;
mod failures;
mod harness;
mod issuer;
mod road;
mod sockets;
mod tokens;
