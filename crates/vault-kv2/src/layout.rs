//! How a secret is stored: `docs/vaults/kv2.md` has the layout, and why it is so.
//!
//! ```json
//! {
//!   "password": "correct horse",
//!   "port": "5432.0",
//!   "sealpost": {
//!     "created-4f…": "",
//!     "sha256": "SHA-256 of the text",
//!     "text": "{\"password\": \"correct horse\", \"port\": 5432.0}"
//!   }
//! }
//! ```
//!
//! The engine rewrites JSON, so the exact text is a string of its own; the fields beside it are for people and for other
//! software. What is not text in the value is a string in a field, too: numbers would lose digits and appear in the audit log.

mod read;

use std::collections::HashSet;

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::hmac::{self, HMAC_SHA256};
use base64ct::{Base64, Encoding as _};
use sealpost_json::{JsonStr, members};
use sealpost_vault::OperationId;
use zeroize::Zeroizing;

#[cfg(test)]
use read::Edited;
pub(crate) use read::{has_mark, value};

/// What a create leaves in the names of members: an HMAC of the value with the operation as the key. Only this operation with this
/// value has it, and who does not know the operation can't try guessed values.
pub(crate) struct Mark(String);

impl Mark {
    pub(crate) fn of(value: &[u8], operation: &OperationId) -> Self {
        let key = hmac::Key::new(HMAC_SHA256, operation.as_bytes());
        let mut mac = hmac::Context::with_key(&key);
        mac.update(LABEL);
        mac.update(value);
        Self(format!("{CREATED}{}", hex(mac.sign().as_ref())))
    }
}

/// A top-level member of a value, and the field that stands for it.
pub(crate) struct Field<'a> {
    pub(crate) name: String,
    /// A string decoded, anything else as its JSON text.
    pub(crate) plain: Zeroizing<String>,
    /// The member's value as it stands in the text.
    pub(crate) json: &'a str,
}

/// Returns the body of a request that stores a value only where there is nothing. It is built in one allocation: a buffer that
/// grows would leave copies behind.
pub(crate) fn body(value: &[u8], mark: &Mark) -> Zeroizing<Vec<u8>> {
    let fields = fields(value);
    let Mark(mark) = mark;
    let hash = hash(value);
    let base64;
    let (kind, text) = match std::str::from_utf8(value) {
        Ok(text) => ("text", text),
        Err(_) => {
            base64 = Zeroizing::new(Base64::encode_string(value));
            ("base64", base64.as_str())
        }
    };
    let strings = fields
        .iter()
        .map(|f| quoted_len(&f.name) + quoted_len(&f.plain) + 2);
    let length = FRAME + strings.sum::<usize>() + quoted_len(text) + mark.len() + hash.len();
    let mut body = Zeroizing::new(Vec::with_capacity(length));
    body.extend_from_slice(br#"{"options":{"cas":0},"data":{"#);
    for Field { name, plain, .. } in &fields {
        quote(name, &mut body);
        body.push(b':');
        quote(plain, &mut body);
        body.push(b',');
    }
    let head = format!(r#""{RESERVED}":{{"{mark}":"","sha256":"{hash}","{kind}":"#);
    body.extend_from_slice(head.as_bytes());
    quote(text, &mut body);
    body.extend_from_slice(b"}}}");
    debug_assert!(body.len() <= length, "the buffer did not grow");
    body
}

/// Returns the fields of a value: its top-level members in order, if it is an object without duplicates that the engine takes.
pub(crate) fn fields(value: &[u8]) -> Vec<Field<'_>> {
    let (mut found, mut names) = (Vec::new(), HashSet::new());
    for member in members(value) {
        let Ok((name, json)) = member else {
            return Vec::new();
        };
        let name = decoded(name);
        if !names.insert(name.to_string()) || names.len() > MAX_FIELDS {
            return Vec::new();
        }
        let json = json.as_str();
        let plain = match JsonStr::from_json(json) {
            Some(string) => decoded(string),
            None => Zeroizing::new(json.to_owned()),
        };
        if *name != RESERVED {
            found.push(Field {
                name: name.to_string(),
                plain,
                json,
            });
        }
    }
    found
}

/// Decodes a string into memory that is wiped.
fn decoded(string: JsonStr<'_>) -> Zeroizing<String> {
    // Decoding never makes a text longer: the buffer does not grow.
    let mut buffer = Zeroizing::new(vec![0; string.raw().len()]);
    let text = string.decode_into(&mut buffer).unwrap_or_default();
    Zeroizing::new(text.to_owned())
}

fn hash(value: &[u8]) -> String {
    hex(digest(&SHA256, value).as_ref())
}

fn hex(bytes: &[u8]) -> String {
    let text = String::with_capacity(2 * bytes.len());
    bytes.iter().fold(text, |mut text, byte| {
        text.push(char::from(DIGITS[usize::from(byte >> 4)]));
        text.push(char::from(DIGITS[usize::from(byte & 0xF)]));
        text
    })
}

/// Writes a JSON string, RFC 8259 §7.
pub(crate) fn quote(text: &str, to: &mut Vec<u8>) {
    to.push(b'"');
    for byte in text.bytes() {
        match byte {
            b'"' | b'\\' => to.extend_from_slice(&[b'\\', byte]),
            0..0x20 => {
                to.extend_from_slice(b"\\u00");
                to.push(DIGITS[usize::from(byte >> 4)]);
                to.push(DIGITS[usize::from(byte & 0xF)]);
            }
            _ => to.push(byte),
        }
    }
    to.push(b'"');
}

/// Returns how many bytes [`quote`] writes.
pub(crate) fn quoted_len(text: &str) -> usize {
    let escaped = text.bytes().map(|byte| match byte {
        b'"' | b'\\' => 2,
        0..0x20 => 6,
        _ => 1,
    });
    escaped.sum::<usize>() + 2
}

/// The member of ours. A member of this name in a value is in the text alone.
pub(crate) const RESERVED: &str = "sealpost";
const CREATED: &str = "created-";
const LABEL: &[u8] = b"sealpost/kv2/1";
const DIGITS: &[u8; 16] = b"0123456789abcdef";
/// The names and signs of ours around the fields, the mark, the hash and the text.
const FRAME: usize = 128;
/// OpenBao takes 1,000 strings in a request, names counted. Ours are 10.
pub(crate) const MAX_FIELDS: usize = 494;

#[cfg(test)]
mod tests;
