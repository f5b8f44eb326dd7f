//! The vault against a double of the service, which answers as its documentation says. None of these tests has met the service itself.
#![allow(clippy::unwrap_used)] // a failed unwrap is a failed test

mod double;
mod permissions;
mod race;
mod rig;
mod secrecy;
mod suite;
