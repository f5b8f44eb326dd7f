//! Group commit: one thread writes for all callers, and one fsync serves all that wait.
//!
//! While the thread waits for the disk, changes queue; when it comes back, it takes all that are there and commits
//! them together. A change never waits for company, and under load the disk is asked once for many changes. The
//! queue is bounded: when it is full, callers wait.
//!
//! ```
//! use sealpost_group_commit::{Bounds, Commit, Failure, GroupCommit};
//!
//! /// Keeps numbers, and tells each caller how many there were before.
//! struct Numbers(Vec<u32>);
//!
//! impl Commit for Numbers {
//!     type Change = u32;
//!     type Answer = usize;
//!     type Error = &'static str;
//!
//!     fn commit(&mut self, changes: &[u32], answers: &mut Vec<usize>) -> Result<(), Failure<&'static str>> {
//!         for change in changes {
//!             answers.push(self.0.len());
//!             self.0.push(*change);
//!         }
//!         Ok(()) // here an fsync would be
//!     }
//! }
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let writer = GroupCommit::start("numbers", Numbers(Vec::new()), Bounds::default())?;
//! assert_eq!(writer.submit(7).await, Ok(0));
//! assert_eq!(writer.submit(8).await, Ok(1));
//! writer.close().await;
//! assert!(writer.submit(9).await.is_err());
//! # Ok(())
//! # }
//! # tokio::runtime::Runtime::new().unwrap().block_on(example()).unwrap();
//! ```
//!
//! # Decisions
//!
//! - **A batch is all or nothing.** [`Commit::commit`] makes every change of a batch durable, or none; all callers
//!   of a batch that failed get the same error.
//! - **The store says whether the writer may go on.** After [`Failure::Passing`] (no space left) it refuses changes with that
//!   error and asks [`Commit::recover`] each second, without waiting for a change, until that succeeds. Refusing is cheap and
//!   agrees with [`GroupCommit::state`]: while every change were tried, a full disk would be written to by every caller, and
//!   small changes would succeed while large ones fail. After [`Failure::Final`] (a failed fsync) it commits nothing more.
//! - **The state comes before the answer.** A caller who was told of a failure finds it in [`GroupCommit::state`].
//! - **A caller may leave.** When the future of [`GroupCommit::submit`] is dropped, a change that is in the queue is
//!   still committed.
//! - **Nothing that is queued is forgotten.** [`GroupCommit::close`] and dropping commit what was queued before.
//!
//! # What it does not do
//!
//! It knows no file, does no I/O, and tries no change a second time.

#![forbid(unsafe_code)]
#![deny(missing_docs)]

mod commit;
mod error;
mod writer;

pub use commit::{Bounds, Commit, Failure};
pub use error::{End, State, SubmitError};
pub use writer::GroupCommit;
