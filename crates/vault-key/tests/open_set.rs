//! A kind of vault that this crate does not know: its rules are data, and every promise holds for it.

#![allow(clippy::unwrap_used)] // a failed unwrap is a failed test

use proptest::prelude::*;
use sealpost_vault_key::{
    Alphabet, InvalidNameReason, Limits, NameRules, UnknownVaultKind, VaultKind, VaultSecretName,
};

/// Lower case alone, letters and digits at the ends, and the shortest limit that there may be.
static TIGHT: NameRules = NameRules::new(
    "tight",
    Alphabet::ALPHANUMERIC.without(UPPER).with("-."),
    Limits {
        max_name: 71,
        max_value: 10,
    },
)
.starting_with(Alphabet::LETTERS.without(UPPER))
.ending_with(Alphabet::ALPHANUMERIC.without(UPPER));

/// Everything that is visible, with segments, and without case.
static LOOSE: NameRules = NameRules::new(
    "loose",
    Alphabet::VISIBLE,
    Limits {
        max_name: 512,
        max_value: 10,
    },
)
.with_paths()
.ignoring_case();

const UPPER: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
const KINDS: [VaultKind; 2] = [VaultKind::new(&TIGHT), VaultKind::new(&LOOSE)];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn every_name_is_valid_and_no_two_secrets_share_one(
        a in ("[-A-Ba-b0-1./ é]{0,9}", prop::option::of(any::<[u8; 16]>())),
        b in ("[-A-Ba-b0-1./ é]{0,9}", prop::option::of(any::<[u8; 16]>())),
        long in "[a-z0-9]{60,90}",
    ) {
        for kind in KINDS {
            let derive = |(name, project): &(String, Option<[u8; 16]>)| {
                VaultSecretName::derive(kind, project.as_ref(), name)
            };
            let long = (long.clone(), a.1);
            for secret in [&a, &b, &long] {
                let derived = derive(secret);
                prop_assert_eq!(VaultSecretName::parse(kind, derived.as_str()), Ok(derived));
            }
            let (left, right) = (derive(&a), derive(&b));
            let same = left.as_str().eq_ignore_ascii_case(right.as_str());
            prop_assert_eq!(same, a == b, "{} {}", left, right);
        }
    }
}

#[test]
fn a_name_that_a_new_kind_refuses_says_why() {
    for (kind, name, reason, text) in [
        (
            KINDS[0],
            "Foo",
            InvalidNameReason::Character,
            "not the name of a secret in a vault of kind tight: the character at byte 0 is not allowed; allowed are \
             a-z 0-9 - .",
        ),
        (
            KINDS[0],
            "foo-",
            InvalidNameReason::LastCharacter,
            "not the name of a secret in a vault of kind tight: it must end with one of a-z 0-9",
        ),
        (
            KINDS[0],
            "7",
            InvalidNameReason::FirstCharacter,
            "not the name of a secret in a vault of kind tight: it must start with one of a-z",
        ),
        (
            KINDS[1],
            "é",
            InvalidNameReason::Character,
            "not the name of a secret in a vault of kind loose: the character at byte 0 is not allowed; allowed are \
             the visible ASCII characters",
        ),
    ] {
        let error = VaultSecretName::parse(kind, name).unwrap_err();
        assert_eq!(error.reason(), reason);
        assert_eq!(error.to_string(), text);
    }
}

/// The tag goes into the hash, so that two kinds with the same rules do not share rewritten names.
#[test]
fn a_new_kind_has_names_of_its_own() {
    static TWIN: NameRules = NameRules::new(
        "twin",
        Alphabet::ALPHANUMERIC.with("_-"),
        VaultKind::GOOGLE.limits(),
    );
    let name = |kind| VaultSecretName::derive(kind, None, "a b").to_string();
    assert_ne!(name(VaultKind::new(&TWIN)), name(VaultKind::GOOGLE));
    assert_eq!("twin".parse::<VaultKind>(), Err(UnknownVaultKind));
}
