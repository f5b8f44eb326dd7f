//! One property of a stored value, and what is said of values that cannot be read.

#![allow(clippy::unwrap_used)] // a failed unwrap is a failed test

use sealpost_json::find_property;

#[test]
fn properties_of_a_stored_value() {
    let value = br#" {"a": {"b": 1}, "\u0062": "x\ny" , "":[], "c.d": null} "#;
    let found = |name: &str| {
        let property = find_property(value, name).unwrap()?;
        assert_eq!(&value[property.span()], property.as_bytes());
        Some(property.as_str())
    };
    assert_eq!(found("a"), Some(r#"{"b": 1}"#));
    assert_eq!(found("b"), Some(r#""x\ny""#));
    assert_eq!(found(""), Some("[]"));
    assert_eq!(found("c.d"), Some("null"));
    assert_eq!(found("c"), None);
    assert_eq!(found(r"\u0062"), None);

    let line = |value: &[u8]| {
        let error = find_property(value, "a").unwrap_err();
        (error.position(), error.to_string())
    };
    let expected = |at, text: &str| (at, text.to_owned());
    assert_eq!(
        line(b""),
        expected(
            0,
            "not valid JSON at byte 0, where it ends: expected a value"
        )
    );
    assert_eq!(
        line(b"[1]"),
        expected(0, "not valid JSON at byte 0: expected an object")
    );
    assert_eq!(
        line(br#"{"a":1} x"#),
        expected(8, "not valid JSON at byte 8: expected the end of the text")
    );
    assert_eq!(
        line(br#"{"a":1,"b":2,"\u0061":3}"#),
        expected(13, "has the property a second time at byte 13")
    );
    assert_eq!(
        line(br#"{"a":1,"b":"\ud800"}"#),
        expected(12, "escapes half of a surrogate pair at byte 12")
    );
    assert_eq!(
        line(b"{\"a\":1,\xFF"),
        expected(7, "invalid UTF-8 at byte 7; send the text in UTF-8")
    );
    let deep = format!(r#"{{"a":{}"#, "[".repeat(64));
    assert_eq!(
        line(deep.as_bytes()),
        expected(68, "nests deeper than 64 levels at byte 68; flatten it")
    );
    assert_eq!(
        format!("{:?}", find_property(b"[1]", "a").unwrap_err()),
        "Malformed(not valid JSON at byte 0: expected an object)"
    );
}
