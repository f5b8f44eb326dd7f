//! Names, keys, types and identifiers that come as text.

use sealpost_validator::{
    Violation, ViolationKind, parse_agent_id, parse_project_id, validate_key, validate_name,
    validate_type,
};

#[test]
fn names_keys_and_types() {
    assert!(validate_name("db/password").is_ok());
    let line = |result: Result<(), Violation<'_>>| {
        let violation = result.unwrap_err();
        assert_eq!(violation.position(), None);
        violation.to_string()
    };
    assert_eq!(
        line(validate_name("")),
        "#/secret/name: is empty; give 1 to 512 bytes"
    );
    assert_eq!(
        line(validate_name(&"x".repeat(513))),
        "#/secret/name: has 513 bytes in UTF-8, more than 512; shorten it"
    );
    assert_eq!(
        line(validate_name("a\u{7F}")),
        "#/secret/name: has a control character (U+0000 to U+001F, U+007F); leave it out"
    );
    assert!(validate_key("user").is_ok() && validate_name("a.b").is_ok());
    assert_eq!(
        line(validate_key("a.b")),
        "#/secret/key: has a `.`, but nested properties cannot be referenced; name a top-level property"
    );
    assert!(validate_type("A").is_ok());
    assert_eq!(
        line(validate_type("_A")),
        r#"#/secret/type: must be an ASCII letter and up to 63 ASCII letters, digits or `_`, such as "PASSWORD""#
    );
}

#[test]
fn debug_says_what_the_line_says() {
    let violation = validate_name("").unwrap_err();
    assert_eq!(format!("{violation:?}"), format!("Violation({violation})"));
}

#[test]
fn agent_ids() {
    for good in ["a", "agent-1", "A_b-9", &"x".repeat(64)] {
        assert_eq!(parse_agent_id(good).ok(), Some(good));
    }
    for bad in ["", " a", "a.b", "a/b", "é", "a\n", &"x".repeat(65)] {
        let violation = parse_agent_id(bad).unwrap_err();
        assert_eq!(
            violation.to_string(),
            "agentId: must be 1 to 64 ASCII letters, digits, `_` or `-`; give the id that the agent has"
        );
        assert_eq!(violation.kind(), ViolationKind::Form);
    }
}

#[test]
fn project_ids() {
    let id = [
        0x12, 0x3E, 0x45, 0x67, 0xE8, 0x9B, 0x12, 0xD3, 0xA4, 0x56, 0x42, 0x66, 0x14, 0x17, 0x40,
        0x0F,
    ];
    for good in [
        "123e4567-e89b-12d3-a456-42661417400f",
        "123E4567-E89B-12d3-A456-42661417400F",
    ] {
        assert_eq!(parse_project_id(good).ok(), Some(id));
    }
    for bad in [
        "",
        "not-a-uuid",
        "123e4567e89b12d3a45642661417400f",
        "{123e4567-e89b-12d3-a456-42661417400f}",
        "urn:uuid:123e4567-e89b-12d3-a456-42661417400f",
        "123e4567-e89b-12d3-a456-42661417400",
        "123e4567-e89b-12d3-a456-42661417400f0",
        "123e4567-e89b-12d3-a456-42661417400f-",
        "123e4567-e89b-12d3-a45642661417-400f",
        "123e4567-e89b-12d3-a456-42661417400g",
        "+23e4567-e89b-12d3-a456-42661417400f",
        "123e4567-e89b-12d3-a456-4266141740é",
    ] {
        assert_eq!(
            parse_project_id(bad).unwrap_err().to_string(),
            "projectId: must be a UUID with hyphens, such as 123e4567-e89b-12d3-a456-426614174000"
        );
    }
}
