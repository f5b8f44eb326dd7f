//! The printed role is what the calls need.

use std::collections::HashSet;
use std::sync::Arc;

use sealpost_vault::Access;
use sealpost_vault::conformance;
use sealpost_vault::conformance::Faults as _;
use sealpost_vault::error::{CreateError, DeleteError, FetchError, VaultFailure};
use sealpost_vault::{Deadline, NewSecret, OperationId, Vault, VaultKind, VaultSecretName};

use crate::rig;

fn permissions(policy: &str) -> HashSet<String> {
    let lines = policy.lines().filter_map(|line| line.strip_prefix("- "));
    lines.map(str::to_owned).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_suite_passes_with_exactly_the_printed_roles() {
    for (access, count, prefix) in [
        (Access::Create, 4, "kitc"),
        (Access::Resolve, 5, "kitr"),
        (Access::Delete, 6, "kitd"),
    ] {
        let (rig, double) = rig().await;
        let role = permissions(&rig.builder().access(access).policy());
        assert_eq!(role.len(), count, "{role:?}");
        double.project().permissions = Some(role);
        let vault = Arc::new(rig.builder().access(access).open().await.unwrap());
        let report = conformance::run(vault, prefix).await;
        report.assert_passed();
        assert!(report.missing_permissions().is_empty(), "{report}");
    }
}

#[tokio::test]
async fn each_missing_permission_is_named() {
    let operation = OperationId::from_bytes([7; 32]);
    for (access, missing) in [
        (Access::Create, "secretmanager.secrets.create"),
        (Access::Create, "secretmanager.versions.add"),
        (Access::Create, "secretmanager.secrets.get"),
        (Access::Create, "secretmanager.versions.get"),
        (Access::Delete, "secretmanager.versions.access"),
        (Access::Delete, "secretmanager.secrets.delete"),
    ] {
        let (rig, double) = rig().await;
        let mut role = permissions(&rig.builder().policy());
        assert!(role.remove(missing), "{missing}");
        double.project().permissions = Some(role);
        let vault = rig.builder().access(access).open().await.unwrap();
        let name = VaultSecretName::derive(VaultKind::GOOGLE, None, "least");
        let secret = NewSecret::new(&name, b"value", &operation);
        // The second is a retry after a lost answer.
        rig.lose_answers(1).await;
        let mut failures = Vec::new();
        for _ in 0..2 {
            if let Err(CreateError::Failed(failure)) = vault.create(&secret, Deadline::NONE).await {
                failures.push(failure);
            }
        }
        if let Err(FetchError::Failed(failure)) = vault.fetch(&name, Deadline::NONE).await {
            failures.push(failure);
        }
        if let Some(lifecycle) = vault.lifecycle()
            && let Err(DeleteError::Failed(failure)) = lifecycle.delete(&name, Deadline::NONE).await
        {
            failures.push(failure);
        }
        let named = failures.iter().any(|failure| {
            matches!(failure, VaultFailure::Denied { permission } if permission.starts_with(missing))
        });
        assert!(named, "{missing}: {failures:?}");
    }
}
