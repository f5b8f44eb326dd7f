//! What is no JSON, and where it is said.

use super::*;

#[test]
fn nesting() {
    let nested = |open: &str, close: &str, levels: usize| {
        repeat_n(open, levels)
            .chain(repeat_n(close, levels))
            .collect::<String>()
    };
    // The value is the first level.
    let value = |levels: usize| format!(r#"{{"a":{}}}"#, nested("[", "]", levels - 1));
    accepted(with_value(value(MAX_DEPTH)));
    refused(
        with_value(value(MAX_DEPTH + 1)),
        &["98 #/secret/value: nests deeper than 64 levels at byte 98; flatten it"],
    );
    let objects = format!("{}{{}}{}", r#"{"a":"#.repeat(63), "}".repeat(63));
    accepted(with_value(&objects));
    refused(
        with_value(format!(r#"{{"a":{objects}}}"#)),
        &["350 #/secret/value: nests deeper than 64 levels at byte 350; flatten it"],
    );
    // So is the value of each other member.
    accepted(with(&format!(r#""x":{}"#, nested("[", "]", MAX_DEPTH))));
    refused(
        with(&format!(r#""x":{}"#, nested("[", "]", MAX_DEPTH + 1))),
        &["106 #/secret: nests deeper than 64 levels at byte 106; flatten it"],
    );
    refused(
        format!(r#"{{"x":{}}}"#, nested("[", "]", MAX_DEPTH + 1)),
        &["69 #: nests deeper than 64 levels at byte 69; flatten it"],
    );
}

#[test]
fn half_surrogates_are_told_once_for_a_name_and_once_for_a_members_value() {
    refused(
        with_value(r#"{"\ud800":["\udfff","\ud800\ud83d\ude00"],"\ud800x":"\ud800\u0041"}"#),
        &[
            "32 #/secret/value: escapes half of a surrogate pair; write both halves, or the character itself (byte 32)",
            "42 #/secret/value: escapes half of a surrogate pair; write both halves, or the character itself (byte 42)",
            "73 #/secret/value: escapes half of a surrogate pair; write both halves, or the character itself (byte 73)",
            "83 #/secret/value: escapes half of a surrogate pair; write both halves, or the character itself (byte 83)",
        ],
    );
}

#[test]
fn byte_order_mark() {
    refused(
        format!("\u{FEFF}{}", with_value("{}")),
        &["0 #: begins with a byte-order mark; send UTF-8 without one (byte 0)"],
    );
    // Elsewhere it is a character.
    accepted(with_value("{\"\u{FEFF}\":\"\u{FEFF}\"}"));
}

#[test]
fn a_syntax_error_is_last_and_what_was_found_before_it_stays() {
    refused(
        r#"{"secret":{"key":"","name":"","value":{"a":1,"a":2,"b":"\ud800"#,
        &[
            "17 #/secret/key: is empty; give 1 to 256 bytes",
            "27 #/secret/name: is empty; give 1 to 512 bytes",
            "45 #/secret/value/a: occurs more than once; keep one (bytes 39 and 45)",
            "56 #/secret/value: escapes half of a surrogate pair; write both halves, or the character itself (byte 56)",
            "62 #/secret/value: not valid JSON at byte 62, where it ends: expected a closing double quote",
        ],
    );
    for (body, line) in [
        (
            r#"{"secret":{"name":"n","value":{}}} {}"#,
            "35 #: not valid JSON at byte 35: expected the end of the text",
        ),
        (
            r#"{"secret":{"name":"n","value":{}}}}"#,
            "34 #: not valid JSON at byte 34: expected the end of the text",
        ),
        (
            r#"{"secret":{"name":"n","value":{}}"#,
            "33 #: not valid JSON at byte 33, where it ends: expected `,` or `}`",
        ),
        (
            r#"{"secret":{"name":"n","value":{},}}"#,
            "33 #/secret: not valid JSON at byte 33: expected a member name in double quotes",
        ),
        (
            r#"{,"secret":1}"#,
            "1 #: not valid JSON at byte 1: expected a member name in double quotes, or `}`",
        ),
        (
            r#"{'secret':1}"#,
            "1 #: not valid JSON at byte 1: expected a member name in double quotes, or `}`",
        ),
        (
            r#"{"secret" 1}"#,
            "10 #: not valid JSON at byte 10: expected `:` after the member name",
        ),
        (
            r#"{"secret":}"#,
            "10 #/secret: not valid JSON at byte 10: expected a value",
        ),
        (
            r#"{"secret":{"name":'n'}}"#,
            "18 #/secret/name: not valid JSON at byte 18: expected a value",
        ),
        (
            r#"{"secret":{"name":"a	b"}}"#,
            "20 #/secret/name: not valid JSON at byte 20: expected an escape for the control character",
        ),
        (
            r#"{"secret":{"name":"\x"}}"#,
            r#"20 #/secret/name: not valid JSON at byte 20: expected one of `"\/bfnrtu` after the backslash"#,
        ),
        (
            r#"{"secret":{"name":"\u00g0"}}"#,
            r"23 #/secret/name: not valid JSON at byte 23: expected four hexadecimal digits after `\u`",
        ),
        (
            r#"{"secret":{"value":{"a":[1 2]}}}"#,
            "27 #/secret/value: not valid JSON at byte 27: expected `,` or `]`",
        ),
        (
            r#"{"secret":{"value":{"a":[1}}}"#,
            "26 #/secret/value: not valid JSON at byte 26: expected `,` or `]`",
        ),
        (
            r#"{"secret":{"value":{"a":{"b":1]}}}"#,
            "30 #/secret/value: not valid JSON at byte 30: expected `,` or `}`",
        ),
        (
            r#"{"secret":{"value":{"a":-}}}"#,
            "25 #/secret/value: not valid JSON at byte 25: expected a digit",
        ),
        (
            r#"{"secret":{"value":{"a":01}}}"#,
            "25 #/secret/value: not valid JSON at byte 25: expected `,` or `}`",
        ),
        (
            r#"{"secret":{"value":{"a":1.}}}"#,
            "26 #/secret/value: not valid JSON at byte 26: expected a digit",
        ),
        (
            r#"{"secret":{"value":{"a":nul}}}"#,
            "27 #/secret/value: not valid JSON at byte 27: expected `true`, `false` or `null`",
        ),
        (
            r#"{"secret":{"value":{"a":NaN}}}"#,
            "24 #/secret/value: not valid JSON at byte 24: expected a value",
        ),
        (
            r#"{"secret":{"value":{/**/}}}"#,
            "20 #/secret/value: not valid JSON at byte 20: expected a member name in double quotes, or `}`",
        ),
    ] {
        refused(body, &[line]);
    }
}

#[test]
fn invalid_utf8_is_an_error_where_it_is_reached() {
    let body = |name: &[u8], behind: &[u8]| {
        let (before, after): (&[u8], &[u8]) = (br#"{"secret":{"name":""#, br#"","value":{}}}"#);
        [before, name, after, behind].concat()
    };
    refused(
        body(b"a\xFF", b""),
        &["20 #/secret/name: invalid UTF-8 at byte 20; send the text in UTF-8"],
    );
    // An overlong form, a surrogate, a character cut off.
    for wrong in [&b"\xC0\x80"[..], b"\xED\xA0\x80", b"\xF0\x9F\x98"] {
        refused(
            body(wrong, b""),
            &["19 #/secret/name: invalid UTF-8 at byte 19; send the text in UTF-8"],
        );
    }
    refused(
        body(b"n", b" \xFE"),
        &["35 #: invalid UTF-8 at byte 35; send the text in UTF-8"],
    );
    // What comes before stays, and an earlier error of syntax is the one.
    refused(
        body(b"", b"\xFF"),
        &[
            "18 #/secret/name: is empty; give 1 to 512 bytes",
            "33 #: invalid UTF-8 at byte 33; send the text in UTF-8",
        ],
    );
    refused(
        b"{]\xFF",
        &["1 #: not valid JSON at byte 1: expected a member name in double quotes, or `}`"],
    );
    // UTF-16.
    refused(
        b"\xFF\xFE{\0}\0",
        &["0 #: invalid UTF-8 at byte 0; send the text in UTF-8"],
    );
}
