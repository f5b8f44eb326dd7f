//! The printed role is what the calls need.

use std::collections::HashSet;
use std::sync::Arc;

use sealpost_vault::conformance::{self, Faults as _};
use sealpost_vault::error::{CreateError, DeleteError, FetchError, VaultFailure};
use sealpost_vault::{Access, Deadline, NewSecret, OperationId, Vault, VaultKind, VaultSecretName};

use crate::rig::Rig;

fn actions(policy: &str) -> HashSet<String> {
    let role: serde_json::Value = serde_json::from_str(policy).unwrap();
    let actions = role["DataActions"].as_array().unwrap().iter();
    actions
        .map(|action| action.as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_suite_passes_with_exactly_the_printed_roles() {
    for access in [Access::Resolve, Access::Delete] {
        let rig = Rig::new().await;
        rig.double.vault().permissions = Some(actions(&rig.builder().access(access).policy()));
        let vault = Arc::new(rig.builder().access(access).open().await.unwrap());
        let report = conformance::run(vault, "kit").await;
        report.assert_passed();
        assert!(report.missing_permissions().is_empty(), "{report}");
    }
}

#[tokio::test]
async fn each_missing_permission_is_named() {
    let operation = OperationId::from_bytes([7; 32]);
    for missing in [
        "Microsoft.KeyVault/vaults/secrets/setSecret/action",
        "Microsoft.KeyVault/vaults/secrets/readMetadata/action",
        "Microsoft.KeyVault/vaults/secrets/getSecret/action",
        "Microsoft.KeyVault/vaults/secrets/delete",
    ] {
        let rig = Rig::new().await;
        let mut role = actions(&rig.builder().policy());
        assert!(role.remove(missing), "{missing}");
        rig.double.vault().permissions = Some(role);
        let vault = rig.vault().await;
        let name = VaultSecretName::derive(VaultKind::AZURE, None, "least");
        let secret = NewSecret::new(&name, b"value", &operation);
        rig.lose_answers(1).await;
        let mut failures = Vec::new();
        if let Err(CreateError::Failed(failure)) = vault.create(&secret, Deadline::NONE).await {
            failures.push(failure);
        }
        if let Err(FetchError::Failed(failure)) = vault.fetch(&name, Deadline::NONE).await {
            failures.push(failure);
        }
        let lifecycle = vault.lifecycle().unwrap();
        if let Err(DeleteError::Failed(failure)) = lifecycle.delete(&name, Deadline::NONE).await {
            failures.push(failure);
        }
        let named = failures.iter().any(|failure| {
            matches!(failure, VaultFailure::Denied { permission } if permission.starts_with(missing))
        });
        assert!(named, "{missing}: {failures:?}");
    }
}
