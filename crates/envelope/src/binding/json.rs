//! Writing JSON: flat objects of strings, and members that are JSON already.

use alloc::string::String;
use core::fmt::Write as _;

#[cfg(feature = "jwe")]
use crate::base64url;

/// An object that is being written, without white space (RFC 8259 §4).
pub(crate) struct Object(String);

impl Object {
    pub(crate) fn new() -> Self {
        Self("{".into())
    }

    /// A member whose value is a string. `name` needs no escapes.
    pub(crate) fn text(&mut self, name: &str, value: &str) {
        self.name(name);
        string(value, &mut self.0);
    }

    /// A member whose value is a string, these bytes in base64url, of which nothing needs to be escaped.
    #[cfg(feature = "jwe")]
    pub(crate) fn base64url(&mut self, name: &str, bytes: &[u8]) {
        self.name(name);
        self.0.reserve(base64url::encoded_len(bytes) + 2);
        self.0.push('"');
        base64url::append(bytes, &mut self.0);
        self.0.push('"');
    }

    /// A member whose value is this JSON text.
    #[cfg(feature = "jwe")]
    pub(crate) fn json(&mut self, name: &str, value: &str) {
        self.name(name);
        self.0.push_str(value);
    }

    pub(crate) fn finish(mut self) -> String {
        self.0.push('}');
        self.0
    }

    fn name(&mut self, name: &str) {
        if self.0.len() > 1 {
            self.0.push(',');
        }
        string(name, &mut self.0);
        self.0.push(':');
    }
}

/// RFC 8259 §7: quotes, backslashes and control characters are escaped, nothing else.
fn string(text: &str, out: &mut String) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => {
                out.push('\\');
                out.push(c);
            }
            '\0'..='\u{1f}' => {
                // Writing to a string does not fail.
                let _ = write!(out, "\\u{:04x}", u32::from(c));
            }
            _ => out.push(c),
        }
    }
    out.push('"');
}
