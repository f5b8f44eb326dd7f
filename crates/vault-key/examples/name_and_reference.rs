//! From a secret's name to its name in each vault and to the reference that resolves it, and back.
//!
//!     cargo run -p sealpost-vault-key --example name_and_reference

use sealpost_vault_key::{ResolverRef, VaultKind, VaultSecretName};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    // A vault that can take the name keeps it; for another the name is rewritten, with a hash of it.
    for kind in VaultKind::KNOWN {
        let name = VaultSecretName::derive(kind, None, "prod/db");
        println!("{:9} {}", kind.as_str(), name.as_str());
    }

    // The reference that a caller gets, and a pipeline resolves: the whole object, or one property of it.
    let name = VaultSecretName::derive(VaultKind::AZURE, None, "prod/db");
    let reference = ResolverRef::new(name.as_str(), Some("password"))?.to_string();
    println!("{reference}");

    let parsed = ResolverRef::parse(&reference)?;
    assert_eq!(
        parsed.vault_secret_name(VaultKind::AZURE)?.as_str(),
        name.as_str()
    );
    let key = parsed.key().ok_or("it has a key")?;
    assert_eq!(key.to_string(), "password");
    Ok(())
}
