//! Call the endpoint from Rust: create a secret, get its reference; sealed at the source if you like.
//!
//! ```no_run
//! use sealpost_client::{Client, ClientError, NewSecret, ProblemKind, Token};
//!
//! # async fn run(token: String) -> Result<(), ClientError> {
//! let client = Client::builder("https://gateway.example").token(Token::new(token)).build()?;
//! let secret = NewSecret::new("my-secret", br#"{"password":"correct horse"}"#.to_vec()).with_key("password");
//! match client.create_secret("agent-1", None, &secret).await {
//!     Ok(created) => println!("{}", created.resolver_ref),
//!     Err(ClientError::Problem(problem)) if problem.kind == ProblemKind::SecretExists => {
//!         println!("it is there already");
//!     }
//!     Err(error) => return Err(error),
//! }
//! # Ok(())
//! # }
//! ```
//!
//! Sealed here, to the certificate with a fingerprint that the agent's operator gave you:
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
//! A call is tried up to five times ([`RetryPolicy`]), with pauses at random that grow, until its time is over. Tried
//! again is what may pass: no connection, a connection that broke, no answer in time, an agent that is offline or
//! silent, too many requests (after the time that the gateway names), and a 502, 503 or 504 of something in between.
//! A 400, 403, 409 or 500 is final, and so is TLS that one side refuses.
//!
//! All attempts carry one [`IdempotencyKey`], and of a value that is sealed here, the same sealed bytes. A gateway that
//! honours it answers an attempt that comes again with the outcome of the first. A gateway or agent that has lost its
//! memory of it in between answers with a 409, which has [`Problem::after_unknown`] then.
//!
//! A 403 does not say whether the token is over or not good for this: if a [`TokenProvider`] has another one, it is
//! tried once more.
//!
//! # Security
//!
//! The value is copied once, into the request's body, byte for byte; that buffer and the token's are wiped when
//! the HTTP library lets go of them. Of a value that is sealed here, the body has the sealed bytes alone. The library's
//! own write buffers, those of TLS and of the kernel are out of reach. Redirects are not followed, so a value goes to
//! the host that was named and to no other. Plain HTTP is refused except to the loopback interface. No `Debug`, error
//! or log of this crate has anything of a value or a token. An answer is read up to 1 MiB, and what it says is
//! stripped of control characters.
//!
//! What sealing at the source does and does not keep from a gateway: [`Client::seal_and_create`].

mod at_source;
mod body;
mod client;
mod error;
mod http;
mod idempotency;
mod problem;
mod retry;
mod secret;
mod token;

pub use at_source::AgentTrust;
pub use client::{Client, ClientBuilder};
pub use error::{BoxError, ClientError};
pub use idempotency::IdempotencyKey;
pub use problem::{Problem, ProblemKind};
pub use retry::RetryPolicy;
pub use sealpost_envelope::Fingerprint;
pub use secret::{Created, NewSecret};
pub use token::{Token, TokenProvider};
