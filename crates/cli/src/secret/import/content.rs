//! Keyed digests of JSON values that are the same for one content, however it is written.
//!
//! White space, the escapes in strings and the order of members make no difference. The digits of a number do: a value is
//! stored as it is written, and `1.0` is not `1.00` to who reads it.

use aws_lc_rs::hmac;
use sealpost_json::{JsonStr, MAX_DEPTH};
use zeroize::Zeroizing;

use super::digest::{Digest, digest};

/// Returns the digest of one value. What no gateway accepts, such as one that nests deeper than [`MAX_DEPTH`], is taken as
/// it is written.
pub(super) fn content(key: &hmac::Key, value: &str) -> Digest {
    let mut reader = Reader { key, rest: value };
    match reader.value(MAX_DEPTH) {
        Some(digest) if reader.rest.trim_ascii().is_empty() => digest,
        _ => digest(key, [Some(&b"text"[..]), Some(value.as_bytes())]),
    }
}

/// Reads a value that is known to be JSON.
struct Reader<'k, 'v> {
    key: &'k hmac::Key,
    rest: &'v str,
}

impl<'v> Reader<'_, 'v> {
    fn value(&mut self, depth: usize) -> Option<Digest> {
        self.rest = self.rest.trim_ascii_start();
        match self.rest.as_bytes().first()? {
            b'"' => {
                let string = self.string()?;
                // It may be the secret. The buffer is as long as is needed from the start.
                let mut text = Zeroizing::new(vec![0; string.decoded_len()]);
                let text = string.decode_into(&mut text)?;
                Some(digest(
                    self.key,
                    [Some(&b"string"[..]), Some(text.as_bytes())],
                ))
            }
            b'{' => self.object(depth.checked_sub(1)?),
            b'[' => self.array(depth.checked_sub(1)?),
            _ => {
                let ends = |c: char| c.is_ascii_whitespace() || matches!(c, ',' | ']' | '}');
                let word = self.take(self.rest.find(ends).unwrap_or(self.rest.len()));
                Some(digest(
                    self.key,
                    [Some(&b"word"[..]), Some(word.as_bytes())],
                ))
            }
        }
    }

    fn object(&mut self, depth: usize) -> Option<Digest> {
        let mut members = Vec::new();
        while self.more('{', '}')? {
            let name = self.value(depth)?;
            self.expect(':')?;
            members.push([name, self.value(depth)?]);
        }
        // In the order of names, and those of one name, which only nested objects can have, as they are written.
        members.sort_by_key(|[name, _]| *name);
        Some(self.list(b"object", members.as_flattened()))
    }

    fn array(&mut self, depth: usize) -> Option<Digest> {
        let mut elements = Vec::new();
        while self.more('[', ']')? {
            elements.push(self.value(depth)?);
        }
        Some(self.list(b"array", &elements))
    }

    fn list(&self, kind: &[u8], parts: &[Digest]) -> Digest {
        digest(self.key, [Some(kind), Some(parts.as_flattened())])
    }

    /// Passes over what is before the next member or element; `false` if there is none.
    fn more(&mut self, open: char, close: char) -> Option<bool> {
        self.rest = self.rest.trim_ascii_start();
        let next = self.rest.chars().next()?;
        if next == open || next == ',' {
            self.take(1);
            self.rest = self.rest.trim_ascii_start();
            if next == ',' || !self.rest.starts_with(close) {
                return Some(true);
            }
        }
        self.expect(close)?;
        Some(false)
    }

    fn string(&mut self) -> Option<JsonStr<'v>> {
        let mut escaped = false;
        let mut bytes = self.rest.bytes().enumerate().skip(1);
        let (end, _) = bytes.find(|(_, byte)| {
            let ends = *byte == b'"' && !escaped;
            escaped = *byte == b'\\' && !escaped;
            ends
        })?;
        JsonStr::from_json(self.take(end + 1))
    }

    fn expect(&mut self, sign: char) -> Option<()> {
        self.rest = self.rest.trim_ascii_start().strip_prefix(sign)?;
        Some(())
    }

    fn take(&mut self, length: usize) -> &'v str {
        let (taken, rest) = self.rest.split_at(length);
        self.rest = rest;
        taken
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(value: &str) -> Digest {
        content(&hmac::Key::new(hmac::HMAC_SHA256, b"key"), value)
    }

    #[test]
    fn one_content_has_one_digest_however_it_is_written() {
        for same in [
            &[
                r#"{"a":1,"b":[true,null,"x"],"c":{"d":{}}}"#,
                " { \"a\" : 1 ,\t\"b\" : [ true , null , \"x\" ] , \"c\" : { \"d\" : { } } }\r\n",
                r#"{"c":{"d":{}},"b":[true,null,"x"],"a":1}"#,
                r#"{"\u0061":1,"b":[true,null,"\u0078"],"c":{"d":{}}}"#,
            ][..],
            &[
                r#"{"p":"\u00e9/\""}"#,
                r#"{"p":"\u00E9\/\u0022"}"#,
                "{\"p\":\"\u{e9}/\\\"\"}",
            ],
            &["{}", "{ }", "\n{\n}\n"],
            &[r#"{"a":[]}"#, r#"{"a":[ ]}"#],
        ] {
            for value in same {
                assert_eq!(of(value), of(same[0]), "{value}");
            }
        }
    }

    #[test]
    fn another_content_has_another_digest() {
        let values = [
            "{}",
            r#"{"a":1}"#,
            r#"{"a":1.0}"#,
            r#"{"a":1.00}"#,
            r#"{"a":1e0}"#,
            r#"{"a":"1"}"#,
            r#"{"a":[1]}"#,
            r#"{"a":[1,2]}"#,
            r#"{"a":[2,1]}"#,
            r#"{"a":[[1],2]}"#,
            r#"{"a":[[1,2]]}"#,
            r#"{"a":[]}"#,
            r#"{"a":{}}"#,
            r#"{"a":{"b":1}}"#,
            r#"{"b":1}"#,
            r#"{"a":null}"#,
            r#"{"a":"null"}"#,
            r#"{"a":1,"b":2}"#,
            r#"{"a":2,"b":1}"#,
            r#"{"a":"x y"}"#,
            r#"{"a":"xy"}"#,
            r#"{"a":"x  y"}"#,
            r#"{"a":{"b":1,"b":2}}"#,
            r#"{"a":{"b":2,"b":1}}"#,
            r#"{"a":"\\"}"#,
            r#"{"a":"\""}"#,
        ];
        let mut seen = std::collections::HashMap::new();
        for value in values {
            assert_eq!(seen.insert(of(value), value), None, "{value}");
        }
    }

    #[test]
    fn what_no_gateway_accepts_is_taken_as_it_is_written() {
        let deep = |depth: usize, space: &str| {
            format!("{}{space}{}", "[".repeat(depth), "]".repeat(depth))
        };
        assert_eq!(of(&deep(64, "")), of(&deep(64, " ")));
        assert_ne!(of(&deep(65, "")), of(&deep(65, " ")));
        assert_ne!(of(&deep(100_000, "")), of(&deep(100_000, " ")));
        assert_ne!(of(r#"{"a":"\ud800"}"#), of(r#"{ "a":"\ud800"}"#));
    }
}
