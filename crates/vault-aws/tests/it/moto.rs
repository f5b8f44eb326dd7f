//! On moto, which `testdata/vaults/check.sh` starts.

use std::env;
use std::sync::Arc;

use sealpost_vault::{
    Deadline, NewSecret, OperationId, Vault, VaultKind, VaultSecretName, conformance,
};
use sealpost_vault_aws::{Access, AwsVault};

use crate::proxy::Rig;

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs moto: testdata/vaults/check.sh starts it"]
async fn the_suite_passes_on_moto_with_every_fault() {
    let rig = Rig::new(&env::var("MOTO_ADDRESS").unwrap()).await;
    let vault = Arc::new(rig.vault().await);
    let report = conformance::run_with_faults(vault, Arc::new(rig), "kit").await;
    println!("{report}");
    report.assert_passed();
    assert!(
        report
            .to_string()
            .ends_with("27 passed, 0 failed, 0 skipped")
    );
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs moto: testdata/vaults/check.sh starts it"]
async fn the_suite_passes_on_moto_with_tls_and_the_credentials_of_the_environment() {
    let vault = tls().access(Access::Create).open().await.unwrap();
    let report = conformance::run(Arc::new(vault), "tls").await;
    println!("{report}");
    report.assert_passed();
    assert!(
        report
            .to_string()
            .ends_with("17 passed, 0 failed, 10 skipped")
    );
}

/// The environment's HTTPS_PROXY names a proxy that counts, and `MOTO_PROXIED` an address that is reached through it alone.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs moto: testdata/vaults/check.sh starts it"]
async fn the_proxy_of_the_environment_is_gone_through() {
    let vault = tls()
        .endpoint(env::var("MOTO_PROXIED").unwrap())
        .access(Access::Resolve)
        .open()
        .await
        .unwrap();
    let name = VaultSecretName::derive(VaultKind::AWS, None, "proxied");
    let operation = OperationId::from_bytes([7; 32]);
    let secret = NewSecret::new(&name, b"{}", &operation);
    vault.create(&secret, Deadline::NONE).await.unwrap();
    assert_eq!(
        vault.fetch(&name, Deadline::NONE).await.unwrap()[..],
        *b"{}"
    );
}

/// moto with TLS and the credentials of the environment.
pub(crate) fn tls() -> sealpost_vault_aws::AwsBuilder {
    AwsVault::builder("eu-central-1")
        .endpoint(env::var("MOTO_TLS_ADDRESS").unwrap())
        .ca_file(env::var("MOTO_CA_FILE").unwrap())
}
