//! Which texts are identifiers, and what is said of the others.

#![allow(clippy::unwrap_used)] // a failed unwrap is a failed test

use sealpost_context::{
    AgentId, InvalidIdentifier, ProjectId, PropertyKey, SecretName, SecretType,
    error::{Field, Rule},
    rules::{self, Measure},
};

fn line<T: std::fmt::Debug>(result: Result<T, InvalidIdentifier>) -> String {
    result.unwrap_err().to_string()
}

#[test]
fn names_keys_and_types() {
    assert_eq!(
        SecretName::try_from("db/password").unwrap().as_str(),
        "db/password"
    );
    assert_eq!(
        line(SecretName::try_from("")),
        "#/secret/name: is empty; give 1 to 512 bytes"
    );
    assert!(SecretName::try_from(&*"x".repeat(512)).is_ok());
    assert_eq!(
        line(SecretName::try_from(&*"x".repeat(513))),
        "#/secret/name: has 513 bytes in UTF-8, more than 512; shorten it"
    );
    assert_eq!(
        line(SecretName::try_from("a\u{7F}")),
        "#/secret/name: has a control character (U+0000 to U+001F, U+007F); leave it out"
    );
    assert!(PropertyKey::try_from("user").is_ok() && SecretName::try_from("a.b").is_ok());
    assert!(PropertyKey::try_from(&*"x".repeat(256)).is_ok());
    assert_eq!(
        line(PropertyKey::try_from(&*"x".repeat(257))),
        "#/secret/key: has 257 bytes in UTF-8, more than 256; shorten it"
    );
    // A member's name may have a dot, also first, last or alone.
    for key in ["tls.crt", ".dockerconfigjson", "a.", ".", "a..b", "é.ü"] {
        assert_eq!(PropertyKey::try_from(key).unwrap().as_str(), key);
    }
    for good in ["A", "PASSWORD", "a_1", &"x".repeat(64)] {
        assert_eq!(SecretType::try_from(good).unwrap().as_str(), good);
    }
    for bad in ["", "_A", "1", "a-b", "é", "aé", &"x".repeat(65)] {
        assert_eq!(
            line(SecretType::try_from(bad)),
            r#"#/secret/type: must be an ASCII letter and up to 63 ASCII letters, digits or `_`, such as "PASSWORD""#
        );
    }
}

#[test]
fn every_broken_rule_is_told_in_order() {
    let text = "\u{1f}a".repeat(129);
    let told: Vec<_> = rules::key(&Measure::from(&*text)).collect();
    let rules = [Rule::TooLong { bytes: 258 }, Rule::ControlCharacter];
    assert_eq!(
        told,
        rules.map(|rule| InvalidIdentifier::new(Field::Key, rule))
    );
    let as_chars: Vec<_> = rules::key(&text.chars().collect()).collect();
    assert_eq!(told, as_chars);
    assert_eq!(PropertyKey::try_from(&*text), Err(told[0]));
    // Two that are looked for do not hide each other, and neither does what stands between them.
    for text in ["\u{7f}\u{7f}", "\u{1}", "a\u{1}é\u{1}"] {
        let chars: Measure = text.chars().collect();
        let bytes = Measure::from(text);
        assert_eq!(rules::key(&bytes).count(), 1, "{text:?}");
        assert!(rules::key(&bytes).eq(rules::key(&chars)), "{text:?}");
        assert!(rules::name(&bytes).eq(rules::name(&chars)), "{text:?}");
    }
}

#[test]
fn agent_ids() {
    for good in ["a", "agent-1", "A_b-9", &"x".repeat(64)] {
        let id: AgentId = good.parse().unwrap();
        assert_eq!(id.as_str(), good);
        assert_eq!(id.to_string(), good);
        assert_eq!(format!("{id:?}"), format!("AgentId({good})"));
    }
    for bad in ["", " a", "a.b", "a/b", "é", "a\n", "a\0", &"x".repeat(65)] {
        assert_eq!(
            line(bad.parse::<AgentId>()),
            "agentId: must be 1 to 64 ASCII letters, digits, `_` or `-`; give the id that the agent has"
        );
    }
    let sorted = ["A", "a", "a-", "a-b", "ab", "b"].map(|id| id.parse::<AgentId>().unwrap());
    assert!(sorted.is_sorted(), "ids sort as their texts do");
}

#[test]
fn project_ids() {
    let id = ProjectId::from_bytes([
        0x12, 0x3E, 0x45, 0x67, 0xE8, 0x9B, 0x12, 0xD3, 0xA4, 0x56, 0x42, 0x66, 0x14, 0x17, 0x40,
        0x0F,
    ]);
    for good in [
        "123e4567-e89b-12d3-a456-42661417400f",
        "123E4567-E89B-12d3-A456-42661417400F",
    ] {
        assert_eq!(good.parse(), Ok(id));
    }
    assert_eq!(id.to_string(), "123e4567-e89b-12d3-a456-42661417400f");
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
            line(bad.parse::<ProjectId>()),
            "projectId: must be a UUID with hyphens, such as 123e4567-e89b-12d3-a456-426614174000"
        );
    }
}
