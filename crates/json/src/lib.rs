#![doc = include_str!("../README.md")]
//!
//! # What do you want to do?
//!
//! **Read every member of one object**, in order: [`members`].
//!
//! ```
//! let text = br#"{"alg": "RSA-OAEP-256", "crit": ["b64"]}"#;
//! let names: Result<Vec<_>, _> = sealpost_json::members(text)
//!     .map(|member| member.map(|(name, value)| (name.as_str(), value.span())))
//!     .collect();
//! assert_eq!(names?, [(Some("alg"), 8..22), (Some("crit"), 32..39)]);
//! # Ok::<(), sealpost_json::Malformed>(())
//! ```
//!
//! **Find one member of it**, compared decoded: [`find_property`].
//!
//! ```
//! let port = sealpost_json::find_property(br#"{"port": 5432.0}"#, "port")?;
//! assert_eq!(port.map(|value| value.as_str()), Some("5432.0"));
//! # Ok::<(), sealpost_json::Malformed>(())
//! ```
//!
//! **Decode one string** into a buffer of your own: [`JsonStr::from_json`].
//!
//! ```
//! let string = sealpost_json::JsonStr::from_json(r#""caf\u00e9""#).expect("it is one string");
//! let mut buffer = [0; 8];
//! assert_eq!(string.decode_into(&mut buffer), Some("café"));
//! ```
//!
//! **Refuse an object that has a name twice**: [`MemberNames`], which has an example.
//!
//! **Decide at each value how to go on**: [`Scanner`].
//!
//! ```
//! use sealpost_json::{JsonKind, MAX_DEPTH, Scanner};
//!
//! let mut scan = Scanner::new(br#" [1, 2] "#);
//! assert_eq!(scan.kind()?, JsonKind::Array);
//! let start = scan.at();
//! scan.skip_value(MAX_DEPTH)?;
//! assert_eq!(scan.since(start).as_str(), "[1, 2]");
//! scan.finish()?; // nothing else follows
//! # Ok::<(), sealpost_json::Malformed>(())
//! ```
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
