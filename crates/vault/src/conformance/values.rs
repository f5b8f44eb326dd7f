//! Values come back as they were given, or are refused.

use sealpost_vault_key::VaultSecretName;

use super::stage::{Case, Stage, Stop, ensure};
use crate::error::CreateError;

/// Values of 1 byte, of all bytes, and up to the limit are kept; one byte more is refused. An empty value and one that is not text,
/// which no agent stores, are kept or refused as such.
pub(super) async fn every_byte_up_to_the_limit_is_kept(stage: &Stage) -> Case {
    let max = stage.vault.limits().max_value;
    let pattern: Vec<u8> = (0..=u8::MAX).cycle().take(max + 1).collect();
    stage
        .kept_or_refused_if_empty(&stage.name("size-0"))
        .await?;
    // An agent stores JSON, so a vault that holds text alone may say so.
    let text: Vec<u8> = (0..=0x7f).cycle().take(max + 1).collect();
    let is_binary = match stage.create(&stage.name("binary"), &[0xff], 1).await {
        Err(CreateError::ValueRefused { .. }) => false,
        Err(error) => {
            return Err(Stop::Failed(format!(
                "a value that is not text is neither kept nor refused: {error}"
            )));
        }
        Ok(_) => {
            stage.clear(&stage.name("binary")).await?;
            true
        }
    };
    let pattern = if is_binary { pattern } else { text };
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

/// A value as long as the limit is kept, whatever a vault needs to write it down.
pub(super) async fn long_strings_are_kept_byte_for_byte(stage: &Stage) -> Case {
    let max = stage.vault.limits().max_value;
    for (index, part) in LONG.iter().enumerate() {
        let (begin, end) = ("{\"a\":\"", "\"}");
        let room = max - begin.len() - end.len();
        let padding = "x".repeat(room % part.len());
        let value = format!("{begin}{}{padding}{end}", part.repeat(room / part.len()));
        let name = stage.name(&format!("long-{index}"));
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
    r#"{"n":[12345678901234567890,9007199254740993,-0,0.0,-0.0,1.0,1.10,1e23,1E+2,1e-2,100000000000000000000,5e-324]}"#,
    r#"{"n":1e400}"#,
    r#"{"n":[1e-400,-1E400,0.1000000000000000055511151231257827021181583404541015625,1e0000000001]}"#,
    r#"{"s":"\" \\ \/ \b \f \n \r \t A é 😀 <>& \u2028"}"#,
    r#"{"s":"\u00e9 \u00E9 \ud83d\ude00 \uD83D\uDE00 \u003c\u003e\u0026 \u2028\u2029 \ufeff \uffff \u007f"}"#,
    r#"{"lower":"\u0000\u0001\u0002\u0003\u0004\u0005\u0006\u0007\u0008\u0009\u000a\u000b\u000c\u000d\u000e\u000f"}"#,
    r#"{"upper":"\u0010\u0011\u0012\u0013\u0014\u0015\u0016\u0017\u0018\u0019\u001A\u001B\u001C\u001D\u001E\u001F"}"#,
    "{\"raw\":\"\u{7f}é\u{2028}\u{2029}\u{feff}\u{fffd}😀<>&e\u{301}\"}",
    r#"{"\u0070assword":"1","p\/q":2,"\"":3,"é":4,"<":5,".":6,"sealpost":{"text":"7"}}"#,
    r#"{"lone":"\ud800","low":"\udc00","nul":"\u0000"}"#,
    r#"{"z":1,"a":2,"z":3}"#,
    " {\t\"blank\" :\r\n[ ] , \"\" : \"\" } ",
    r#"{"deep":[[[[[[[[[[[[[[[[{}]]]]]]]]]]]]]]]]}"#,
    r#"{"t":true,"f":false,"n":null,"o":{},"a":[]}"#,
];

/// What a long string is made of: what vaults and their JSON write with more bytes than it has.
const LONG: &[&str] = &["<", "\\\"", "\\\\", "\\u0001", "😀", "\u{2028}"];

const MEMBERS: usize = 1_024;
