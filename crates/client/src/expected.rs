//! Whether a reference is to the secret that was asked for.

use sealpost_context::ProjectId;
use sealpost_vault_key::{ResolverRef, VaultKind, VaultSecretName};

use crate::{printable::printable, secret::NewSecret};

/// Returns what differs; `None` if the reference fits. `name` is the one in it.
///
/// A name in a vault is derived from the project and the secret's name, by rules that depend on the kind of vault. The
/// client does not know which kind the agent has: the name must be that of one of them.
pub(crate) fn difference(
    reference: &ResolverRef<'_>,
    name: &str,
    secret: &NewSecret,
    project: Option<&str>,
) -> Option<String> {
    // A gateway refuses a project that is not one, and the answer could not be compared with it.
    let project = project.map(str::parse).transpose();
    let project: Option<ProjectId> = project.ok()?;
    let project = project.as_ref().map(ProjectId::as_bytes);
    let derived =
        |kind: &VaultKind| VaultSecretName::derive(*kind, project, &secret.name).as_str() == name;
    if !VaultKind::KNOWN.iter().any(derived) && !is_of_another_kind(name, project, &secret.name) {
        let shown: String = name.chars().take(SHOWN).collect();
        return Some(format!(
            "names \"{}\", which is not that of the secret{}",
            printable(shown),
            if project.is_some() {
                " in its project"
            } else {
                ""
            }
        ));
    }
    match (reference.key(), &secret.key) {
        // A reference to the whole object is to the same secret, and holds the property.
        (None, _) => None,
        (Some(key), Some(asked)) if key == **asked => None,
        (Some(_), Some(_)) => Some("points to another property".to_owned()),
        (Some(_), None) => Some("points to a property, and none was named".to_owned()),
    }
}

/// Returns whether a kind of vault that is not known here may have rewritten the name to this: the set of kinds is open, and
/// the digest in such a name depends on the kind. What is for people to read must fit.
fn is_of_another_kind(derived: &str, project: Option<&[u8; 16]>, name: &str) -> bool {
    // The vault that takes most names, so that what it rewrites, everyone does.
    let own = VaultSecretName::derive(VaultKind::KV2, project, "\0");
    let prefix = match project {
        Some(_) => own.as_str().get(..PROJECT).unwrap_or_default(),
        None => "",
    };
    let is_base32 = |text: &str| {
        text.bytes()
            .all(|byte| matches!(byte, b'a'..=b'z' | b'2'..=b'7'))
    };
    let Some((slug, digest)) = derived
        .strip_prefix(prefix)
        .and_then(|rest| rest.split_at_checked(rest.len().checked_sub(SUFFIX)?))
    else {
        return false;
    };
    let digest = digest.strip_prefix("-x");
    let slug = slug.strip_prefix("s-").unwrap_or(slug);
    digest.is_some_and(is_base32) && (slug == "s" || readable(name).starts_with(slug))
}

/// The letters and digits in lower case, with a hyphen for what is between them.
fn readable(name: &str) -> String {
    let parts = name.split(|c: char| !c.is_ascii_alphanumeric());
    let parts: Vec<_> = parts.filter(|part| !part.is_empty()).collect();
    parts.join("-").to_ascii_lowercase()
}

/// `p`, 32 hexadecimal digits and a hyphen.
const PROJECT: usize = 34;
/// `-x` and 32 characters of base32.
const SUFFIX: usize = 34;
/// Characters of a name that are shown.
const SHOWN: usize = 60;

#[cfg(test)]
mod tests {
    use sealpost_vault_key::{Alphabet, Limits, NameRules};

    use super::*;

    const PROJECT: &str = "0b9c4f6e-7d1a-4a52-8f37-1a2b3c4d5e6f";
    const OTHER: &str = "1b9c4f6e-7d1a-4a52-8f37-1a2b3c4d5e6f";

    fn kinds() -> Vec<VaultKind> {
        const LIMITS: Limits = Limits {
            max_name: 80,
            max_value: 1000,
        };
        static LOWER: NameRules = NameRules::new(
            "lower",
            Alphabet::ALPHANUMERIC
                .without("ABCDEFGHIJKLMNOPQRSTUVWXYZ")
                .with("-"),
            LIMITS,
        );
        let mut kinds = VaultKind::KNOWN.to_vec();
        kinds.push(VaultKind::new(&LOWER));
        kinds
    }

    fn check(
        name: &str,
        project: Option<&str>,
        asked: (&str, Option<&str>),
    ) -> Vec<Option<String>> {
        let id: Option<ProjectId> = project.map(|project| project.parse().unwrap());
        let of = |kind: VaultKind| {
            let derived = VaultSecretName::derive(kind, id.as_ref().map(ProjectId::as_bytes), name);
            let reference = ResolverRef::new(derived.as_str(), None).unwrap();
            let secret = NewSecret::new(asked.0, b"{}".to_vec());
            difference(&reference, derived.as_str(), &secret, asked.1)
        };
        kinds().into_iter().map(of).collect()
    }

    #[test]
    fn the_name_of_each_kind_of_vault_fits_and_that_of_another_secret_does_not() {
        let long = "long/".repeat(60);
        let names = [
            "db",
            "Db Password!",
            "7",
            "a_b",
            "\u{e9}",
            "..",
            "x/y",
            &long,
        ];
        for name in names {
            for project in [None, Some(PROJECT)] {
                for one in check(name, project, (name, project)) {
                    assert_eq!(one, None, "{name}");
                }
                for other in check(name, project, ("something else", project)) {
                    assert!(
                        other.is_some_and(|text| text.contains("names \""))
                            || name == "\u{e9}"
                            || name == "..",
                        "{name}"
                    );
                }
            }
            for other in [
                (None, Some(OTHER)),
                (Some(PROJECT), Some(OTHER)),
                (Some(PROJECT), None),
            ] {
                for one in check(name, other.0, (name, other.1)) {
                    assert!(one.is_some(), "{name} {other:?}");
                }
            }
        }
    }

    #[test]
    fn no_other_property_than_the_one_that_was_asked_for() {
        let with = |reference: Option<&str>, asked: Option<&str>| {
            let mut secret = NewSecret::new("db", b"{}".to_vec());
            if let Some(key) = asked {
                secret = secret.with_key(key);
            }
            difference(
                &ResolverRef::new("db", reference).unwrap(),
                "db",
                &secret,
                None,
            )
        };
        assert_eq!(with(None, None), None);
        assert_eq!(with(Some("a"), Some("a")), None);
        assert_eq!(with(None, Some("a")), None);
        for (reference, asked) in [(Some("a"), Some("b")), (Some("a"), None)] {
            assert!(with(reference, asked).is_some(), "{reference:?} {asked:?}");
        }
    }
}
