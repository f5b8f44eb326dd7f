//! The names in `testdata/names`, which an independent implementation wrote and which may never
//! change.

use sealpost_vault_key::{ResolverRef, VaultKind, VaultSecretName};
use serde_json::Value;
use sha2::{Digest, Sha256};

#[test]
fn golden_names_are_derived() {
    let mut count = 0;
    for row in rows() {
        let row: Value = serde_json::from_str(row).unwrap();
        let text = |member: &str| row[member].as_str();
        let kind: VaultKind = text("kind").unwrap().parse().unwrap();
        let project = text("project").map(uuid);
        let name = text("name").unwrap();

        let derived = VaultSecretName::derive(kind, project.as_ref(), name);
        assert_eq!(derived.as_str(), text("vaultSecretName").unwrap(), "{row}");
        assert_eq!(
            VaultSecretName::parse(kind, derived.as_str()),
            Ok(derived.clone())
        );

        let reference = ResolverRef::new(derived.as_str(), text("key")).unwrap();
        let expected = text("resolver_ref").unwrap();
        assert_eq!(reference.to_string(), expected, "{row}");
        let parsed = ResolverRef::parse(expected).unwrap();
        assert_eq!(parsed, reference);
        assert_eq!(parsed.vault_secret_name(kind), Ok(derived));
        assert_eq!(
            parsed.key().map(|key| key.to_string()).as_deref(),
            text("key")
        );
        count += 1;
    }
    assert_eq!(count, 359);
}

/// A change of the rule that also regenerates the file fails here.
#[test]
fn golden_names_have_not_been_rewritten() {
    let mut hash = Sha256::new();
    for row in rows().take(359) {
        hash.update(row);
        hash.update("\n");
    }
    let hash: String = hash.finalize().iter().map(|b| format!("{b:02x}")).collect();
    assert_eq!(
        hash,
        "0eaba8753e7c52cc464ac13a54f10afa10d413001a0394fabe5a1d558ed95088"
    );
}

fn rows() -> impl Iterator<Item = &'static str> {
    include_str!("../../../testdata/names/names.jsonl")
        .lines()
        .filter(|line| !line.starts_with('#'))
}

fn uuid(text: &str) -> [u8; 16] {
    let hex = text.replace('-', "");
    u128::from_str_radix(&hex, 16)
        .expect("hex digits")
        .to_be_bytes()
}
