#![doc = include_str!("../README.md")]
//!
//! # Which function
//!
//! | you have | call |
//! |---|---|
//! | the body of a request | [`validate_request`] |
//! | a value that came apart from its request, and its key | [`validate_value`] |
//! | a name, key or type that came as text, a path or query parameter | the types of [`sealpost_context`] |
//! | a stored value | [`sealpost_json::find_property`] |
//! | another object, such as the header of a JWE | [`sealpost_json::members`] |
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
//!
//! Names are compared decoded: `"n\u0061me"` is `name`. A violation stands at the byte of what it
//! is about: the opening quote of a name, the first byte of a value, the closing brace of an object
//! that lacks something. That order is the order of the list.
//!
//! # What it costs
//!
//! Time is linear in the bytes, for any bytes: the [reader](sealpost_json) looks at each twice, and each byte that a
//! rule is about is read once more.
//!
//! Memory is the caller's [`Slot`]s (8 bytes for each top-level member of the value), the caller's
//! [`Violations`], and less than 3 KiB of stack.
//!
//! # Features
//!
//! None.
#![no_std]
#![forbid(unsafe_code)]
#![deny(missing_docs)]

#[cfg(test)]
extern crate std;

mod request;
mod value;
mod violation;
mod walk;

pub use request::{Request, validate_request};
pub use sealpost_context::rules::{MAX_KEY, MAX_NAME};
// What the functions take and return.
pub use sealpost_json::{JsonStr, JsonValue, MAX_DEPTH, MAX_MEMBERS, Slot};
pub use value::validate_value;
pub use violation::{Violation, ViolationKind, Violations, ViolationsIter};
pub use walk::Naming;

/// The largest body of a request, in bytes.
pub const MAX_BODY: usize = 128 * 1024;

/// The largest value, in bytes as sent.
pub const MAX_VALUE: usize = 64 * 1024;

/// The most members of the request and of `secret`, each.
pub const MAX_REQUEST_MEMBERS: usize = 64;

// The reader tells apart the names of bodies as long as this.
const _: () = assert!(MAX_BODY <= sealpost_json::MAX_TEXT);
