//! Names in vaults, and references.

use sealpost_vault_key::{MAX_RESOLVER_REF, ResolverRef, VaultKind, VaultSecretName};

use crate::{allocations::bounded, input};

type Project = Option<[u8; 16]>;

/// A text either is a reference in its one form, or is refused.
pub(crate) fn resolver_ref(bytes: &[u8]) {
    let Ok(text) = str::from_utf8(bytes) else {
        return;
    };
    // Most of what a fuzzer invents lacks the scheme, so what it gives is tried behind one, too.
    reference(text);
    reference(&format!("secret:{text}"));

    // Taken as a name and a key, it has a reference that leads back.
    let (name, key) = match text.split_once('\0') {
        Some((name, key)) => (name, Some(key)),
        None => (text, None),
    };
    if let Ok(reference) = ResolverRef::new(name, key) {
        let text = reference.to_string();
        let parsed = ResolverRef::parse(&text).expect("what is formatted parses");
        assert_eq!(parsed, reference);
        assert_eq!(parsed.name(), *name);
        assert_eq!(parsed.key().map(|key| key.to_string()).as_deref(), key);
    }
}

fn reference(text: &str) {
    let Ok(parsed) = bounded(text.len(), 0, 0, || ResolverRef::parse(text)) else {
        return;
    };
    assert_eq!(parsed.to_string(), text);
    assert_eq!(parsed.encoded_len(), text.len());
    let mut buffer = [0; MAX_RESOLVER_REF];
    assert_eq!(parsed.encode_into(&mut buffer), Some(text));

    let name = parsed.name().to_string();
    let key = parsed.key().map(|key| key.to_string());
    let again = ResolverRef::new(&name, key.as_deref()).expect("it was within the limits");
    assert_eq!(again.to_string(), text);
    for kind in VaultKind::KNOWN {
        assert_eq!(
            parsed.vault_secret_name(kind),
            VaultSecretName::parse(kind, &name)
        );
    }
}

/// Every name has a valid name in every vault, and no two secrets share one.
///
/// The input is four parts: a project and a name, and another project and another name. A project is what the part's
/// first 16 bytes are, with zeros behind; an empty part is none.
pub(crate) fn vault_name(bytes: &[u8]) {
    let [project, name, other_project, other_name] = input::parts(bytes);
    let (Ok(name), Ok(other_name)) = (str::from_utf8(name), str::from_utf8(other_name)) else {
        return;
    };
    let (project, other_project) = (self::project(project), self::project(other_project));
    for kind in VaultKind::KNOWN {
        let derived = derive(kind, project, name);
        apart(kind, (project, name), (other_project, other_name));
        apart(kind, (project, name), (project, other_name));
        apart(kind, (project, name), (other_project, name));

        // What an attacker would try: the derived name, with and without its scope, and other cases.
        let text = derived.as_str();
        apart(kind, (project, name), (None, text));
        apart(kind, (project, name), (other_project, text));
        if project.is_some() {
            apart(kind, (project, name), (project, &text[34..]));
        }
        apart(kind, (project, name), (project, &name.to_ascii_uppercase()));
        apart(kind, (project, name), (project, &name.to_ascii_lowercase()));
        let scope = u128::from_be_bytes(other_project.unwrap_or_default());
        apart(
            kind,
            (other_project, name),
            (None, &format!("p{scope:032x}-{name}")),
        );
    }
}

fn project(part: &[u8]) -> Project {
    let mut project = [0; 16];
    for (to, from) in project.iter_mut().zip(part) {
        *to = *from;
    }
    (!part.is_empty()).then_some(project)
}

fn derive(kind: VaultKind, project: Project, name: &str) -> VaultSecretName {
    let derived = bounded(name.len(), 0, 0, || {
        VaultSecretName::derive(kind, project.as_ref(), name)
    });
    let text = derived.as_str();
    assert!(!text.is_empty() && text.len() <= kind.limits().max_name);
    assert_eq!(VaultSecretName::parse(kind, text).as_ref(), Ok(&derived));
    derived
}

fn apart(kind: VaultKind, a: (Project, &str), b: (Project, &str)) {
    let (left, right) = (derive(kind, a.0, a.1), derive(kind, b.0, b.1));
    let same = if kind.ignores_case() {
        left.as_str().eq_ignore_ascii_case(right.as_str())
    } else {
        left == right
    };
    assert_eq!(same, a == b, "{kind}: {a:?} {b:?} {left} {right}");
}
