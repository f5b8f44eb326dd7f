#![doc = include_str!("../README.md")]
//!
//! # Which reader
//!
//! | you want | call |
//! |---|---|
//! | every member of one object | [`members`] |
//! | one member of it | [`find_property`] |
//! | one string | [`JsonStr::from_json`] |
//! | to know whether an object has a name twice | [`MemberNames`] |
//! | to decide at each value how to go on | [`Scanner`] |
//!
//! # What is read
//!
//! RFC 8259 in UTF-8, and nothing else: no byte-order mark, no comments, no trailing commas, nothing behind the value.
//! Arrays and objects nest at most [`MAX_DEPTH`] deep. Half of a surrogate pair is syntax by RFC 8259; every reader but
//! [`Scanner`], which notes it, refuses it. An error gives the first byte that cannot stand where it stands.
//!
//! # What it costs
//!
//! Time is linear in the bytes, for any bytes: the text is read once as UTF-8 and once as JSON. Names are told apart by a
//! hash table as long as they fall into it evenly. There is no secret in the hash: names that were made to collide are
//! moved to a crit-bit tree over their decoded bits, where to add a name takes steps in proportion to its length,
//! whatever the others are. The tests count the steps. Nothing is sorted, nothing recurses, nothing is allocated.
//!
//! The tokenizer is our own because those that need no allocator (picojson 0.2) tell no positions in the text, and those
//! that do (json-cursor 0.1, jsonx-lib 0.5) allocate.
//!
//! # Features
//!
//! None.
#![no_std]
#![forbid(unsafe_code)]
#![deny(missing_docs)]

#[cfg(any(test, fuzzing))]
extern crate std;

mod malformed;
mod members;
mod names;
mod property;
mod scan;
mod steps;
mod string;
mod value;

pub use malformed::Malformed;
pub use members::{Members, members};
pub use names::{Inserted, Key, MAX_MEMBERS, MAX_TEXT, MemberNames, Slot};
pub use property::find_property;
pub use scan::{JsonKind, Scanner, Token};
#[cfg(fuzzing)]
pub use steps::take_steps;
pub use string::JsonStr;
pub use value::JsonValue;

/// How deep arrays and objects may nest. The outermost one is the first level.
pub const MAX_DEPTH: usize = 64;
