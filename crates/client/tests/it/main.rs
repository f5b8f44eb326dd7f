//! The client against servers that misbehave, and against the real gateway.

#![allow(
    clippy::unwrap_used,
    reason = "what goes wrong in a test's own steps fails the test"
)]

mod answers;
mod at_source;
mod bulk;
mod gateway;
mod retries;
mod secrecy;
mod server;
mod tls;
mod tls_failures;
mod tokens;
