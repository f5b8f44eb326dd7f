//! Every name has a valid name in every vault, and no two secrets share one.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sealpost_vault_key::{VaultKind, VaultSecretName, limits};

type Project = Option<[u8; 16]>;

fuzz_target!(|input: (Project, &str, Project, &str)| {
    let (project, name, other_project, other_name) = input;
    for kind in VaultKind::ALL {
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
});

fn derive(kind: VaultKind, project: Project, name: &str) -> VaultSecretName {
    let derived = VaultSecretName::derive(kind, project.as_ref(), name);
    let text = derived.as_str();
    assert!(!text.is_empty() && text.len() <= limits(kind).max_name);
    assert_eq!(VaultSecretName::parse(kind, text).as_ref(), Ok(&derived));
    derived
}

fn apart(kind: VaultKind, a: (Project, &str), b: (Project, &str)) {
    let (left, right) = (derive(kind, a.0, a.1), derive(kind, b.0, b.1));
    let same = match kind {
        VaultKind::Azure => left.as_str().eq_ignore_ascii_case(right.as_str()),
        _ => left == right,
    };
    assert_eq!(same, a == b, "{kind}: {a:?} {b:?} {left} {right}");
}
