//! A text either is a reference in its one form, or is refused; no text makes parsing panic.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sealpost_vault_key::{MAX_RESOLVER_REF, ResolverRef, VaultKind, VaultSecretName};

fuzz_target!(|text: &str| {
    // Most of what a fuzzer invents lacks the scheme, so what it gives is tried behind one, too.
    check(text);
    check(&format!("secret:{text}"));

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
});

fn check(text: &str) {
    let Ok(parsed) = ResolverRef::parse(text) else {
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
    for kind in VaultKind::ALL {
        assert_eq!(
            parsed.vault_secret_name(kind),
            VaultSecretName::parse(kind, &name)
        );
    }
}
