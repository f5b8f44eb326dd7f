//! The file vault: it passes the suite, keeps what it holds, and says why it does not open.
#![allow(clippy::unwrap_used)] // a failed unwrap is a failed test

mod crash;
mod every_bit;
mod header;
mod keeping;
mod key_file;
mod lost;
mod maintenance;
mod model;
mod opening;
mod rot;
mod tampering;
mod version_1;
