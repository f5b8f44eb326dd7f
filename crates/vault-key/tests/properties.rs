//! What holds for every name, project, key and text.

use proptest::prelude::*;
use sealpost_vault_key::{
    MAX_KEY, MAX_RESOLVER_REF, MAX_VAULT_SECRET_NAME, ResolverRef, VaultKind, VaultSecretName,
};

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn every_name_is_valid_in_its_vault(kind in kind(), project in project(), name in name()) {
        let derived = VaultSecretName::derive(kind, project.as_ref(), &name);
        let text = derived.as_str();
        prop_assert!(is_valid(kind, text), "{text}");
        prop_assert_eq!(VaultSecretName::parse(kind, text), Ok(derived.clone()));
        if kind == VaultKind::AZURE {
            prop_assert!(!text.bytes().any(|byte| byte.is_ascii_uppercase()));
        }
        let scope = project.map(|project| prefix(&project)).unwrap_or_default();
        prop_assert!(text.starts_with(&scope));
        prop_assert_eq!(VaultSecretName::derive(kind, project.as_ref(), &name), derived);
    }

    /// The test's own reading of each vault's rule, with other means than the crate's.
    #[test]
    fn parsing_takes_exactly_the_valid_names(kind in kind(), text in name()) {
        prop_assert_eq!(VaultSecretName::parse(kind, &text).is_ok(), is_valid(kind, &text));
    }

    /// The second input is made from the first by what an attacker would try.
    #[test]
    fn two_secrets_never_share_a_name(
        kind in kind(),
        project in project(),
        name in name(),
        other in other(),
    ) {
        let derived = VaultSecretName::derive(kind, project.as_ref(), &name);
        let (other_project, other_name) = other.apply(kind, project, &name, &derived);
        let other = VaultSecretName::derive(kind, other_project.as_ref(), &other_name);

        let (a, b) = (derived.as_str(), other.as_str());
        let same = if kind == VaultKind::AZURE {
            a.eq_ignore_ascii_case(b)
        } else {
            a == b
        };
        prop_assert_eq!(
            same,
            (project, &name) == (other_project, &other_name),
            "{} {}", a, b
        );
    }

    #[test]
    fn references_format_and_parse_as_inverses(
        name in text(MAX_VAULT_SECRET_NAME),
        key in prop::option::of(text(MAX_KEY)),
    ) {
        let reference = ResolverRef::new(&name, key.as_deref()).unwrap();
        let text = reference.to_string();
        prop_assert!(text.len() <= MAX_RESOLVER_REF);
        prop_assert_eq!(reference.encoded_len(), text.len());
        let mut buffer = [0; MAX_RESOLVER_REF];
        prop_assert_eq!(reference.encode_into(&mut buffer), Some(&text[..]));

        let parsed = ResolverRef::parse(&text).unwrap();
        prop_assert_eq!(parsed, reference);
        prop_assert_eq!(parsed.name().to_string(), name);
        prop_assert_eq!(parsed.key().map(|key| key.to_string()), key);
    }

    #[test]
    fn what_parses_is_written_the_same(text in reference()) {
        if let Ok(parsed) = ResolverRef::parse(&text) {
            prop_assert_eq!(parsed.to_string(), &text[..]);
            let name = parsed.name().to_string();
            let key = parsed.key().map(|key| key.to_string());
            prop_assert_eq!(parsed.name().len(), name.len());
            let again = ResolverRef::new(&name, key.as_deref()).unwrap();
            prop_assert_eq!(again, parsed);
            prop_assert_eq!(again.to_string(), &text[..]);
            for kind in VaultKind::KNOWN {
                prop_assert_eq!(
                    parsed.vault_secret_name(kind),
                    VaultSecretName::parse(kind, &name)
                );
            }
        }
    }

    #[test]
    fn references_to_names_lead_back(kind in kind(), project in project(), name in name()) {
        let derived = VaultSecretName::derive(kind, project.as_ref(), &name);
        let reference = ResolverRef::new(derived.as_str(), None).unwrap();
        let text = reference.to_string();
        let parsed = ResolverRef::parse(&text).unwrap();
        prop_assert_eq!(parsed.vault_secret_name(kind), Ok(derived));
    }
}

fn kind() -> impl Strategy<Value = VaultKind> {
    prop::sample::select(&VaultKind::KNOWN[..])
}

fn project() -> impl Strategy<Value = Option<[u8; 16]>> {
    prop::option::of(any::<[u8; 16]>())
}

/// Any string, and strings near every border of the rule.
fn name() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<String>(),
        "[ -~]{0,20}",
        "[A-Za-z0-9/_+=.@-]{1,40}",
        "[A-Za-z][A-Za-z0-9-]{0,140}",
        "([a-z.]{0,3}/){0,4}[a-z.]{0,3}",
        "[pP][0-9a-fA-F]{31,33}-[a-z]{0,3}",
        "[a-z]{0,3}-[xX][a-z2-7]{31,33}",
        "[pP][0-9a-f]{32}-[a-z]{0,3}-[xX][A-Z2-7]{32}",
        "[a-zA-Z0-9]{85,130}",
        "[a-z0-9]{215,260}",
        "[a-z0-9 ]{470,520}",
        Just("..".to_owned()),
    ]
}

/// Non-empty text of at most `max` bytes.
fn text(max: usize) -> impl Strategy<Value = String> {
    prop_oneof!["[ -~]{1,40}", "\\PC{1,64}", "[é%/]{1,128}", ".{1,20}"]
        .prop_filter("in bytes", move |text| text.len() <= max)
}

/// Texts that are references, or nearly.
fn reference() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<String>(),
        "secret:[A-Za-z0-9._~-]{0,9}(#[A-Za-z0-9._~-]{0,9})?",
        "secret:([a-z]|%[0-9A-F]{2}){0,6}(#([a-z]|%[0-9A-F]{2}){0,6})?",
        "secret:(%C3%[89AB][0-9A-F]|%E2%82%AC|%2F|[a-z]){1,6}(#%F0%9F%94%91)?",
        "secret:[!-~]{1,9}",
        "secret:(%[2-7][0-9A-Fa-f]){1,4}",
    ]
}

/// How to make a second secret whose name might be that of the first.
#[derive(Clone, Debug)]
enum Other {
    /// Another name of the same project.
    Name(String),
    /// The same name in another project, or in none.
    Project(Option<[u8; 16]>),
    /// The name in the vault, as a name.
    Derived,
    /// The name in the vault without the project's prefix, as a name of the same project.
    Stripped,
    /// The name with the project's prefix in front, without a project.
    Prefixed,
    /// Another case.
    Upper,
    Lower,
    /// One character more.
    Dash,
}

fn other() -> impl Strategy<Value = Other> {
    prop_oneof![
        name().prop_map(Other::Name),
        project().prop_map(Other::Project),
        Just(Other::Derived),
        Just(Other::Stripped),
        Just(Other::Prefixed),
        Just(Other::Upper),
        Just(Other::Lower),
        Just(Other::Dash),
    ]
}

impl Other {
    fn apply(
        self,
        kind: VaultKind,
        project: Option<[u8; 16]>,
        name: &str,
        derived: &VaultSecretName,
    ) -> (Option<[u8; 16]>, String) {
        match self {
            Self::Name(name) => (project, name),
            Self::Project(project) => (project, name.to_owned()),
            Self::Derived => (None, derived.as_str().to_owned()),
            Self::Stripped => {
                let scope = project.map(|project| prefix(&project)).unwrap_or_default();
                (project, derived.as_str()[scope.len()..].to_owned())
            }
            Self::Prefixed => {
                let scope = prefix(&project.unwrap_or([0xab; 16]));
                (None, format!("{scope}{name}"))
            }
            Self::Upper => (project, name.to_ascii_uppercase()),
            Self::Lower => (project, name.to_ascii_lowercase()),
            Self::Dash => {
                let dash = if kind == VaultKind::GOOGLE { '_' } else { '-' };
                (project, format!("{name}{dash}"))
            }
        }
    }
}

fn prefix(project: &[u8; 16]) -> String {
    format!("p{:032x}-", u128::from_be_bytes(*project))
}

fn is_valid(kind: VaultKind, name: &str) -> bool {
    let of = |extra: &str| {
        name.chars()
            .all(|char| char.is_ascii_alphanumeric() || extra.contains(char))
    };
    let charset = match kind.as_str() {
        "aws" => of("/_+=.@-"),
        "azure" => of("-") && name.starts_with(|first: char| first.is_ascii_alphabetic()),
        "google" => of("_-"),
        "embedded" | "kv2" => {
            of("!\"$&'()*+,-./:;<=>@[\\]^_`{|}~")
                && !format!("/{name}/").contains("//")
                && !format!("/{name}/").contains("/./")
                && !format!("/{name}/").contains("/../")
        }
        other => panic!("the test has no reading of {other}"),
    };
    charset && !name.is_empty() && name.len() <= kind.limits().max_name
}
