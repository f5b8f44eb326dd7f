//! The context in JSON, and the wrapper that holds it.

use sealpost_envelope::{binding::Binding, wrapper};
use serde_json::{Map, Value};

use crate::{
    allocations::bounded,
    input,
    reader::{self, Role},
};

/// What is accepted, written again, is read as the same, and another reader of JSON agrees on every member.
pub(crate) fn binding(bytes: &[u8]) {
    let Ok(json) = str::from_utf8(bytes) else {
        return;
    };
    let Ok(binding) = bounded(json.len(), 6, 64, || Binding::parse(json)) else {
        return;
    };
    let written = binding.to_json();
    assert_eq!(Binding::parse(&written).as_ref(), Ok(&binding));
    assert_eq!(binding.check(&binding.context()), Ok(()));
    let ours: Value = serde_json::from_str(&written).expect("it is JSON");
    let theirs: Value = serde_json::from_str(json).expect("what is accepted is JSON");
    assert_eq!(ours, theirs);
    distinct(json.as_bytes());
    let context = binding.context();
    assert_eq!(theirs["agent"], context.agent_id());
    assert_eq!(theirs["name"], context.name());
    assert_eq!(theirs.get("key").and_then(Value::as_str), context.key());
    assert_eq!(
        theirs.get("type").and_then(Value::as_str),
        context.secret_type()
    );
    // A context that differs in its name alone is another one.
    let other = format!("{}x", context.name());
    let other = sealpost_envelope::SecretContext::unchecked(context.agent_id(), &other);
    assert!(binding.check(&other).is_err());
}

/// A wrapper, and the parts of one: what is read is in there byte for byte, and what is wrapped is read.
pub(crate) fn wrapper(bytes: &[u8]) {
    read(bytes);
    // Most of what a fuzzer invents lacks the frame.
    let [context, value] = input::parts(bytes);
    let Some(binding) = str::from_utf8(context)
        .ok()
        .and_then(|json| Binding::parse(json).ok())
    else {
        return;
    };
    let wrapped = wrapper::wrap(&binding, value);
    if let Ok(read) = wrapper::unwrap(&wrapped) {
        assert_eq!(read.binding, binding, "a value can't change its context");
        assert_eq!(&wrapped[read.value], trim(value));
    } else {
        assert!(serde_json::from_slice::<Value>(value).is_err() || unusual(value));
    }
}

fn read(bytes: &[u8]) {
    let Ok(read) = bounded(bytes.len(), 4, 64, || wrapper::unwrap(bytes)) else {
        return;
    };
    assert_eq!(distinct(bytes), 2, "there is nothing else in it");
    let value = &bytes[read.value];
    assert_eq!(value, trim(value));
    let again = wrapper::wrap(&read.binding, value);
    let twice = wrapper::unwrap(&again).expect("it was read once");
    assert_eq!(twice.binding, read.binding);
    assert_eq!(&again[twice.value], value);
}

/// The number of an object's members, no two of which have one name. Most readers of JSON keep the last of two.
pub(crate) fn distinct(json: &[u8]) -> usize {
    let object: Map<String, Value> = serde_json::from_slice(json).expect("it is an object");
    let read = reader::read(json, Role::Other);
    let members = read.root.map_or(0, |root| root.members.len());
    assert_eq!(members, object.len(), "a name is there twice");
    members
}

/// White space of JSON (RFC 8259 §2).
fn trim(text: &[u8]) -> &[u8] {
    let blank = |byte: &u8| b" \t\r\n".contains(byte);
    let start = text.iter().take_while(|byte| blank(byte)).count();
    let end = text.iter().rev().take_while(|byte| blank(byte)).count();
    text.get(start..text.len() - end).unwrap_or_default()
}

/// Deeper than is read here, in the wrapper that is a level itself, and not deeper than the other reader goes.
fn unusual(value: &[u8]) -> bool {
    depth(value) >= sealpost_json::MAX_DEPTH
}

/// How many objects and arrays stand in each other at most, in what is JSON.
fn depth(json: &[u8]) -> usize {
    let (mut depth, mut deepest) = (0_usize, 0);
    let mut bytes = json.iter();
    while let Some(byte) = bytes.next() {
        match byte {
            b'[' | b'{' => depth += 1,
            b']' | b'}' => depth -= 1,
            // A string, with what is escaped in it.
            b'"' => {
                while let Some(b'\\') = bytes.find(|byte| b"\\\"".contains(byte)) {
                    bytes.next();
                }
            }
            _ => {}
        }
        deepest = deepest.max(depth);
    }
    deepest
}

#[cfg(test)]
mod tests {
    use sealpost_envelope::SecretContext;

    use super::*;

    #[test]
    fn depth_is_that_of_what_is_no_string() {
        for (json, deep) in [
            ("1", 0),
            ("[{},{},[]]", 2),
            (r#"{"[[[":"\\\"[{","a":[]}"#, 2),
            (r#"["\\",[[]]]"#, 3),
        ] {
            assert_eq!(depth(json.as_bytes()), deep, "{json}");
        }
    }

    /// The excuse begins where the product's limit is.
    #[test]
    fn only_what_is_refused_is_unusual() {
        let binding = Binding::new(&SecretContext::unchecked("agent-1", "n"));
        for levels in 60..70 {
            let value = ["[".repeat(levels), "]".repeat(levels)].concat();
            let wrapped = wrapper::wrap(&binding, value.as_bytes());
            let refused = wrapper::unwrap(&wrapped).is_err();
            assert_eq!(refused, unusual(value.as_bytes()), "{levels}");
        }
    }
}
