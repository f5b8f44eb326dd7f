//! The conformance suite with all faults, on the double.

use std::sync::Arc;

use sealpost_vault::conformance;
use sealpost_vault_kv2::Access;

use crate::rig;

#[tokio::test(flavor = "multi_thread")]
async fn the_suite_passes_with_every_fault() {
    let (rig, _folder) = rig().await;
    let vault = Arc::new(rig.vault().await);
    let report = conformance::run_with_faults(vault, Arc::new(rig), "kit").await;
    report.assert_passed();
    assert!(
        report
            .to_string()
            .ends_with("27 passed, 0 failed, 0 skipped"),
        "{report}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_suite_passes_where_nothing_may_be_read() {
    let (rig, _folder) = rig().await;
    let vault = Arc::new(rig.builder().access(Access::Create).open().await.unwrap());
    let report = conformance::run(vault, "kit").await;
    report.assert_passed();
    let requests = rig.shared().requests.lock().unwrap();
    assert!(requests.len() > 200);
    for request in &*requests {
        // Names of members, never values.
        assert!(
            !request.line.starts_with("GET /v1/secret/data/"),
            "{}",
            request.line
        );
    }
}
