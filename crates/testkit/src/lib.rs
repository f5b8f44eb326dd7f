//! What the tests of several crates need. A dev-dependency only: nothing that is shipped links it.
//!
//! - [`files`]: the test data of the repository, by name.
//! - [`random`]: random numbers from a seed.
//! - `keys` (feature `envelope`): the identities, recipients and certificates of `testdata/keys`.
//! - `clock` (feature `protocol`): a clock that the test sets.
//! - `channels` (feature `protocol`): an agent at the other end of a gateway's channels.
//! - [`freed`]: an allocator that keeps a copy of each freed block and counts allocations.
//! - [`canary`]: an allocator that looks for one value in each freed block, on all threads.
//! - [`counting`]: an allocator that counts the bytes of the current thread.
//! - [`der`]: a writer of DER that shares nothing with the code under test.
//! - [`commands`]: whether another program is installed.

#![allow(clippy::missing_panics_doc)] // a panic is how a test fails
#![allow(clippy::unwrap_used)]

pub mod canary;
#[cfg(feature = "protocol")]
pub mod channels;
#[cfg(feature = "protocol")]
pub mod clock;
pub mod commands;
pub mod counting;
pub mod der;
pub mod files;
pub mod freed;
#[cfg(feature = "envelope")]
pub mod keys;
pub mod random;
