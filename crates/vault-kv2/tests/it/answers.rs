//! Whose secret it is, told right whatever the server's answers were on the way.

use std::sync::atomic::Ordering;
use std::time::Duration;

use reqwest::Method;
use sealpost_vault::conformance::Faults as _;
use sealpost_vault::error::CreateError;
use sealpost_vault::{Access, Deadline, NewSecret, OperationId, Vault, VaultKind, VaultSecretName};
use sealpost_vault_kv2::Kv2Vault;

use tokio::task::JoinSet;

use crate::proxy::Rig;
use crate::rig;

/// What stands between a create and the answer to it, when something is under the name.
#[derive(Clone, Copy, Debug)]
struct Path {
    /// Writes that are done and whose answers are, counted down, a 500, a connection that breaks, a 307 to a dead node.
    lost: usize,
    /// Reads of a node that has not seen the newest writes: 429.
    stale: usize,
    /// A policy without "update" answers 403 in the place of check-and-set's 400.
    is_create_only: bool,
}

fn paths() -> impl Iterator<Item = Path> {
    (0..=3).flat_map(|lost| {
        [0, 1].into_iter().flat_map(move |stale| {
            [false, true].map(|is_create_only| Path {
                lost,
                stale,
                is_create_only,
            })
        })
    })
}

impl Path {
    async fn create(
        self,
        rig: &Rig,
        vault: &Kv2Vault,
        name: &VaultSecretName,
        value: &[u8],
        operation: u8,
    ) -> Result<(), CreateError> {
        let shared = rig.shared();
        shared.stale.store(self.stale, Ordering::SeqCst);
        let is_create_only = self.is_create_only;
        shared
            .is_create_only
            .store(is_create_only, Ordering::SeqCst);
        rig.lose_answers(self.lost).await;
        let operation = OperationId::from_bytes([operation; 32]);
        let secret = NewSecret::new(name, value, &operation);
        let deadline = Deadline::at(tokio::time::Instant::now() + Duration::from_secs(20));
        let created = vault.create(&secret, deadline).await.map(drop);
        rig.lose_answers(0).await;
        shared.stale.store(0, Ordering::SeqCst);
        created
    }

    async fn leads_to_the_right_answer(self, access: Access) {
        let (rig, _folder) = rig().await;
        let vault = rig.builder().access(access).open().await.unwrap();
        let name = |name| VaultSecretName::derive(VaultKind::KV2, None, name);
        let (own, foreign, deleted) = (name("own"), name("foreign"), name("deleted"));
        let create = async |name, value: &[u8], operation| {
            self.create(&rig, &vault, name, value, operation).await
        };
        // Its answer is lost as well, and what it finds is its own.
        for _ in 0..2 {
            create(&own, b"{\"p\":1}", 1).await.unwrap();
        }
        for (what, value, operation) in [
            ("another value", &b"{\"p\":2}"[..], 1),
            ("the same value in other bytes", b"{\"p\": 1}", 1),
            ("another operation", b"{\"p\":1}", 2),
        ] {
            let taken = create(&own, value, operation).await;
            assert!(
                matches!(taken, Err(CreateError::Exists)),
                "{self:?}, {access:?}, {what}: {taken:?}"
            );
        }
        let data = format!("secret/data/{foreign}");
        rig.operate(Method::POST, &data, r#"{"data":{"p":"1"}}"#)
            .await;
        let taken = create(&foreign, b"{\"p\":1}", 1).await;
        assert!(
            matches!(taken, Err(CreateError::Exists)),
            "{self:?}, {access:?}: {taken:?}"
        );
        create(&deleted, b"{}", 1).await.unwrap();
        rig.delete_as_a_person(&deleted).await;
        for operation in [1, 2] {
            let pending = create(&deleted, b"{}", operation).await;
            assert!(
                matches!(pending, Err(CreateError::PendingDeletion)),
                "{self:?}, {access:?}: {pending:?}"
            );
        }
    }
}

/// Each path has a server of its own, since they wait.
#[tokio::test(flavor = "multi_thread")]
async fn an_own_write_is_stored_and_everything_else_a_conflict_on_every_path() {
    let mut ways = JoinSet::new();
    for path in paths() {
        for access in [Access::Create, Access::Resolve] {
            ways.spawn(path.leads_to_the_right_answer(access));
        }
    }
    while let Some(way) = ways.join_next().await {
        way.unwrap();
    }
}

/// Its own write is the first version, whatever a person has written since.
#[tokio::test]
async fn an_own_write_that_a_person_has_edited_since_is_its_own() {
    let (rig, _folder) = rig().await;
    let vault = rig.builder().access(Access::Create).open().await.unwrap();
    let name = VaultSecretName::derive(VaultKind::KV2, None, "edited");
    let path = Path {
        lost: 0,
        stale: 0,
        is_create_only: false,
    };
    path.create(&rig, &vault, &name, b"{\"p\":1}", 1)
        .await
        .unwrap();
    let data = format!("secret/data/{name}");
    rig.operate(Method::POST, &data, r#"{"data":{"p":"2"}}"#)
        .await;
    let own = path.create(&rig, &vault, &name, b"{\"p\":1}", 1).await;
    assert!(own.is_ok(), "{own:?}");
    let taken = path.create(&rig, &vault, &name, b"{\"p\":2}", 1).await;
    assert!(matches!(taken, Err(CreateError::Exists)), "{taken:?}");
}
