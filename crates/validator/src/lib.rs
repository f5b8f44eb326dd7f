#![doc = include_str!("../README.md")]
//!
//! # Which function
//!
//! | you have | call |
//! |---|---|
//! | the body of a request | [`validate_request`] |
//! | a value that came apart from its request, and its key | [`validate_value`] |
//! | a name or type that came as text | [`validate_name`], [`validate_type`] |
//! | a key alone | [`validate_key`] |
//! | a path or query parameter | [`parse_agent_id`], [`parse_project_id`] |
//! | a stored value | [`find_property`] |
//! | another object, such as the header of a JWE | [`members`] |
//!
//! # The rules
//!
//! | where | rule | kind |
//! |---|---|---|
//! | text | at most [`MAX_BODY`] bytes; else nothing more is checked | [`TooLarge`](ViolationKind::TooLarge) |
//! | | JSON (RFC 8259) in UTF-8, with nothing behind it; an error ends the check | [`Syntax`](ViolationKind::Syntax) |
//! | | no byte-order mark | [`ByteOrderMark`](ViolationKind::ByteOrderMark) |
//! | | arrays and objects nest at most [`MAX_DEPTH`] deep; more ends the check | [`TooDeep`](ViolationKind::TooDeep) |
//! | any string | no half of a surrogate pair; told once for a name and once for a member's value | [`LoneSurrogate`](ViolationKind::LoneSurrogate) |
//! | `#`, `#/secret` | an object | [`WrongType`](ViolationKind::WrongType) |
//! | | `secret`, `name` and `value` are there | [`Missing`](ViolationKind::Missing) |
//! | | at most [`MAX_REQUEST_MEMBERS`], unknown ones counted | [`TooManyMembers`](ViolationKind::TooManyMembers) |
//! | | no name twice; the first one is looked at | [`Duplicate`](ViolationKind::Duplicate) |
//! | | no unknown name that is a known one in another ASCII case; other unknown ones are ignored | [`WrongCase`](ViolationKind::WrongCase) |
//! | `name`, `key`, `type` | a string, not `null` | [`WrongType`](ViolationKind::WrongType) |
//! | `name`, `key` | not empty | [`Empty`](ViolationKind::Empty) |
//! | | decoded, at most [`MAX_NAME`] and [`MAX_KEY`] bytes | [`TooLong`](ViolationKind::TooLong) |
//! | | no U+0000 to U+001F, no U+007F | [`ControlCharacter`](ViolationKind::ControlCharacter) |
//! | `key` | no `.` | [`NestedKey`](ViolationKind::NestedKey) |
//! | | if it breaks no other rule: a top-level property of the value | [`NoSuchProperty`](ViolationKind::NoSuchProperty) |
//! | `type` | `[A-Za-z][A-Za-z0-9_]{0,63}` | [`Form`](ViolationKind::Form) |
//! | `value` | an object | [`WrongType`](ViolationKind::WrongType) |
//! | | at most [`MAX_VALUE`] bytes as sent | [`TooLarge`](ViolationKind::TooLarge) |
//! | | no top-level name twice | [`Duplicate`](ViolationKind::Duplicate) |
//! | | at most [`MAX_MEMBERS`] at the top level, or as many as there are slots | [`TooManyMembers`](ViolationKind::TooManyMembers) |
//! | `agentId` | `[A-Za-z0-9_-]{1,64}` | [`Form`](ViolationKind::Form) |
//! | `projectId` | a UUID with hyphens, in either case | [`Form`](ViolationKind::Form) |
//!
//! Names are compared decoded: `"n\u0061me"` is `name`. A violation stands at the byte of what it
//! is about: the opening quote of a name, the first byte of a value, the closing brace of an object
//! that lacks something. That order is the order of the list.
//!
//! # What it costs
//!
//! Time is linear in the bytes, for any bytes. The text is read once as UTF-8 and once as JSON, and
//! each byte that a rule is about once more. Names are told apart by a hash table as long as they
//! fall into it evenly. There is no secret in the hash: names that were made to collide are moved
//! to a crit-bit tree over their decoded bits, where to add a name takes steps in proportion to its
//! length, whatever the others are. The tests count the steps. Nothing is sorted.
//!
//! Memory is the caller's [`Slot`]s (8 bytes for each top-level member of the value), the caller's
//! [`Violations`], and less than 3 KiB of stack.
//!
//! The tokenizer is our own because those that need no allocator (picojson 0.2) tell no positions
//! in the text, and those that do (json-cursor 0.1, jsonx-lib 0.5) allocate.
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
mod request;
mod scan;
mod steps;
mod string;
mod text;
mod value;
mod violation;
mod walk;

pub use malformed::Malformed;
pub use members::{Members, members};
pub use names::Slot;
pub use request::{Request, validate_request};
#[cfg(fuzzing)]
pub use steps::take_steps;
pub use string::JsonStr;
pub use text::{parse_agent_id, parse_project_id, validate_key, validate_name, validate_type};
pub use value::{find_property, validate_value};
pub use violation::{Violation, ViolationKind, Violations, ViolationsIter};
pub use walk::Naming;

/// The largest body of a request, in bytes.
pub const MAX_BODY: usize = 128 * 1024;

/// The largest value, in bytes as sent.
pub const MAX_VALUE: usize = 64 * 1024;

/// The longest name of a secret, in bytes of UTF-8 after decoding.
pub const MAX_NAME: usize = 512;

/// The longest key, in bytes of UTF-8 after decoding.
pub const MAX_KEY: usize = 256;

/// The most top-level members of a value.
pub const MAX_MEMBERS: usize = 1024;

/// The most members of the request and of `secret`, each.
pub const MAX_REQUEST_MEMBERS: usize = 64;

/// How deep arrays and objects may nest. `value` itself is the first level, and so is each other
/// member's value, whose depth is limited in the same way.
pub const MAX_DEPTH: usize = 64;
