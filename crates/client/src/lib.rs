//! Calls the endpoint from Rust: create a secret, get its reference; optionally sealed at the source.
//!
//! ```no_run
//! use sealpost_client::{Client, ClientError, NewSecret, ProblemType, Token};
//!
//! # async fn run(token: String) -> Result<(), ClientError> {
//! let client = Client::builder("https://gateway.example").token(Token::new(token)).build()?;
//! let secret = NewSecret::new("my-secret", br#"{"password":"correct horse"}"#.to_vec()).with_key("password");
//! match client.create_secret("agent-1", None, &secret).await {
//!     Ok(created) => println!("{}", created.resolver_ref),
//!     Err(ClientError::Problem(problem)) if problem.kind == Some(ProblemType::SecretExists) => {
//!         println!("the name is taken");
//!     }
//!     Err(error) => return Err(error),
//! }
//! # Ok(())
//! # }
//! ```
//!
//! Sealed by the caller, to the certificate with a fingerprint that the agent's operator gave you:
//!
//! ```no_run
//! # use sealpost_client::{AgentTrust, Client, ClientError, NewSecret};
//! # async fn run(client: Client, secret: NewSecret) -> Result<(), Box<dyn std::error::Error>> {
//! let trust = AgentTrust::pinned(["…64 hexadecimal digits…".parse()?]);
//! let created = client.seal_and_create("agent-1", None, &secret, &trust).await?;
//! # Ok(())
//! # }
//! ```
//!
//! # Attempts
//!
//! The client tries a call up to five times ([`RetryPolicy`](retry::RetryPolicy)), with random pauses that grow, until its time is over. It
//! repeats an attempt after a failure that may pass: no connection, a broken connection, no answer in time, an agent that
//! is offline or silent, too many requests (after the time that the gateway names), and a 502, 503 or 504 of an
//! intermediary. A 400, 403, 409 or 500 is final, and so is TLS that one side refuses. For the gateway's own answers,
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
//! part of a value or a token. An answer is read up to 1 MiB, and control characters in it are replaced.
//!
//! What sealing at the source does and does not keep from a gateway: [`Client::seal_and_create`].

mod at_source;
mod body;
pub mod builder;
mod client;
pub mod error;
mod http;
mod idempotency;
pub mod problem;
pub mod retry;
mod secret;
pub mod token;

pub use at_source::AgentTrust;
pub use client::Client;
pub use error::ClientError;
pub use idempotency::IdempotencyKey;
pub use problem::ProblemType;
pub use sealpost_envelope::Fingerprint;
pub use secret::{Created, NewSecret};
pub use token::Token;
