//! What creating leaves of a value in freed memory, on any thread: nothing.
//!
//! `testdata/vaults/check.sh` runs this test alone, against a server of another process: whatever ran beside it would be looked at
//! as well. A fetch is not tested: the answer passes through buffers of the HTTP library, which it does not wipe.

use sealpost_testkit::canary;
use sealpost_vault::Access;
use sealpost_vault::{Deadline, NewSecret, OperationId, Vault, VaultKind, VaultSecretName};
use sealpost_vault_google::GoogleVault;

use crate::drongo::address;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs drongo: testdata/vaults/check.sh starts it"]
async fn creating_leaves_nothing_of_a_value_in_freed_memory() {
    canary::assert_watching();
    let vault = GoogleVault::builder("sealpost-residue")
        .endpoint(address())
        .token("canary".to_owned())
        .access(Access::Create)
        .open()
        .await
        .unwrap();
    for canaries in [4, 200, 2_000] {
        let value = canary::json(canaries);
        let name = format!("residue-{canaries}");
        let name = VaultSecretName::derive(VaultKind::GOOGLE, None, &name);
        let operation = OperationId::from_bytes([7; 32]);
        let secret = NewSecret::new(&name, &value, &operation);
        canary::arm();
        // The second is a retry.
        for _ in 0..2 {
            vault.create(&secret, Deadline::NONE).await.unwrap();
        }
        canary::disarm();
        assert_eq!(canary::take_found(), 0, "{canaries} canaries");
    }
    canary::arm();
    vault.close().await;
    drop(vault);
    // Its connections end.
    tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    canary::disarm();
    assert_eq!(canary::take_found(), 0, "when it was closed");
}

#[global_allocator]
static ALLOCATOR: canary::Watching = canary::Watching;
