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

/// RFC 8259 §7, in ASCII: what is outside is `\uXXXX`, in surrogate pairs, with short escapes where there are any.
///
/// This is how Python's `json.dumps` writes. Some libraries encode a protected header again before they authenticate it:
/// they open what they would have written themselves.
fn string(text: &str, out: &mut String) {
    out.push('"');
    for c in text.chars() {
        let short = match c {
            '"' | '\\' => c,
            '\u{8}' => 'b',
            '\t' => 't',
            '\n' => 'n',
            '\u{c}' => 'f',
            '\r' => 'r',
            ' '..='~' => {
                out.push(c);
                continue;
            }
            _ => {
                for unit in c.encode_utf16(&mut [0; 2]) {
                    // Writing to a string does not fail.
                    let _ = write!(out, "\\u{unit:04x}");
                }
                continue;
            }
        };
        out.push('\\');
        out.push(short);
    }
    out.push('"');
}
