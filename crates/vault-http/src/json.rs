//! Members of an answer, and bytes in JSON, in memory that is wiped.

use base64ct::{Base64, Encoding as _};
use sealpost_json::{JsonStr, find_property};
use zeroize::Zeroizing;

/// Returns a part of the JSON, such as `["error", "status"]`.
#[must_use]
pub fn part<'a>(body: &'a [u8], path: &[&str]) -> Option<&'a str> {
    let mut json = std::str::from_utf8(body).ok()?;
    for name in path {
        json = find_property(json.as_bytes(), name).ok()??.as_str();
    }
    Some(json)
}

/// Returns a string of the JSON, decoded.
#[must_use]
pub fn string(body: &[u8], path: &[&str]) -> Option<Zeroizing<String>> {
    let text = JsonStr::from_json(part(body, path)?)?;
    let mut decoded = Zeroizing::new(String::with_capacity(text.decoded_len()));
    decoded.extend(text.chars());
    Some(decoded)
}

/// Returns bytes that are in Base64 in a string of the JSON.
#[must_use]
pub fn base64(body: &[u8], path: &[&str]) -> Option<Zeroizing<Vec<u8>>> {
    let text = string(body, path)?;
    Base64::decode_vec(&text).ok().map(Zeroizing::new)
}

/// Returns a text with these bytes in Base64 between two pieces. It is built in one allocation: a buffer that grows would leave
/// copies behind.
#[must_use]
pub fn with_base64(before: &str, bytes: &[u8], after: &str) -> Zeroizing<Vec<u8>> {
    let length = Base64::encoded_len(bytes);
    let mut text = Zeroizing::new(Vec::with_capacity(before.len() + length + after.len()));
    text.extend_from_slice(before.as_bytes());
    text.resize(before.len() + length, 0);
    let encoded = Base64::encode(bytes, &mut text[before.len()..]);
    debug_assert!(encoded.is_ok(), "the length is exact");
    text.extend_from_slice(after.as_bytes());
    text
}

/// Returns a text as a string of JSON between two pieces, in one allocation.
#[must_use]
pub fn with_string(before: &str, text: &str, after: &str) -> Zeroizing<Vec<u8>> {
    let escaped = text.bytes().map(|byte| match byte {
        b'"' | b'\\' => 2,
        0..0x20 => 6,
        _ => 1,
    });
    let length = before.len() + escaped.sum::<usize>() + 2 + after.len();
    let mut to = Zeroizing::new(Vec::with_capacity(length));
    to.extend_from_slice(before.as_bytes());
    to.push(b'"');
    for byte in text.bytes() {
        match byte {
            b'"' | b'\\' => to.extend_from_slice(&[b'\\', byte]),
            0..0x20 => {
                to.extend_from_slice(b"\\u00");
                to.push(DIGITS[usize::from(byte >> 4)]);
                to.push(DIGITS[usize::from(byte & 0xf)]);
            }
            _ => to.push(byte),
        }
    }
    to.push(b'"');
    to.extend_from_slice(after.as_bytes());
    to
}

/// Returns the lower-case hexadecimal digits of bytes.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    let digit = |half: u8| char::from(DIGITS[usize::from(half)]);
    bytes
        .iter()
        .flat_map(|byte| [digit(byte >> 4), digit(byte & 0xf)])
        .collect()
}

const DIGITS: &[u8; 16] = b"0123456789abcdef";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_goes_and_comes_back_in_one_piece() {
        let all: String = (0..=0x2ff).filter_map(char::from_u32).collect();
        for text in ["", "a", "\"\\", all.as_str()] {
            let json = with_string("{\"value\":", text, "}");
            assert_eq!(*string(&json, &["value"]).unwrap(), text);
            assert_eq!(json.capacity(), json.len());
        }
    }

    #[test]
    fn bytes_go_and_come_back_in_one_piece() {
        for len in [0, 1, 2, 3, 256, 65_536] {
            let bytes: Vec<u8> = (0..=u8::MAX).cycle().take(len).collect();
            let text = with_base64("{\"data\":\"", &bytes, "\"}");
            assert_eq!(base64(&text, &["data"]).unwrap()[..], bytes[..]);
            assert_eq!(text.capacity(), text.len());
        }
    }

    #[test]
    fn an_escaped_string_is_decoded() {
        let body = br#"{"error":{"data":"YQ\u003d\u003d","n":1}}"#;
        assert_eq!(base64(body, &["error", "data"]).unwrap()[..], *b"a");
        assert_eq!(part(body, &["error", "n"]), Some("1"));
        assert!(string(body, &["error", "n"]).is_none() && part(body, &["none"]).is_none());
        assert_eq!(hex(&[0, 0xab]), "00ab");
    }
}
