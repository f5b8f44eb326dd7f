//! The REST endpoint: takes a secret, seals it to an agent's certificate, and has the agent store it.
//!
//! A [`Gateway`] is put together from
//! - an [`Authenticator`], which says whom a bearer token speaks for ([`JwtAuthenticator`]),
//! - an [`AgentDirectory`], which knows the agents and their certificates ([`StaticDirectory`]),
//! - a [`Carrier`](sealpost_carrier::Carrier), which carries messages to agents,
//! - a key that its messages are signed with;
//!
//! and if wanted [`Limits`], [`Metrics`], an audit trail ([`AuditSink`]) and a [`BasePath`]. [`Gateway::router`] makes
//! a service of it, [`Gateway::operations`] one for those who run it, and [`serve()`] serves either on a [`Listener`],
//! which speaks [`Tls`].
//!
//! `docs/API.md` describes the operation, the order of its checks, and every problem with what to do about it.
//!
//! # Security
//!
//! A value is read into one buffer that is wiped after sealing; it is borrowed, never copied or re-serialised.
//! Out of reach, and not wiped: the HTTP library's read buffers, and the kernel's. Nothing of a request's
//! content is logged at any level.

mod audit;
mod auth;
mod base_path;
mod body;
mod controllers;
mod delivery;
mod directory;
mod expiry;
mod gateway;
mod idempotency;
mod limits;
mod listener;
mod metrics;
mod middleware;
mod openapi;
mod operations;
mod parameters;
mod problem;
mod rate_limit;
mod report;
mod request_id;
mod serve;
mod submission;
mod tls;
mod workload;

pub use audit::{AuditFile, AuditSink, AuditStdout};
pub use auth::{
    Authenticator, Denied, IssuerKeys, JwksError, JwksRefresh, JwksSource, JwtAuthenticator,
    KeySet, KeySetError, Principal, TokenAlgorithm, TokenKeys, TokenPolicy, UnknownAlgorithm,
};
pub use base_path::{BasePath, InvalidBasePath};
pub use directory::{AgentDirectory, AgentEntry, AgentEntryError, DirectoryError, StaticDirectory};
pub use gateway::Gateway;
pub use idempotency::IdempotencySecret;
pub use limits::{Limits, RateLimit};
pub use listener::{Listener, PlainHttpRefused};
pub use metrics::{AgentMetrics, Metrics};
pub use problem::ProblemType;
pub use serve::serve;
pub use tls::{Tls, TlsError, TlsFiles};
