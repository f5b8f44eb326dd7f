//! Every rule, one broken at a time and in company, with the exact lines that people read.

mod shown;
mod syntax;

use std::iter::repeat_n;

use sealpost_validator::{
    MAX_BODY, MAX_DEPTH, MAX_MEMBERS, MAX_VALUE, Naming, Slot, Violation, ViolationKind,
    Violations, validate_request, validate_value,
};

/// Each violation of a request as "position line".
fn lines(body: impl AsRef<[u8]>) -> Vec<String> {
    let mut scratch = [Slot::EMPTY; MAX_MEMBERS];
    let mut violations = Violations::<64>::new();
    let request = validate_request(body.as_ref(), &mut scratch, &mut violations);
    assert_eq!(request.is_some(), violations.is_empty());
    let line = |v: &Violation<'_>| format!("{} {v}", v.position().expect("it is in the body"));
    violations.iter().map(line).collect()
}

#[track_caller]
fn refused(body: impl AsRef<[u8]>, expected: &[&str]) {
    assert_eq!(lines(body), expected);
}

#[track_caller]
fn accepted(body: impl AsRef<[u8]>) {
    assert_eq!(lines(body), [""; 0]);
}

/// A request with these members in `secret`, beside the two that are required.
fn with(members: &str) -> String {
    format!(r#"{{"secret":{{"name":"n","value":{{"a":1}},{members}}}}}"#)
}

fn with_name(json: &str) -> String {
    format!(r#"{{"secret":{{"name":{json},"value":{{}}}}}}"#)
}

fn with_value(json: impl std::fmt::Display) -> String {
    format!(r#"{{"secret":{{"name":"n","value":{json}}}}}"#)
}

#[test]
fn the_examples_of_the_description_are_accepted() {
    accepted(r#"{"secret": {"name": "my-secret", "value": {"password": "P@ssw0rd123"}}}"#);
    accepted(
        r#"{
            "secret": {
                "name": "my-secret",
                "type": "OAUTH_CLIENT_CREDENTIALS",
                "key": "clientSecret",
                "value": {"clientId": "my-client-id", "clientSecret": "12345"}
            }
        }"#,
    );
    accepted(with_value("{}"));
}

#[test]
fn parts_are_spans_of_the_body() {
    let body = br#"{"secret": {"value": { "a" : 1.50e+1, "\u0062":"x" }, "key":"\u0062",
        "type":"T", "n\u0061me":"caf\u00e9"}}"#;
    let mut scratch = [Slot::EMPTY; 2];
    let mut violations = Violations::<1>::new();
    let request = validate_request(body, &mut scratch, &mut violations).unwrap();
    assert_eq!(request.value.as_str(), r#"{ "a" : 1.50e+1, "\u0062":"x" }"#);
    assert_eq!(request.name.raw(), r"caf\u00e9");
    assert_eq!(request.name, *"café");
    assert_eq!(request.name.decoded_len(), 5);
    assert_eq!(request.name.as_str(), None);
    assert_eq!(request.name.decode_into(&mut [0; 5]), Some("café"));
    assert_eq!(request.name.decode_into(&mut [0; 4]), None);
    assert_eq!(request.key.unwrap(), *"b");
    assert_eq!(request.secret_type.unwrap().as_str(), Some("T"));
    assert_eq!(&body[request.value.span()], request.value.as_bytes());
}

#[test]
fn what_is_no_request_at_all() {
    refused(
        "",
        &["0 #: not valid JSON at byte 0, where it ends: expected a value"],
    );
    refused(
        "{",
        &[
            "1 #: not valid JSON at byte 1, where it ends: expected a member name in double quotes, or `}`",
        ],
    );
    refused(
        "[]",
        &[
            r#"0 #: must be a JSON object, but an array was sent; send {"secret": {"name": …, "value": {…}}}"#,
        ],
    );
    refused(
        r#" "secret""#,
        &[
            r#"1 #: must be a JSON object, but a string was sent; send {"secret": {"name": …, "value": {…}}}"#,
        ],
    );
    refused(
        vec![b'['; 1 << 20],
        &["0 #: has 1048576 bytes, more than 131072; store less, or split it into several secrets"],
    );
    refused(
        vec![b'['; MAX_BODY],
        &[
            r#"0 #: must be a JSON object, but an array was sent; send {"secret": {"name": …, "value": {…}}}"#,
            "64 #: nests deeper than 64 levels at byte 64; flatten it",
        ],
    );
}

#[test]
fn secret() {
    refused(
        "{}",
        &[r#"1 #/secret: is missing; add an object with "name" and "value""#],
    );
    refused(
        r#"{"secret":null}"#,
        &[r#"10 #/secret: must be an object, but null was sent; write {"name": …, "value": {…}}"#],
    );
    refused(
        r#"{"Secret":{"name":"n","value":{}}}"#,
        &[r#"1 #/secret: is spelt in another letter case; write it "secret" (byte 1)"#],
    );
    refused(
        r#"{"secret":{"name":"n","value":{}},"x":1,"s\u0065cret":{"name":7}}"#,
        &["40 #/secret: occurs more than once; keep one (bytes 1 and 40)"],
    );
    refused(
        r#"{"secret":{}}"#,
        &[
            "11 #/secret/name: is missing; add the name to store the secret under",
            "11 #/secret/value: is missing; add the JSON object to store",
        ],
    );
}

#[test]
fn name() {
    refused(
        with_name("null"),
        &[
            "18 #/secret/name: must be a string, but null was sent; write the secret's name in double quotes",
        ],
    );
    refused(
        with_name(r#""""#),
        &["18 #/secret/name: is empty; give 1 to 512 bytes"],
    );
    accepted(with_name(&format!("\"{}\"", "é".repeat(256))));
    refused(
        with_name(&format!("\"{}x\"", "é".repeat(256))),
        &["18 #/secret/name: has 513 bytes in UTF-8, more than 512; shorten it"],
    );
    accepted(with_name(&format!("\"{}\"", r"\u0041".repeat(512))));
    for control in [r"\u0000", r"\n", r"\u001f", r"\u007F", "\u{7F}"] {
        refused(
            with_name(&format!("\"a{control}\"")),
            &["18 #/secret/name: has a control character (U+0000 to U+001F, U+007F); leave it out"],
        );
    }
    accepted(with_name("\"\u{80}\u{2028}\""));
    refused(
        with_name(r#""a\ud800""#),
        &[
            "20 #/secret/name: escapes half of a surrogate pair; write both halves, or the character itself (byte 20)",
        ],
    );
    accepted(with_name(r#""\ud83d\ude00""#));
}

#[test]
fn key() {
    let key = |key: &str| with(&format!(r#""key":{key}"#));
    accepted(key(r#""a""#));
    accepted(key(r#""\u0061""#));
    refused(
        key("null"),
        &[
            r#"44 #/secret/key: must be a string, but null was sent; name a top-level property of the value, or leave "key" out"#,
        ],
    );
    refused(
        key(r#""""#),
        &["44 #/secret/key: is empty; give 1 to 256 bytes"],
    );
    refused(
        key(&format!("\"{}\"", "x".repeat(257))),
        &["44 #/secret/key: has 257 bytes in UTF-8, more than 256; shorten it"],
    );
    refused(
        key(r#""a\u0009""#),
        &["44 #/secret/key: has a control character (U+0000 to U+001F, U+007F); leave it out"],
    );
    refused(
        key(r#""parent.child""#),
        &[
            r#"44 #/secret/key: the value has no such top-level property, only "a"; nested properties cannot be referenced, so name one that it has, or leave "key" out"#,
        ],
    );
    refused(
        key(r#""\udc00""#),
        &[
            "45 #/secret/key: escapes half of a surrogate pair; write both halves, or the character itself (byte 45)",
        ],
    );
}

#[test]
fn a_key_must_be_in_the_value_wherever_it_stands() {
    let line = r#"#/secret/key: the value has no such top-level property, only "b", "c\"\u{202e}"; name one that it has, or leave "key" out"#;
    let value = "\"value\":{\"b\":{\"a\":1},\"c\\\"\u{202e}\":2}";
    let before = format!(r#"{{"secret":{{"key":"a","name":"n",{value}}}}}"#);
    let behind = format!(r#"{{"secret":{{"name":"n",{value},"key":"a"}}}}"#);
    refused(before, &[&format!("17 {line}")]);
    refused(behind, &[&format!("61 {line}")]);
    refused(
        r#"{"secret":{"key":"{","name":"n","value":{}}}"#,
        &[
            r#"17 #/secret/key: the value has no such top-level property (it is empty); name one that it has, or leave "key" out"#,
        ],
    );
}

#[test]
fn secret_type() {
    let kind = |kind: &str| with(&format!(r#""type":{kind}"#));
    accepted(kind(r#""PASSWORD""#));
    accepted(kind(&format!("\"{}\"", "x".repeat(64))));
    refused(
        kind("false"),
        &[
            r#"45 #/secret/type: must be a string, but a boolean was sent; write a type such as "PASSWORD", or leave "type" out"#,
        ],
    );
    let long = format!("\"{}\"", "x".repeat(65));
    for wrong in [
        r#""""#,
        r#""1a""#,
        r#""a-b""#,
        r#""é""#,
        r#""a\u0000""#,
        &long,
    ] {
        refused(
            kind(wrong),
            &[
                r#"45 #/secret/type: must be an ASCII letter and up to 63 ASCII letters, digits or `_`, such as "PASSWORD""#,
            ],
        );
    }
}

#[test]
fn a_value_is_an_object() {
    for (sent, what) in [
        ("null", "null"),
        ("true", "a boolean"),
        ("-1.5", "a number"),
        (r#""hunter2""#, "a string"),
        (r#"[{"a":1}]"#, "an array"),
    ] {
        refused(
            with_value(sent),
            &[&format!(
                r#"30 #/secret/value: must be a JSON object, but {what} was sent; put it into one, such as {{"password": …}}"#
            )],
        );
    }
}

#[test]
fn a_value_has_at_most_64_kib_as_sent() {
    let padded = |bytes: usize| format!(r#"{{"a":"{}"}}"#, "x".repeat(bytes - 8));
    accepted(with_value(padded(MAX_VALUE)));
    accepted(with_value(format!(" {} ", padded(MAX_VALUE))));
    refused(
        with_value(padded(MAX_VALUE + 1)),
        &[
            "30 #/secret/value: has 65537 bytes, more than 65536; store less, or split it into several secrets",
        ],
    );
    refused(
        with_value(format!("[{}]", padded(MAX_VALUE))),
        &[
            r#"30 #/secret/value: must be a JSON object, but an array was sent; put it into one, such as {"password": …}"#,
            "30 #/secret/value: has 65538 bytes, more than 65536; store less, or split it into several secrets",
        ],
    );
}

#[test]
fn a_body_has_at_most_128_kib() {
    let body = with_value("{}");
    let padded = |bytes: usize| format!("{body}{}", " ".repeat(bytes - body.len()));
    accepted(padded(MAX_BODY));
    refused(
        padded(MAX_BODY + 1),
        &["0 #: has 131073 bytes, more than 131072; store less, or split it into several secrets"],
    );
}

#[test]
fn names_in_the_value_are_unique() {
    refused(
        with_value(r#"{"a/b c~":1,"x":{"a":1,"a":2},"\u0061\/b\u0020c~":2,"a\/b c~":3}"#),
        &[
            "60 #/secret/value/a~1b%20c~0: occurs more than once; keep one (bytes 31 and 60)",
            "82 #/secret/value/a~1b%20c~0: occurs more than once; keep one (bytes 31 and 82)",
        ],
    );
    refused(
        with_value("{\"é\u{202e}\\n\":1,\"é\u{202e}\\n\":1}"),
        &[
            "43 #/secret/value/%C3%A9%E2%80%AE%0A: occurs more than once; keep one (bytes 31 and 43)",
        ],
    );
    // The empty name, and one too long to be shown.
    let long = "x".repeat(65);
    refused(
        with_value(format!(r#"{{"":1,"":1,"{long}":1,"{long}":1}}"#)),
        &[
            "36 #/secret/value/: occurs more than once; keep one (bytes 31 and 36)",
            "111 #/secret/value: occurs more than once; keep one (bytes 41 and 111)",
        ],
    );
    // One is the beginning of the other, and U+0000 ends nothing.
    accepted(with_value(
        r#"{"a":1,"ab":1,"":1,"a\u0000":1,"a\u0000b":1,"\u0000":1}"#,
    ));
    // Bytes decide, not what they look like.
    accepted(with_value("{\"\u{e9}\":1,\"e\u{301}\":1,\"E\u{301}\":1}"));
}

#[test]
fn names_in_the_request_are_unique() {
    refused(
        r#"{"x":1,"x":2,"secret":{"name":"n","y z":[],"name":1,"y z":1,"value":{},"value":[]}}"#,
        &[
            "7 #/x: occurs more than once; keep one (bytes 1 and 7)",
            "43 #/secret/name: occurs more than once; keep one (bytes 23 and 43)",
            "52 #/secret/y%20z: occurs more than once; keep one (bytes 34 and 52)",
            "71 #/secret/value: occurs more than once; keep one (bytes 60 and 71)",
        ],
    );
}

#[test]
fn unknown_members_are_ignored_unless_they_are_known_ones_in_another_case() {
    accepted(r#"{"name":1,"secret":{"name":"n","value":{},"secret":0,"naem":1,"$":[{"a":{}}]}}"#);
    refused(
        with(r#""Name":"m","KEY":1,"t\u0059pe":2,"Value":{}"#),
        &[
            r#"38 #/secret/name: is spelt in another letter case; write it "name" (byte 38)"#,
            r#"49 #/secret/key: is spelt in another letter case; write it "key" (byte 49)"#,
            r#"57 #/secret/type: is spelt in another letter case; write it "type" (byte 57)"#,
            r#"71 #/secret/value: is spelt in another letter case; write it "value" (byte 71)"#,
        ],
    );
    refused(
        r#"{"secret":{"NAME":"n","Value":{}}}"#,
        &[
            r#"11 #/secret/name: is spelt in another letter case; write it "name" (byte 11)"#,
            r#"22 #/secret/value: is spelt in another letter case; write it "value" (byte 22)"#,
        ],
    );
    // Only ASCII has case here: this one is U+212A, the Kelvin sign.
    accepted(with("\"\u{212A}ey\":1"));
}

#[test]
fn members_are_counted() {
    let members = |count| {
        (0..count)
            .map(|i| format!(r#""{i}":0"#))
            .collect::<Vec<_>>()
            .join(",")
    };
    accepted(with_value(format!("{{{}}}", members(1024))));
    refused(
        with_value(format!("{{{}}}", members(1025))),
        &[
            "8137 #/secret/value: has more than 1024 members; split it into several secrets (byte 8137)",
        ],
    );
    accepted(with(&members(62)));
    refused(
        with(&members(63)),
        &[
            "462 #/secret: has more than 64 members; leave out those that have no meaning here (byte 462)",
        ],
    );
    let secret = r#""secret":{"name":"n","value":{}}"#;
    accepted(format!("{{{},{secret}}}", members(63)));
    refused(
        format!("{{{},{secret}}}", members(64)),
        &["439 #: has more than 64 members; leave out those that have no meaning here (byte 439)"],
    );
}

#[test]
fn the_slots_given_are_the_limit() {
    let body = with_value(r#"{"a":1,"b":2,"c":3}"#);
    let mut violations = Violations::<4>::new();
    assert!(validate_request(body.as_bytes(), &mut [Slot::EMPTY; 3], &mut violations).is_some());
    assert!(validate_request(body.as_bytes(), &mut [Slot::EMPTY; 2], &mut violations).is_none());
    let line = violations.iter().next().unwrap().to_string();
    assert_eq!(
        line,
        "#/secret/value: has more than 2 members; split it into several secrets (byte 43)"
    );
    // More slots than the limit do not move it.
    let members: Vec<String> = (0..=MAX_MEMBERS).map(|i| format!(r#""{i}":0"#)).collect();
    let body = with_value(format!("{{{}}}", members.join(",")));
    let mut scratch = vec![Slot::EMPTY; 2 * MAX_MEMBERS];
    assert!(validate_request(body.as_bytes(), &mut scratch, &mut violations).is_none());
}

#[test]
fn sizes_that_firmware_reckons_with() {
    assert_eq!(size_of::<Slot>(), 8);
    assert!(size_of::<Violations<'_>>() <= 4352);
}

/// What an earlier request left in the scratch, at the same places even, is not taken for a name of this one.
#[test]
fn a_scratch_may_hold_what_an_earlier_request_left() {
    let members = |names: std::ops::Range<usize>| {
        let members = names.map(|i| format!(r#""member_{i}":{i}"#));
        members.collect::<Vec<_>>().join(",")
    };
    let mut scratch = [Slot::EMPTY; MAX_MEMBERS];
    for names in [0..900, 0..900, 1..901, 450..1000, 0..900] {
        let body = with_value(format!("{{{}}}", members(names.clone())));
        let mut violations = Violations::<64>::new();
        let request = validate_request(body.as_bytes(), &mut scratch, &mut violations);
        assert!(request.is_some(), "{names:?}: {violations:?}");
    }
}

/// `tls.crt` is what Kubernetes calls a certificate: what resolves is accepted.
#[test]
fn a_key_with_a_dot_is_a_literal_member_or_refused_as_nested() {
    let request = |key: &str, value: &str| {
        format!(r#"{{"secret":{{"name":"n","key":"{key}","value":{value}}}}}"#)
    };
    for (key, value) in [
        ("tls.crt", r#"{"tls.crt":"x","tls.key":"y"}"#),
        (".dockerconfigjson", r#"{".dockerconfigjson":{}}"#),
        (".", r#"{".":1}"#),
        ("a..b.", r#"{"a..b.":1}"#),
        ("a.b", r#"{"a\u002eb":1}"#),
        // Also if there is a nested property of that path: the member is meant.
        ("a.b", r#"{"a":{"b":1},"a.b":2}"#),
    ] {
        accepted(request(key, value));
        accepted(request(&key.replace('.', r"\u002e"), value));
        let found = sealpost_json::find_property(value.as_bytes(), key);
        assert!(found.unwrap().is_some(), "what is accepted resolves: {key}");
    }
    for (key, value) in [
        ("a.b", r#"{"a":{"b":1}}"#),
        ("a.b", r#"{"b":{"a.b":1}}"#),
        ("a.b", r#"{"a":1,"b":2}"#),
        ("a.b", r#"{"A.b":1}"#),
        ("a.b.", r#"{"a.b":1}"#),
        (".", "{}"),
        (r"\u002e", r#"{"a":1}"#),
    ] {
        let body = request(key, value);
        let mut violations = Violations::<4>::new();
        assert!(
            validate_request(
                body.as_bytes(),
                &mut [Slot::EMPTY; MAX_MEMBERS],
                &mut violations
            )
            .is_none()
        );
        let kinds: Vec<_> = violations.iter().map(Violation::kind).collect();
        assert_eq!(kinds, [ViolationKind::NestedKey], "{body}");
        let line = &lines(&body)[0];
        assert!(line.contains("nested properties cannot be referenced"));
    }
}

/// As they are or escaped, once or twice.
#[test]
fn control_characters_are_found_however_many_there_are() {
    let control =
        "18 #/secret/name: has a control character (U+0000 to U+001F, U+007F); leave it out";
    for name in ["\u{7f}", "a\u{7f}\u{7f}b", r"\u0001", r"a\u007fb", r"\n\n"] {
        refused(with_name(&format!("\"{name}\"")), &[control]);
    }
}
