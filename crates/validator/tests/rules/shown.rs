//! How what is wrong is shown: lists, pointers, and what of the input is repeated.

use super::*;

#[test]
fn at_most_ten_names_are_listed_and_long_ones_are_cut() {
    let long = "y".repeat(65);
    let names = (0..11)
        .map(|i| format!(r#""{i}":1"#))
        .chain([format!(r#""{long}":2"#)]);
    let body = format!(
        r#"{{"secret":{{"key":"k","name":"n","value":{{{}}}}}}}"#,
        names.clone().collect::<Vec<_>>().join(",")
    );
    let list = r#""0", "1", "2", "3", "4", "5", "6", "7", "8", "9" and 2 more"#;
    refused(
        body,
        &[&format!(
            "17 #/secret/key: the value has no such top-level property, only {list}; name one that it has, or leave \"key\" out"
        )],
    );
    refused(
        format!(r#"{{"secret":{{"key":"k","name":"n","value":{{"{long}":1}}}}}}"#),
        &[&format!(
            "17 #/secret/key: the value has no such top-level property, only \"{}…\"; name one that it has, or leave \"key\" out",
            "y".repeat(64)
        )],
    );
}

#[test]
fn a_list_keeps_the_first_in_document_order() {
    // The key is judged last and stands first.
    let body = br#"{"secret":{"key":"zz","name":"","type":"-","value":{"a":1,"a":2}}}"#;
    let mut scratch = [Slot::EMPTY; 4];
    let mut violations = Violations::<2>::new();
    assert!(validate_request(body, &mut scratch, &mut violations).is_none());
    let kinds: Vec<_> = violations.iter().map(Violation::kind).collect();
    assert_eq!(kinds, [ViolationKind::NoSuchProperty, ViolationKind::Empty]);
    assert!(violations.overflowed());

    let mut none = Violations::<0>::new();
    assert!(validate_request(body, &mut scratch, &mut none).is_none());
    assert!(none.overflowed() && !none.is_empty());
    assert_eq!(none.len(), 0);

    // A list is emptied for the next request.
    let good = br#"{"secret":{"name":"n","value":{}}}"#;
    assert!(validate_request(good, &mut scratch, &mut violations).is_some());
    assert!(violations.is_empty() && violations.iter().next().is_none());
}

#[test]
fn a_value_alone_withholds_its_names_if_asked() {
    let alone = |value: &str, key: Option<&str>, naming: Naming| -> Vec<String> {
        let mut violations = Violations::<8>::new();
        let mut scratch = [Slot::EMPTY; 8];
        let found = validate_value(value.as_bytes(), key, naming, &mut scratch, &mut violations);
        assert_eq!(found.is_some(), violations.is_empty());
        violations.iter().map(ToString::to_string).collect()
    };
    let value = r#" {"canary":1,"canary":2} "#;
    assert_eq!(
        alone(value, Some("k"), Naming::List),
        [
            r#"#/secret/key: the value has no such top-level property, only "canary", "canary"; name one that it has, or leave "key" out"#,
            "#/secret/value/canary: occurs more than once; keep one (bytes 2 and 13)",
        ]
    );
    assert_eq!(
        alone(value, Some("k"), Naming::Withhold),
        [
            r#"#/secret/key: the value has no such top-level property; name one that it has, or leave "key" out"#,
            "#/secret/value: occurs more than once; keep one (bytes 2 and 13)",
        ]
    );
    assert_eq!(
        alone("[]", Some("a.b"), Naming::List),
        [
            r#"#/secret/value: must be a JSON object, but an array was sent; put it into one, such as {"password": …}"#,
        ]
    );
    // The names of a sealed value are not told, nor whether a nested property has that path.
    assert_eq!(
        alone(r#"{"canary":{"b":1}}"#, Some("canary.b"), Naming::Withhold),
        [
            r#"#/secret/key: the value has no such top-level property; nested properties cannot be referenced, so name one that it has, or leave "key" out"#,
        ]
    );
    assert_eq!(
        alone("{} x", None, Naming::List),
        ["#/secret/value: not valid JSON at byte 3: expected the end of the text"]
    );
    assert_eq!(alone(r#"{"\"":1}"#, Some("\""), Naming::List), [""; 0]);
}

#[test]
fn no_line_repeats_a_value() {
    let canary = "hunter2";
    for body in [
        format!(r#"{{"secret":"{canary}"}}"#),
        format!(
            r#"{{"secret":{{"name":"\u0000{canary}","key":"{canary}.","type":"-{canary}","value":"{canary}"}}}}"#
        ),
        format!(
            r#"{{"secret":{{"name":"n","key":"{canary}","value":{{"a":"{canary}","a":"{canary}"}}}}}}"#
        ),
        format!(r#"{{"secret":{{"name":"n","value":{{"a":"{canary}" "{canary}"}}}}}}"#),
        format!(r#"{{"secret":{{"name":"n","value":{{"a":["{canary}\ud800"], "b":{canary}}}}}}}"#),
        format!(r#"{{"secret":{{"name":"n","value":"{canary}"#),
    ] {
        let mut scratch = [Slot::EMPTY; 8];
        let mut violations = Violations::<8>::new();
        assert!(validate_request(body.as_bytes(), &mut scratch, &mut violations).is_none());
        let shown = format!("{violations:?} {violations:#?}");
        assert!(!shown.is_empty() && !shown.contains(canary), "{shown}");
    }
    let body = format!(r#"{{"secret":{{"name":"n","value":{{"a":"{canary}"}}}}}}"#);
    let mut violations = Violations::<8>::new();
    let request = validate_request(body.as_bytes(), &mut [Slot::EMPTY; 8], &mut violations);
    assert_eq!(
        format!("{:?}", request.unwrap()),
        "Request { name: JsonStr(1 bytes), key: None, secret_type: None, value: 15 bytes }"
    );
}

#[test]
fn lines_are_printable_and_short() {
    let name = "\u{202e}\u{7}\n\r".repeat(1000);
    let quoted = format!("{name:?}")
        .replace("\\u{202e}", "\u{202e}")
        .replace("\\u{7}", "\\u0007");
    let value = format!("{{{quoted}:1,{quoted}:2}}");
    let mut violations = Violations::<8>::new();
    let mut scratch = [Slot::EMPTY; 8];
    validate_value(
        value.as_bytes(),
        Some("k"),
        Naming::List,
        &mut scratch,
        &mut violations,
    );
    assert_eq!(violations.len(), 2);
    for violation in &violations {
        let line = violation.to_string();
        assert!(
            line.len() < 1024 && !line.contains(['\n', '\r', '\u{7}', '\u{202e}']),
            "{line:?}"
        );
    }
}

/// RFC 6901 §3 and §6: what a fragment can carry stands as it is.
#[test]
fn pointers_escape_what_a_fragment_cannot_carry() {
    let name = "AZaz09-._!$&'()*+,;=:@?~/%#[]{}|^`<> \u{fc}";
    refused(
        with_value(format!(r#"{{"{name}":1,"{name}":2}}"#)),
        &[
            "75 #/secret/value/AZaz09-._!$&'()*+,;=:@?~0~1%25%23%5B%5D%7B%7D%7C%5E%60%3C%3E%20%C3%BC: occurs more than once; keep one (bytes 31 and 75)",
        ],
    );
}

#[test]
fn names_are_listed_as_people_read_them() {
    refused(
        r#"{"secret":{"key":"x","name":"n","value":{"it's":1,"\u0061\\b":2,"c\u000a":3}}}"#,
        &[
            r#"17 #/secret/key: the value has no such top-level property, only "it's", "a\\b", "c\n"; name one that it has, or leave "key" out"#,
        ],
    );
}

#[test]
fn debug_shows_what_a_list_holds_and_that_there_is_more() {
    let mut scratch = [Slot::EMPTY; MAX_MEMBERS];
    let mut all = Violations::<2>::new();
    let mut one = Violations::<1>::new();
    assert!(validate_request(b"{}", &mut scratch, &mut all).is_none());
    let missing = "Violation(#/secret: is missing; add an object with \"name\" and \"value\")";
    assert_eq!(format!("{all:?}"), format!("[{missing}]"));
    let body = br#"{"secret":1,"secret":2}"#;
    assert!(validate_request(body, &mut scratch, &mut one).is_none());
    assert!(format!("{one:?}").ends_with("), ..]"), "{one:?}");
}
