//! The REST endpoint: takes a secret, seals it to an agent's certificate, and has the agent store it.
//!
//! A [`Gateway`] is put together from
//! - an [`Authenticator`], which says whom a bearer token speaks for ([`JwtAuthenticator`]),
//! - an [`AgentDirectory`], which knows the agents and their certificates ([`StaticDirectory`]),
//! - a [`Transport`](sealpost_protocol::Transport), which carries messages to agents,
//! - a key that its messages are signed with;
//!
//! [`Gateway::router`] makes a service of it, and [`serve`] serves that.
//!
//! `docs/API.md` describes the operation, the order of its checks, and every problem with what to do about it.
//!
//! # Security
//!
//! A value is read into one buffer that is wiped after sealing; it is borrowed, never copied or re-serialised.
//! Out of reach, and not wiped: the HTTP library's read buffers, and the kernel's. Nothing of a request's
//! content is logged at any level.

mod auth;
mod body;
mod controllers;
mod delivery;
mod directory;
mod gateway;
mod idempotency;
mod limits;
mod middleware;
mod parameters;
mod problem;
mod report;
mod request_id;
mod serve;
mod submission;

pub use auth::{
    Authenticator, Denied, JwtAuthenticator, KeySet, KeySetError, Principal, TokenPolicy,
};
pub use directory::{AgentDirectory, AgentEntry, AgentEntryError, DirectoryError, StaticDirectory};
pub use gateway::Gateway;
pub use idempotency::IdempotencySecret;
pub use limits::Limits;
pub use problem::ProblemType;
pub use serve::serve;
