//! What errors say and where they point, and how names and references are shown, compared and hashed.

#![allow(clippy::unwrap_used)] // a failed unwrap is a failed test

use std::{
    collections::HashSet,
    hash::{BuildHasher, RandomState},
};

use sealpost_vault_key::{
    InvalidNameReason, InvalidRefReason, MAX_KEY, MAX_VAULT_SECRET_NAME, ResolverRef, VaultKind,
    VaultSecretName,
};

#[test]
fn kinds_are_called_as_they_are_written() {
    for (kind, text) in [
        (VaultKind::AWS, "aws"),
        (VaultKind::AZURE, "azure"),
        (VaultKind::EMBEDDED, "embedded"),
        (VaultKind::GOOGLE, "google"),
        (VaultKind::KV2, "kv2"),
    ] {
        assert_eq!(kind.to_string(), text);
        assert_eq!(text.parse(), Ok(kind));
    }
    let error = "AWS".parse::<VaultKind>().unwrap_err();
    assert_eq!(
        error.to_string(),
        "unknown kind of vault: give one of aws, azure, embedded, google, kv2"
    );
}

/// In bytes, as their makers document them.
#[test]
fn limits_of_each_kind() {
    for (kind, max_name, max_value) in [
        (VaultKind::AWS, 512, 65_536),
        (VaultKind::AZURE, 127, 25_000),
        (VaultKind::EMBEDDED, 512, 65_536),
        (VaultKind::GOOGLE, 255, 65_536),
        (VaultKind::KV2, 512, 524_288),
    ] {
        let found = kind.limits();
        assert_eq!(
            (found.max_name, found.max_value),
            (max_name, max_value),
            "{kind}"
        );
    }
}

#[test]
fn a_name_that_a_vault_refuses_says_why_and_where() {
    use InvalidNameReason::{Character, DotSegment, Empty, EmptySegment, FirstCharacter, TooLong};
    let long = "a".repeat(600);
    for (kind, name, reason, position, text) in [
        (VaultKind::KV2, "", Empty, 0, "it is empty"),
        (
            VaultKind::AZURE,
            &long,
            TooLong,
            127,
            "it has more than 127 bytes",
        ),
        (
            VaultKind::AWS,
            "a b",
            Character,
            1,
            "the character at byte 1 is not allowed; allowed are A-Z a-z 0-9 + - . / = @ _",
        ),
        (
            VaultKind::AZURE,
            "a_b",
            Character,
            1,
            "the character at byte 1 is not allowed; allowed are A-Z a-z 0-9 -",
        ),
        (
            VaultKind::GOOGLE,
            "a/b",
            Character,
            1,
            "the character at byte 1 is not allowed; allowed are A-Z a-z 0-9 - _",
        ),
        (
            VaultKind::EMBEDDED,
            "é",
            Character,
            0,
            "the character at byte 0 is not allowed; allowed are the visible ASCII characters except # % ?",
        ),
        (
            VaultKind::AZURE,
            "1a",
            FirstCharacter,
            0,
            "it must start with one of A-Z a-z",
        ),
        (
            VaultKind::KV2,
            "a//b",
            EmptySegment,
            2,
            "the path segment at byte 2 is empty; remove a slash",
        ),
        (
            VaultKind::KV2,
            "a/../b",
            DotSegment,
            2,
            "the path segment at byte 2 is . or .., which paths use for something else",
        ),
    ] {
        let error = VaultSecretName::parse(kind, name).unwrap_err();
        assert_eq!(
            (error.kind(), error.reason(), error.position()),
            (kind, reason, position),
            "{error}"
        );
        assert_eq!(
            error.to_string(),
            format!("not the name of a secret in a vault of kind {kind}: {text}")
        );
    }
}

#[test]
fn a_reference_that_is_refused_says_why_and_where() {
    use InvalidRefReason::{
        EmptyKey, EmptyName, Escape, KeyTooLong, NameTooLong, NeedlessEscape, Scheme, Unescaped,
        Utf8,
    };
    let long_name = format!("secret:{}", "a".repeat(MAX_VAULT_SECRET_NAME + 1));
    let long_key = format!("secret:a#{}", "k".repeat(MAX_KEY + 1));
    for (text, reason, position, says) in [
        ("Secret:a", Scheme, 0, "it must start with \"secret:\""),
        ("secret:", EmptyName, 7, "the name is missing"),
        (
            &long_name,
            NameTooLong,
            7,
            "the name has more than 512 bytes",
        ),
        (
            "secret:a#",
            EmptyKey,
            9,
            "the key is missing; for the whole secret, leave out the #",
        ),
        (&long_key, KeyTooLong, 9, "the key has more than 256 bytes"),
        (
            "secret:a b",
            Unescaped,
            8,
            "a character other than A-Z a-z 0-9 - . _ ~ must be percent-encoded",
        ),
        (
            "secret:a%2f",
            Escape,
            8,
            "a % must be followed by two upper-case hex digits",
        ),
        (
            "secret:%41",
            NeedlessEscape,
            7,
            "the characters A-Z a-z 0-9 - . _ ~ must not be percent-encoded",
        ),
        (
            "secret:%FF",
            Utf8,
            7,
            "the percent-encoded bytes are not UTF-8",
        ),
    ] {
        let error = ResolverRef::parse(text).unwrap_err();
        assert_eq!(
            (error.reason(), error.position()),
            (reason, position),
            "{error}"
        );
        assert_eq!(
            error.to_string(),
            format!("not a resolver_ref: at byte {position}, {says}")
        );
    }
}

#[test]
fn names_are_shown_compared_and_hashed_by_kind_and_text() {
    let name = |kind, text| VaultSecretName::parse(kind, text).unwrap();
    let a = name(VaultKind::AWS, "prod/db");
    assert_eq!((a.kind(), a.as_ref()), (VaultKind::AWS, "prod/db"));
    assert_eq!(format!("{a:>9}|{a:<9}|"), "  prod/db|prod/db  |");
    assert_eq!(
        format!("{a:?}"),
        r#"VaultSecretName { kind: aws, name: "prod/db" }"#
    );
    let others = [
        name(VaultKind::KV2, "prod/db"),
        name(VaultKind::AWS, "prod/dc"),
    ];
    let state = RandomState::new();
    assert_eq!(state.hash_one(&a), state.hash_one(a.clone()));
    for other in &others {
        assert_ne!(&a, other);
        assert_ne!(state.hash_one(&a), state.hash_one(other));
    }
    let set = HashSet::from([a.clone(), a, others[0].clone(), others[1].clone()]);
    assert_eq!(set.len(), 3);
}

/// A reference that is read holds escapes, one that is made does not; both are the same.
#[test]
fn components_are_the_same_escaped_or_not() {
    let made = ResolverRef::new("a/ü", Some("k y")).unwrap();
    let text = made.to_string();
    assert_eq!(text, "secret:a%2F%C3%BC#k%20y");
    let read = ResolverRef::parse(&text).unwrap();
    let (name, key) = (read.name(), read.key().unwrap());
    assert_eq!((name, key), (made.name(), made.key().unwrap()));
    assert_eq!((made.name(), made.name() == name), (name, true));
    assert_ne!(name, key);
    assert!(name == *"a/ü" && name != *"a/u" && key == *"k y");
    let state = RandomState::new();
    assert_eq!(state.hash_one(name), state.hash_one(made.name()));
    assert_ne!(state.hash_one(name), state.hash_one(key));
    assert_eq!(
        format!("{name}|{name:?}|{:?}", made.key().unwrap()),
        "a/ü|\"a/ü\"|\"k y\""
    );
    assert_eq!((name.len(), name.is_empty()), (4, false));
    assert_eq!((name.as_str(), made.name().as_str()), (None, Some("a/ü")));
    let mut room = [0; 4];
    assert_eq!(name.decode_into(&mut room), Some("a/ü"));
    assert_eq!(name.decode_into(&mut room[..3]), None);
    assert_eq!(name.chars().collect::<String>(), "a/ü");
    let mut room = [0; 64];
    assert_eq!(made.encode_into(&mut room), Some(text.as_str()));
    assert_eq!(made.encode_into(&mut [0; 22]), None);
    assert_eq!(read.encoded_len(), text.len());
}
