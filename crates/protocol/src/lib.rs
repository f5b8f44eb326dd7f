//! The signed messages between gateway and agent.
//!
//! - [`StoreRequest`] goes from the gateway to an agent: whose secret it is, in clear, and the sealed value.
//! - [`StoreReply`] comes back: the [`Outcome`], bound to the request.
//!
//! What carries the messages is not trusted. Each is a JWS (RFC 7515, compact form) signed with Ed25519, with
//! a `typ` per direction (RFC 8725 §3.11), an audience, a time of issue and a short expiry. A reply names the
//! request that it answers. Verification accepts exactly what signing produces: one algorithm, one `typ`,
//! no header member and no claim beyond the known ones.
//!
//! ```
//! use std::time::Duration;
//!
//! use sealpost_envelope::UnixTime;
//! use sealpost_protocol::{
//!     AgentId, MessageId, Received, Sealed, SigningKey, StoreRequest, VerifyKeys,
//!     context::{OwnedContext, SecretId},
//! };
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let gateway = SigningKey::generate()?;
//! let agent: AgentId = "agent-1".parse()?;
//! let now = UnixTime::now();
//!
//! let request = StoreRequest {
//!     id: MessageId::random(),
//!     request_id: "a-request".into(),
//!     idempotency: None,
//!     sealed: Sealed::Native {
//!         context: OwnedContext::new(agent, SecretId::new("my-secret".try_into()?)),
//!         envelope: "sealpost.v1.…".into(),
//!     },
//! };
//! let message = request.sign(&gateway, now, Duration::from_secs(30))?;
//!
//! let trusted = VerifyKeys::from_iter([gateway.verify_key()]);
//! match StoreRequest::verify(&message, &trusted, &agent, now, Duration::from_secs(5))? {
//!     Received::Request { request: received, .. } => assert_eq!(received, request),
//!     Received::Refused { .. } | Received::Late { .. } => unreachable!("it is sound, and from just now"),
//! }
//! # Ok(())
//! # }
//! ```
//!
//! # What this does not do
//!
//! It encrypts nothing: names, keys, types and violations travel in clear, values only sealed. It remembers
//! nothing: a replay within the expiry verifies again, and who stores must recognise it.

pub mod clock;
pub mod idempotency;
mod jws;
pub mod keys;
mod message_id;
mod reply;
mod request;
pub mod sealed;
pub mod single_use;
mod verify_error;

pub use clock::Clock;
pub use keys::{SigningKey, VerifyKey, VerifyKeys};
pub use message_id::MessageId;
pub use reply::{Outcome, StoreReply};
pub use request::{Received, StoreRequest};
pub use sealed::Sealed;
pub use sealpost_context as context;
pub use sealpost_context::AgentId;
pub use verify_error::VerifyError;

/// The longest message that is read, in bytes.
///
/// Sealed by the gateway, a value of 64 KiB is 65,536 bytes; padded, framed and sealed to 16 recipients with the
/// largest keys at most 85,000; in base64url 113,400. Sealed by the caller it is a body of at most 131,072 bytes, in a
/// JSON string twice as much if all of it must be escaped. The context in JSON has at most 7,000 bytes; the whole in
/// base64url 359,000.
pub const MAX_MESSAGE: usize = 384 * 1024;
