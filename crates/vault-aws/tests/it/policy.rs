//! Exactly the printed policies: what they are for works, and everything else is refused.

use sealpost_vault::error::{CreateError, DeleteError, FetchError, VaultFailure};
use sealpost_vault::{
    Access, Deadline, Lifecycle as _, NewSecret, OperationId, Vault, VaultKind, VaultSecretName,
};
use serde_json::Value;
use tokio::time::{Duration, sleep};

use crate::double::others;
use crate::rig;

const OPERATION: OperationId = OperationId::from_bytes([7; 32]);

/// An agent that may do more than its policy is refused by the service, with the name of what is missing.
#[tokio::test]
async fn each_policy_permits_what_it_is_for_and_nothing_else() {
    for granted in [Access::Create, Access::Resolve, Access::Delete] {
        let (rig, double) = rig().await;
        let builder = rig.builder().prefix("team").access(granted);
        double.permit(&builder.policy());
        // It thinks that it may do everything.
        let vault = rig.builder().prefix("team").open().await.unwrap();
        let name = VaultSecretName::derive(VaultKind::AWS, None, "db");
        let secret = NewSecret::new(&name, b"{}", &OPERATION);
        vault.create(&secret, Deadline::NONE).await.unwrap();
        sleep(Duration::from_millis(50)).await;
        match vault.fetch(&name, Deadline::NONE).await {
            Ok(_) => assert!(granted >= Access::Resolve),
            Err(FetchError::Failed(VaultFailure::Denied { permission })) => {
                assert_eq!(granted, Access::Create);
                assert!(
                    permission.starts_with("secretsmanager:GetSecretValue "),
                    "{permission}"
                );
            }
            Err(other) => panic!("{other:?}"),
        }
        match vault.delete(&name, Deadline::NONE).await {
            Ok(()) => assert_eq!(granted, Access::Delete),
            Err(DeleteError::Failed(VaultFailure::Denied { permission })) => {
                assert!(granted < Access::Delete);
                assert!(
                    permission.starts_with("secretsmanager:DeleteSecret "),
                    "{permission}"
                );
            }
            Err(other) => panic!("{other:?}"),
        }
        // Beside the prefix.
        let failure = rig.builder().prefix("other").open().await.unwrap_err();
        assert!(
            failure
                .to_string()
                .contains("grant secretsmanager:DescribeSecret"),
            "{failure}"
        );
        let policy: Value = serde_json::from_str(&builder.policy()).unwrap();
        for other in others() {
            assert!(
                !policy
                    .to_string()
                    .contains(&format!("secretsmanager:{other}\"")),
                "{other}"
            );
        }
    }
}

/// Each permission that is missing is named, when only this one is.
#[tokio::test]
async fn each_missing_permission_is_named() {
    for missing in ["CreateSecret", "TagResource", "DescribeSecret"] {
        let (rig, double) = rig().await;
        let builder = rig.builder().access(Access::Create);
        let action = format!("secretsmanager:{missing}");
        let policy = builder.policy();
        double.permit(&policy);
        let vault = builder.open().await.unwrap();
        double.permit(&policy.replace(&action, "secretsmanager:Nothing"));
        let name = VaultSecretName::derive(VaultKind::AWS, None, "db");
        let other = OperationId::from_bytes([8; 32]);
        let mut told = Vec::new();
        // The second finds a name that is taken, and has to look.
        for operation in [OPERATION, other] {
            let secret = NewSecret::new(&name, b"{}", &operation);
            if let Err(CreateError::Failed(VaultFailure::Denied { permission })) =
                vault.create(&secret, Deadline::NONE).await
            {
                told.push(permission);
            }
        }
        assert!(!told.is_empty(), "{missing}");
        for permission in told {
            assert!(permission.starts_with(&action), "{permission}");
        }
    }
}
