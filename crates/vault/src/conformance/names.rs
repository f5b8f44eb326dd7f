//! Every name is taken, and names are kept apart.

use sealpost_vault_key::VaultSecretName;

use super::stage::{Case, Stage, Stop};

/// Names as they pass, as they are rewritten, of projects, with every character, of full length.
pub(super) async fn every_valid_name_is_taken(stage: &Stage) -> Case {
    let (kind, prefix) = (stage.vault.kind(), &stage.prefix);
    let max = stage.vault.limits().max_name;
    let mut names = vec![
        VaultSecretName::derive(kind, None, &format!("{prefix}/a b/ü")),
        VaultSecretName::derive(kind, Some(&[0xab; 16]), &format!("{prefix}-a")),
        VaultSecretName::derive(kind, Some(&[0xab; 16]), &format!("{prefix} ü")),
        VaultSecretName::derive(kind, None, &format!("{prefix}{}", "ü".repeat(999))),
        VaultSecretName::derive(
            kind,
            None,
            &format!("{prefix}{}", "a".repeat(max - prefix.len())),
        ),
    ];
    for byte in 0..=0x7f_u8 {
        let candidate = format!("{prefix}-{}-a", char::from(byte));
        if let Ok(name) = VaultSecretName::parse(kind, &candidate) {
            // A vault that ignores case takes upper case, and means the same secret.
            if !(kind.ignores_case() && byte.is_ascii_uppercase()) {
                names.push(name);
            }
        }
    }
    for (index, name) in names.iter().enumerate() {
        stage.stored(name, &index.to_be_bytes(), 1).await?;
    }
    for (index, name) in names.iter().enumerate() {
        stage.holds(name, &index.to_be_bytes()).await?;
        stage.clear(name).await?;
    }
    Ok(())
}

/// Names that differ by case, by a segment or by an ending are different secrets.
pub(super) async fn similar_names_are_kept_apart(stage: &Stage) -> Case {
    let names = [
        "Foo", "foo", "fo", "foo-", "foo/a", "foo/a/b", "foo_a", "foo.a",
    ]
    .map(|name| stage.name(name));
    for (operation, name) in (0..).zip(&names) {
        stage
            .stored(name, name.as_str().as_bytes(), operation)
            .await?;
    }
    for name in &names {
        stage.holds(name, name.as_str().as_bytes()).await?;
    }
    let [first, rest @ ..] = &names;
    match stage.delete(first).await {
        Err(Stop::Skipped(_)) => return Ok(()),
        Err(stop) => return Err(stop),
        Ok(Err(error)) => return Err(Stop::Failed(format!("{first} was not deleted: {error}"))),
        Ok(Ok(())) => {}
    }
    for name in rest {
        stage.holds(name, name.as_str().as_bytes()).await?;
        stage.clear(name).await?;
    }
    Ok(())
}
