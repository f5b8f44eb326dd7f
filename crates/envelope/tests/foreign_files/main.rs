//! Files of keys and certificates that other software wrote: read, or named with what to do. The commands that errors
//! give are taken out of their texts and run.

#![allow(clippy::unwrap_used)] // a failed unwrap is a failed test
#![cfg(any(feature = "aws-lc", feature = "rustcrypto"))]

mod certificates;
mod jwk;
mod private_keys;
mod tools;

#[cfg(feature = "aws-lc")]
use sealpost_envelope::AwsLc as Any;
#[cfg(not(feature = "aws-lc"))]
use sealpost_envelope::RustCrypto as Any;
