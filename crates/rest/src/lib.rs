//! What the gateway and its clients share: the table of problem types, and two small helpers.
//!
//! | you want | use |
//! |---|---|
//! | to decide what a problem means | [`ProblemType`] |
//! | to show an error with its causes in one line | [`ErrorChain`] |
//! | to know whether plain HTTP to a host stays on this machine | [`is_loopback`] |
//!
//! ```
//! use sealpost_rest::{ProblemType, Retry};
//!
//! let problem = ProblemType::from_urn("urn:sealpost:problem:agent-offline").ok_or("not known")?;
//! assert_eq!(problem.status(), 504);
//! assert_eq!(problem.retry(), Retry::Later);
//! assert!(!problem.may_have_been_stored());
//! # Ok::<(), &str>(())
//! ```
//!
//! This crate knows no HTTP library: a status is a number.

#![no_std]
#![forbid(unsafe_code)]
#![deny(missing_docs)]

mod error_chain;
mod loopback;
mod problem_type;

pub use error_chain::ErrorChain;
pub use loopback::is_loopback;
pub use problem_type::{ProblemType, Retry};
