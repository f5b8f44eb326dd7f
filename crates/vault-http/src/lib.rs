//! What adapters of vaults behind HTTPS share, beside what `sealpost_vault` has for them.
//!
//! | you want | use |
//! |---|---|
//! | to send a request and to read its answer, in memory that is wiped | [`Http`], [`Request`], [`Answer`] |
//! | to authenticate with a token that ends | [`TokenSource`], [`Session`] |
//! | to say whether the vault can serve | [`State`] |
//! | a member of an answer | [`json`] |
//!
//! It decides nothing about any vault: what an answer means is said by the vault's own crate.
//!
//! # Security
//!
//! Bodies and tokens live in buffers that are wiped; errors and `Debug` show neither. A redirection is not followed: a token goes
//! to the configured address alone. What arrives has passed through buffers of the HTTP library, which are not wiped.

#![forbid(unsafe_code)]

mod client;
mod http;
pub mod json;
mod session;
mod state;

pub use client::{Connection, is_plain};
pub use http::{Answer, FORM, Http, JSON, Late, Request};
pub use session::{Bearer, Session, StaticToken, TokenSource};
pub use state::State;
