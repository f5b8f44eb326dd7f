//! Values come back as they were given, or are refused.

use sealpost_vault_key::VaultSecretName;

use super::stage::{Case, Stage, Stop, ensure};
use crate::error::CreateError;

/// Values of 1 byte, of all bytes, and up to the limit are kept; one byte more is refused. An empty value, which no agent stores,
/// is kept or refused as such.
pub(super) async fn every_byte_up_to_the_limit_is_kept(stage: &Stage) -> Case {
    let max = stage.vault.limits().max_value;
    let pattern: Vec<u8> = (0..=u8::MAX).cycle().take(max + 1).collect();
    stage
        .kept_or_refused_if_empty(&stage.name("size-0"))
        .await?;
    for len in [1, 256, max - 1, max] {
        let name = stage.name(&format!("size-{len}"));
        stage.stored(&name, &pattern[..len], 1).await?;
        stage.holds(&name, &pattern[..len]).await?;
        stage.clear(&name).await?;
    }
    let name = stage.name("too-long");
    let told = match stage.create(&name, &pattern, 1).await {
        Err(CreateError::ValueTooLong { len, max }) => Some((len, max)),
        _ => None,
    };
    ensure!(
        told == Some((max + 1, max)),
        "one byte over the limit is not told as such"
    );
    stage.absent(&name).await
}

impl Stage {
    async fn kept_or_refused_if_empty(&self, name: &VaultSecretName) -> Case {
        match self.create(name, b"", 1).await {
            Err(CreateError::ValueRefused { .. }) => self.absent(name).await,
            Ok(_) => {
                self.holds(name, b"").await?;
                self.clear(name).await
            }
            Err(error) => Err(Stop::Failed(format!(
                "an empty value is neither kept nor refused: {error}"
            ))),
        }
    }
}

/// Numbers keep their digits, strings their escapes, members their order, their repetitions and their blanks.
pub(super) async fn json_is_kept_byte_for_byte(stage: &Stage) -> Case {
    for (index, value) in JSON.iter().enumerate() {
        let name = stage.name(&format!("json-{index}"));
        stage.stored(&name, value.as_bytes(), 1).await?;
        stage.holds(&name, value.as_bytes()).await?;
        stage.clear(&name).await?;
    }
    Ok(())
}

/// An object with as many members as the endpoint takes is kept, or refused with the vault's limit.
pub(super) async fn many_members_are_kept_or_refused(stage: &Stage) -> Case {
    let members: Vec<_> = (0..MEMBERS).map(|i| format!("\"m{i}\":\"v\"")).collect();
    let value = format!("{{{}}}", members.join(","));
    let name = stage.name("members");
    match stage.create(&name, value.as_bytes(), 1).await {
        Ok(_) => {
            stage.holds(&name, value.as_bytes()).await?;
            stage.clear(&name).await
        }
        Err(CreateError::ValueRefused { .. } | CreateError::ValueTooLong { .. }) => {
            stage.absent(&name).await
        }
        Err(error) => Err(Stop::Failed(format!(
            "{MEMBERS} members are neither kept nor refused: {error}"
        ))),
    }
}

const JSON: &[&str] = &[
    r#"{"n":[12345678901234567890,9007199254740993,-0,1.0,1e23,1E+2,1e400,1e-400,0.1]}"#,
    r#"{"s":"\" \\ \/ \b \f \n \r \t A é 😀 <>& \u2028"}"#,
    "{\"raw\":\"\u{7f}é\u{2028}😀<>&\"}",
    r#"{"lone":"\ud800","nul":"\u0000"}"#,
    r#"{"z":1,"a":2,"z":3}"#,
    " {\t\"blank\" :\r\n[ ] , \"\" : \"\" } ",
    r#"{"deep":[[[[[[[[[[[[[[[[{}]]]]]]]]]]]]]]]]}"#,
];

const MEMBERS: usize = 1_024;
