//! The REST endpoint: takes a secret, seals it to an agent's certificate, and has the agent store it.
//!
//! A [`Gateway`] is put together from
//! - an [`Authenticator`](auth::Authenticator), which decides who a bearer token speaks for ([`JwtAuthenticator`]),
//! - an [`AgentDirectory`](directory::AgentDirectory), which knows the agents and their certificates ([`StaticDirectory`]),
//! - a [`Carrier`](sealpost_carrier::Carrier), which carries messages to agents,
//! - a key that signs its messages;
//!
//! and optionally [`Limits`], [`Metrics`], an audit trail ([`AuditSink`](audit::AuditSink)) and a [`BasePath`]. [`Gateway::router`] makes
//! an HTTP service of it, [`Gateway::operations`] one for operators, and [`serve()`] serves either on a [`Listener`],
//! which speaks [`Tls`].
//!
//! ```
//! use std::sync::Arc;
//!
//! use sealpost_envelope::{Certificate, TrustPolicy};
//! use sealpost_gateway::{
//!     Gateway, JwtAuthenticator, StaticDirectory, TokenPolicy, auth::KeySet, directory::AgentEntry,
//! };
//! use sealpost_carrier::InProcess;
//! use sealpost_channel::SigningKey;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let jwks = br#"{"keys":[{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}"#;
//! # let pem = include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../testdata/keys/agent-a2048.pem"));
//! # let pinned = Certificate::from_pem(pem)?.fingerprint();
//! # let agent_key = SigningKey::generate()?.verify_key().clone();
//! // Who may call: tokens of this issuer for this audience.
//! let policy = TokenPolicy::new("https://issuer.example", "sealpost");
//! let tokens = JwtAuthenticator::new(policy, KeySet::from_jwks(jwks)?);
//! // The agents: each has an id, a certificate, and the key that it signs its replies with.
//! let trust = TrustPolicy::pinned([pinned]);
//! let agent = AgentEntry::new("a2048".parse()?, pem, &trust, agent_key)?;
//! let agents = StaticDirectory::from_iter([agent]);
//! // What carries the messages, and the key that signs them.
//! let (carrier, key) = (InProcess::new(64), SigningKey::generate()?);
//!
//! let gateway = Gateway::new(Arc::new(tokens), Arc::new(agents), Arc::new(carrier), key);
//! let service: axum::Router = gateway.router();
//! # let _ = service;
//! # Ok(())
//! # }
//! ```
//!
//! `docs/API.md` describes the operation, the order of its checks, and every [`ProblemType`] with what to do about it.
//!
//! # Security
//!
//! A value is read into one buffer that is wiped after sealing; it is borrowed, never copied or re-serialised.
//! The read buffers of the HTTP library and of the kernel are out of reach, and not wiped. No content of a request is
//! logged at any level.

mod admission;
mod agent_vault;
mod agents;
pub mod audit;
pub mod auth;
pub mod base_path;
mod body;
mod body_memory;
mod component;
mod controllers;
mod delivery;
pub mod directory;
mod expiry;
mod gateway;
mod headers;
mod idempotency;
pub mod limits;
pub mod listener;
mod media_type;
pub mod metrics;
mod middleware;
mod openapi;
mod operations;
mod parameters;
mod principal_id;
mod problem;
mod rate_limit;
mod rejection;
mod request_id;
mod request_record;
mod router;
mod serve;
mod state;
mod submission;
mod time;
pub mod tls;
mod turns;
mod workload;

pub use auth::{JwtAuthenticator, TokenPolicy};
pub use base_path::BasePath;
pub use component::Component;
pub use directory::StaticDirectory;
pub use gateway::Gateway;
pub use idempotency::IdempotencySecret;
pub use limits::Limits;
pub use listener::Listener;
pub use metrics::Metrics;
pub use sealpost_rest::ProblemType;
pub use serve::serve;
pub use tls::Tls;
