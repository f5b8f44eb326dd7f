#![forbid(unsafe_code)]
#![deny(missing_docs)]
//! Channels between gateway and agent: one private-key operation for a minute of requests.
//!
//! A gateway seals one seed to the agent's certificate and signs it: the *opening* of a channel. For a minute each request is a
//! frame under keys that come from the seed, and each answer a frame under keys that come from the seed and an exchange
//! that the agent signs. Each message carries the whole opening, so an agent that restarts, or one of several, lacks
//! nothing. `docs/CHANNELS.md` specifies it.
//!
//! The crate holds the bytes and the two state machines, [`agent`] and [`gateway`], and nothing that waits: no I/O, no
//! clock; time and randomness are arguments.
//!
//! # What do you want to do?
//!
//! - Send requests: [`gateway::Channels`], [`gateway::Channel`], [`gateway::Waiting`]
//! - Take requests: [`Message::parse`], [`agent::Openings`], [`agent::Requests`]
//! - Write and read what a request says: [`Head`], [`Create`], [`Outcome`]
//! - Remember what callers sealed in batches: [`agent::Headers`], [`agent::Callers`]
//!
//! # What it does not do
//!
//! It carries nothing, stores nothing and opens no value that a caller has sealed. Whoever has the agent's RSA key and sees
//! the messages can read requests, and make some, unless requests are signed; answers only the agent's signing key can make.
//! The construction has had no independent analysis.

pub mod agent;
mod body;
mod caller;
mod exchange;
mod frame;
pub mod gateway;
mod keys;
mod labels;
mod message;
mod opening;
mod outcome;
mod reader;
mod refusal;
mod reply;
#[cfg(test)]
mod tests;

pub use body::{Create, Head, Kind, Marks, Names};
pub use caller::{CallerKey, CallerTag};
pub use exchange::{Scalar, ScalarError};
pub use keys::{KeyRefused, Kid, SignError, SigningKey, TrustedKeys, VerifyKey};
pub use message::{MAX_MESSAGE, MIN_MESSAGE, Message, NotAMessage};
pub use opening::{ChannelId, Opening};
pub use outcome::{Certainty, Outcome};
pub use reader::Malformed;
pub use refusal::{REFUSAL_LEN, RefusalCode};
pub use reply::{MAX_REPLY, MIN_REPLY};
