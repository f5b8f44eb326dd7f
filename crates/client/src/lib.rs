//! Call the endpoint from Rust: create a secret, get its reference.
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
//! # Security
//!
//! The value is copied once, into the request's body, byte for byte; that buffer and the token's are wiped when
//! the HTTP library lets go of them. The library's own write buffers are out of reach. Redirects are not
//! followed, so a value goes to the host that was named and to no other. Plain HTTP is refused except to the
//! loopback interface.
//!
//! # What this does not do
//!
//! It sends each request once: there are no retries.

mod body;
mod builder;
mod client;
mod error;
mod problem;
mod secret;
mod token;

pub use builder::ClientBuilder;
pub use client::Client;
pub use error::ClientError;
pub use problem::{Problem, ProblemKind};
pub use secret::{Created, NewSecret};
pub use token::Token;
