#![doc = include_str!("../README.md")]
//!
//! # What do you want to do?
//!
//! **Check the body of a request**: [`validate_request`].
//!
//! ```
//! use sealpost_validator::{Slot, Violations, validate_request};
//!
//! let body = br#"{"secret": {"name": "db", "key": "password", "value": {"password": "hunter2"}}}"#;
//! let mut scratch = [Slot::EMPTY; 64]; // at most 64 members of the value
//! let mut violations = Violations::<16>::new();
//! let request = validate_request(body, &mut scratch, &mut violations).expect("it breaks no rule");
//! assert_eq!(request.value.as_str(), r#"{"password": "hunter2"}"#);
//! ```
//!
//! **Answer with all violations**: [`Violations`], each with its kind, its place and a text.
//!
//! ```
//! use sealpost_validator::{Slot, ViolationKind, Violations, validate_request};
//!
//! let body = br#"{"secret": {"name": "", "value": []}}"#;
//! let mut violations = Violations::<16>::new();
//! assert!(validate_request(body, &mut [Slot::EMPTY; 64], &mut violations).is_none());
//! let kinds: Vec<_> = violations.iter().map(|violation| violation.kind()).collect();
//! assert_eq!(kinds, [ViolationKind::Empty, ViolationKind::WrongType]);
//! ```
//!
//! **Check a value that came apart from its request**, and its key: [`validate_value`]. If the reader of the answer may not
//! know the value's shape, take [`Naming::Withhold`].
//!
//! ```
//! use sealpost_validator::{Naming, Slot, Violations, validate_value};
//!
//! let (opened, mut scratch) = (br#"{"password": "hunter2"}"#, [Slot::EMPTY; 64]);
//! let mut violations = Violations::<8>::new();
//! let value = validate_value(opened, Some("password"), Naming::Withhold, &mut scratch, &mut violations);
//! assert!(value.is_some());
//! ```
//!
//! **Check one name, key or type** that came as text, a path or query parameter: the types of [`sealpost_context`].
//!
//! ```
//! # use sealpost_context as context;
//! assert!(context::PropertyKey::try_from("").is_err());
//! ```
//!
//! **Read a stored value**: [`sealpost_json::find_property`]. **Read another object**, such as the header of a JWE:
//! [`sealpost_json::members`].
//!
//! ```
//! let found = sealpost_json::find_property(br#"{"port": 5432}"#, "port")?;
//! assert_eq!(found.map(|value| value.as_str()), Some("5432"));
//! # Ok::<(), sealpost_json::Malformed>(())
//! ```
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
//! | `key` | if it breaks no other rule: a top-level property of the value, whose name is the whole key | [`NoSuchProperty`](ViolationKind::NoSuchProperty) |
//! | | the same for a key with a `.`, which may be meant to lead to a nested property | [`NestedKey`](ViolationKind::NestedKey) |
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
