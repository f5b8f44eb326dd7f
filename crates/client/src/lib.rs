//! Calls the endpoint from Rust: create a secret, get its reference; optionally sealed at the source.
//!
//! # What do you want to do?
//!
//! **Create a secret**: [`Client::create_secret`]. The gateway seals the value.
//!
//! ```
//! use sealpost_client::{Client, NewSecret, Token};
//!
//! # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/doc/gateway.rs"));
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let url = gateway_that_answers("201 Created", r#"{"resolver_ref":"secret:db#password","vaultSecretName":"db"}"#)?;
//! # tokio::runtime::Runtime::new()?.block_on(async {
//! # let token = "a-token".to_owned();
//! let client = Client::builder(url).token(Token::new(token)).build()?;
//! let secret = NewSecret::new("db", br#"{"password":"correct horse"}"#.to_vec()).with_key("password");
//! let created = client.create_secret("agent-1", None, &secret).await?;
//! assert_eq!(created.resolver_ref, "secret:db#password");
//! # Ok(())
//! # })
//! # }
//! ```
//!
//! **Decide what to do after a failure**: [`ClientError`]; for the gateway's own answers by
//! [`Problem::kind`](problem::Problem::kind), a [`ProblemType`].
//!
//! ```
//! use sealpost_client::{Client, ClientError, NewSecret, ProblemType};
//!
//! # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/doc/gateway.rs"));
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let url = gateway_that_answers("409 Conflict", PROBLEM)?;
//! # tokio::runtime::Runtime::new()?.block_on(async {
//! let client = Client::builder(url).build()?;
//! let secret = NewSecret::new("db", br#"{"password":"correct horse"}"#.to_vec());
//! let error = client.create_secret("agent-1", None, &secret).await.expect_err("the name is taken");
//! assert!(!error.may_have_been_created());
//! assert!(matches!(&error, ClientError::Problem(problem) if problem.kind == Some(ProblemType::SecretExists)));
//! # Ok(())
//! # })
//! # }
//! # const PROBLEM: &str = r#"{"type":"urn:sealpost:problem:secret-exists","title":"t","status":409,"detail":"d"}"#;
//! ```
//!
//! **Keep the value from the gateway**: [`Client::seal_and_create`] seals it in your process, to the certificate with a
//! fingerprint that the agent's operator gave you ([`AgentTrust::pinned`]), or that an authority issued to the agent
//! ([`AgentTrust::chain`]).
//!
//! ```
//! use sealpost_client::AgentTrust;
//! # use sealpost_client::{Client, NewSecret, retry::RetryPolicy};
//!
//! # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/doc/gateway.rs"));
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let url = gateway_that_answers("201 Created", r#"{"resolver_ref":"secret:db","vaultSecretName":"db"}"#)?;
//! # let agent_pem = include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../testdata/keys/agent-a2048.pem"));
//! # let fingerprint = sealpost_envelope::Certificate::from_pem(agent_pem)?.fingerprint().to_string();
//! # tokio::runtime::Runtime::new()?.block_on(async {
//! # let client = Client::builder(url).build()?;
//! # let secret = NewSecret::new("db", br#"{"password":"correct horse"}"#.to_vec());
//! // Without `with_certificate`, the client asks the gateway for the certificate.
//! let trust = AgentTrust::pinned([fingerprint.parse()?]).with_certificate(agent_pem)?;
//! let created = client.seal_and_create("a2048", None, &secret, &trust).await?;
//! # assert_eq!(created.resolver_ref, "secret:db");
//! # Ok(())
//! # })
//! # }
//! ```
//!
//! **Repeat a call after a crash**, without creating anything twice: [`IdempotencyKey`].
//!
//! ```
//! use sealpost_client::{IdempotencyKey, NewSecret};
//!
//! let key = IdempotencyKey::new("import-7:line-12")?; // write it down before the call
//! let secret = NewSecret::new("db", br#"{"password":"correct horse"}"#.to_vec()).with_idempotency_key(key);
//! # let _ = secret;
//! # Ok::<(), sealpost_client::ClientError>(())
//! ```
//!
//! **Change how often and how long a call is tried**: [`RetryPolicy`](retry::RetryPolicy) and
//! [`ClientBuilder::timeout`](builder::ClientBuilder::timeout).
//!
//! ```
//! use std::time::Duration;
//! use sealpost_client::{Client, retry::RetryPolicy};
//!
//! let client = Client::builder("https://gateway.example")
//!     .retries(RetryPolicy::attempts(3).with_pauses(Duration::from_millis(100), Duration::from_secs(2)))
//!     .timeout(Duration::from_secs(20))
//!     .build()?;
//! # let _ = client;
//! # Ok::<(), sealpost_client::ClientError>(())
//! ```
//!
//! **Use tokens that expire**: implement [`TokenProvider`](token::TokenProvider).
//!
//! ```
//! use sealpost_client::{Client, Token, error::BoxError, token::TokenProvider};
//!
//! /// The newest token, from the task that fetches it.
//! struct Newest(tokio::sync::watch::Receiver<String>);
//!
//! #[async_trait::async_trait]
//! impl TokenProvider for Newest {
//!     async fn token(&self) -> Result<Token, BoxError> {
//!         Ok(Token::new(self.0.borrow().clone()))
//!     }
//! }
//!
//! let (fetched, newest) = tokio::sync::watch::channel("a-token".to_owned());
//! # let _ = fetched;
//! let provider = Newest(newest);
//! let client = Client::builder("https://gateway.example").token_provider(provider).build()?;
//! # let _ = client;
//! # Ok::<(), sealpost_client::ClientError>(())
//! ```
//!
//! # Attempts
//!
//! The client tries a call up to five times ([`RetryPolicy`](retry::RetryPolicy)), with random pauses that grow, until its time is over. It
//! repeats an attempt after a failure that may pass: no connection, a broken connection, no answer in time, an agent that
//! is offline or silent, too many requests, and a 429, 502, 503 or 504 of an intermediary. If the answer says how long to
//! wait (`Retry-After`, in seconds or as a date), it does, unless that would be too late. A 400, 403, 409 or 500 is final, and so is TLS that one side refuses. For the gateway's own answers,
//! [`ProblemType::retry`] decides.
//!
//! All attempts carry the same [`IdempotencyKey`], and the same bytes of a sealed value. The gateway answers a repeated
//! attempt with the outcome of the first. If gateway or agent have lost their memory of it in between, they answer with a
//! 409, which then has [`Problem::after_unknown`](problem::Problem::after_unknown).
//!
//! A 403 does not say whether the token has expired or does not permit the call: if a [`TokenProvider`](token::TokenProvider) has another token,
//! the client tries once more.
//!
//! # Security
//!
//! The value is copied once, into the request's body, byte for byte; that buffer and the token's are wiped when the HTTP
//! library releases them. A body with a sealed value has the sealed bytes alone. The write buffers of the library, of TLS
//! and of the kernel are out of reach, and not wiped. Redirects are not followed, so a value goes to the named host and to
//! no other. Plain HTTP is refused except to the loopback interface. No `Debug`, error or log of this crate contains any
//! part of a value or a token. An answer is read up to 1 MiB. A success is parsed, and refused if it is not what a gateway answers; control characters
//! in the texts of others are replaced.
//!
//! What sealing at the source does and does not keep from a gateway: [`Client::seal_and_create`].

mod at_source;
mod body;
pub mod builder;
mod bulk;
mod client;
pub mod error;
mod expected;
mod http;
mod idempotency;
mod printable;
mod probe;
pub mod problem;
pub mod retry;
mod retry_after;
mod secret;
mod sent;
mod tls;
mod tls_failure;
pub mod token;
mod too_late;

pub use at_source::AgentTrust;
pub use bulk::BulkSealer;
pub use client::Client;
pub use error::ClientError;
pub use idempotency::IdempotencyKey;
pub use problem::ProblemType;
pub use sealpost_envelope::Fingerprint;
pub use secret::{Created, NewSecret};
pub use token::Token;

/// Compiles the sample of the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
