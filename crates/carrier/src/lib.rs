//! Carries messages between a gateway and its agents, and answers back.
//!
//! - A gateway sends through a [`Carrier`]: it names an agent, and waits for the answer until a deadline.
//! - An agent receives from an [`Inbox`]: each [`Delivery`] is a message, the time at which its asker gives up, and
//!   the right to answer it once.
//! - [`InProcess`] carries within one process.
//! - To write another carrier, implement [`Carrier`], [`Inbox`] and [`Responder`], and pass
//!   `conformance` (feature `testing`).
//!
//! ```
//! use std::time::Duration;
//!
//! use sealpost_carrier::{Carrier as _, InProcess, Inbox as _, any_answer};
//! use tokio::time::Instant;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let carrier = InProcess::new(64);
//! let agent = "agent-1".parse()?;
//! let mut inbox = carrier.register(agent)?;
//!
//! let answering = async {
//!     let delivery = inbox.receive().await.expect("a message");
//!     assert_eq!(delivery.message(), "question");
//!     delivery.respond("answer".into()).await.expect("the asker waits");
//! };
//! let (agent, deadline) = ("agent-1".parse()?, Instant::now() + Duration::from_secs(1));
//! let mut judge = any_answer;
//! let asking = carrier.request(&agent, "question".into(), deadline, &mut judge);
//! let (answer, ()) = tokio::join!(asking, answering);
//! assert_eq!(answer?, "answer");
//! # Ok(())
//! # }
//! ```
//!
//! # Security
//!
//! A carrier is not trusted. Messages are sealed and authenticated end to end; a carrier can lose, delay and repeat them,
//! and sees their sizes, times and agents. It writes no message to disk.

mod carrier;
#[cfg(feature = "testing")]
pub mod conformance;
mod delivery;
mod error;
mod in_process;
mod inbox;

pub use bytes::Bytes;
pub use carrier::{Carrier, Judge, any_answer};
pub use delivery::{Delivery, Responder};
pub use error::{CarrierError, InboxError, RespondError, TooLong};
pub use in_process::{AlreadyRegistered, InProcess, InProcessInbox};
pub use inbox::Inbox;

/// The longest message and the longest answer, in bytes. Every carrier takes this much and refuses more.
pub const MAX_MESSAGE: usize = 384 * 1024;
