//! The parsing tests of github.com/nst/JSONTestSuite at commit 1ef36fa, found in the directory that
//! the environment variable `SEALPOST_VECTORS` names. Each document stands once as the value of an
//! unknown member and once inside the secret's value, and each object also is the value: all ways
//! through the tokenizer.

use std::io::Write as _;
use std::path::PathBuf;
use std::{env, fs};

use sealpost_json::find_property;
use sealpost_validator::{Naming, Slot, Violations, validate_request, validate_value};

/// What the suite leaves open (`i_`), and how it is decided here: the reason, and the beginnings
/// of the names.
const ACCEPTED: &[(&str, &str)] = &[(
    "digits are carried as they are, never converted",
    "i_number_",
)];
const REFUSED: &[(&str, &str)] = &[
    (
        "half a surrogate pair has no UTF-8",
        "i_object_key_lone_2nd_surrogate",
    ),
    (
        "half a surrogate pair has no UTF-8",
        "i_string_1st_surrogate_but_2nd_missing",
    ),
    (
        "half a surrogate pair has no UTF-8",
        "i_string_1st_valid_surrogate_2nd_invalid",
    ),
    (
        "half a surrogate pair has no UTF-8",
        "i_string_incomplete_surrogate",
    ),
    (
        "half a surrogate pair has no UTF-8",
        "i_string_invalid_lonely_surrogate",
    ),
    (
        "half a surrogate pair has no UTF-8",
        "i_string_invalid_surrogate",
    ),
    (
        "half a surrogate pair has no UTF-8",
        "i_string_inverted_surrogates_U+1D11E",
    ),
    (
        "half a surrogate pair has no UTF-8",
        "i_string_lone_second_surrogate",
    ),
    ("RFC 8259 §8.1 asks for UTF-8", "i_string_UTF-16LE_with_BOM"),
    ("RFC 8259 §8.1 asks for UTF-8", "i_string_utf16"),
    (
        "RFC 8259 §8.1 asks for UTF-8",
        "i_string_UTF-8_invalid_sequence",
    ),
    (
        "RFC 8259 §8.1 asks for UTF-8",
        "i_string_UTF8_surrogate_U+D800",
    ),
    ("RFC 8259 §8.1 asks for UTF-8", "i_string_invalid_utf-8"),
    ("RFC 8259 §8.1 asks for UTF-8", "i_string_iso_latin_1"),
    (
        "RFC 8259 §8.1 asks for UTF-8",
        "i_string_lone_utf8_continuation_byte",
    ),
    (
        "RFC 8259 §8.1 asks for UTF-8",
        "i_string_not_in_unicode_range",
    ),
    (
        "RFC 8259 §8.1 asks for UTF-8",
        "i_string_overlong_sequence_",
    ),
    ("RFC 8259 §8.1 asks for UTF-8", "i_string_truncated-utf-8"),
    ("deeper than 64 levels", "i_structure_500_nested_arrays"),
    (
        "RFC 8259 §8.1 forbids writing a byte-order mark",
        "i_structure_UTF-8_BOM_empty_object",
    ),
];

#[test]
fn every_document_is_judged_as_the_suite_says() {
    let Some(vectors) = env::var_os("SEALPOST_VECTORS").map(PathBuf::from) else {
        let required = env::var_os("CI").is_some()
            || env::var("SEALPOST_REQUIRE_VECTORS").is_ok_and(|value| value == "1");
        assert!(
            !required,
            "SEALPOST_VECTORS is not set, and here the suite is required"
        );
        // Past the capture of test output.
        let line = "\n*** JSONTestSuite was NOT run: SEALPOST_VECTORS is not set ***\n";
        writeln!(std::io::stderr(), "{line}").unwrap();
        return;
    };
    let directory = vectors.join("JSONTestSuite/test_parsing");
    let (mut y, mut n, mut i_accepted, mut i_refused, mut objects) = (0, 0, 0, 0, 0);
    let entries = fs::read_dir(&directory)
        .unwrap_or_else(|error| panic!("{} cannot be read: {error}", directory.display()));
    for entry in entries {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        let document = fs::read(&path).unwrap();
        let begins = |decisions: &[(&str, &str)]| {
            decisions
                .iter()
                .any(|(_, beginning)| name.starts_with(beginning))
        };
        let expected = match name.split_once('_').unwrap().0 {
            "y" => {
                y += 1;
                true
            }
            "n" => {
                n += 1;
                false
            }
            _ if begins(ACCEPTED) => {
                i_accepted += 1;
                true
            }
            _ if begins(REFUSED) => {
                i_refused += 1;
                false
            }
            _ => panic!("{name} is not decided"),
        };
        assert_eq!(
            is_accepted_as_a_member(&document),
            expected,
            "{name}, as a member"
        );
        assert_eq!(
            is_accepted_in_a_value(&document),
            expected,
            "{name}, in a value"
        );
        if document.trim_ascii_start().starts_with(b"{") {
            objects += 1;
            // Names are unique here; the suite lets them be.
            let expected = expected && !name.starts_with("y_object_duplicated_key");
            assert_eq!(is_accepted(&document), expected, "{name}, as the value");
        }
    }
    assert_eq!((y, n, i_accepted, i_refused), (95, 188, 10, 25));
    assert_eq!(objects, 53);
}

fn is_accepted_as_a_member(document: &[u8]) -> bool {
    let secret = br#", "secret": {"name": "n", "value": {}}}"#;
    let body = [br#"{"x": "#, document, secret].concat();
    let mut violations = Violations::<1>::new();
    validate_request(&body, &mut [], &mut violations).is_some()
}

fn is_accepted_in_a_value(document: &[u8]) -> bool {
    is_accepted(&[br#"{"x": "#, document, b"}"].concat())
}

/// With two slots: no object of the suite has more names.
fn is_accepted(value: &[u8]) -> bool {
    let mut violations = Violations::<1>::new();
    let mut scratch = [Slot::EMPTY; 2];
    let accepted =
        validate_value(value, None, Naming::List, &mut scratch, &mut violations).is_some();
    // The resolver reads with the same eyes, but for limits and other names.
    assert!(!accepted || find_property(value, "x").is_ok());
    accepted
}
