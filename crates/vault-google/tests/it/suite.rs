//! The conformance suite with all faults, on the double.

use std::sync::Arc;

use sealpost_vault::Access;
use sealpost_vault::conformance;

use crate::rig;

#[tokio::test(flavor = "multi_thread")]
async fn the_suite_passes_with_every_fault() {
    let (rig, _double) = rig().await;
    let vault = Arc::new(rig.vault().await);
    let report = conformance::run_with_faults(vault, Arc::new(rig), "kit").await;
    passed(&report, "27 passed, 0 failed, 0 skipped");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_suite_passes_with_regional_secrets() {
    let (rig, double) = rig().await;
    let vault = Arc::new(rig.builder().location("a1").open().await.unwrap());
    let report = conformance::run(vault, "kit").await;
    passed(&report, "19 passed, 0 failed, 8 skipped");
    assert!(
        double
            .project()
            .secrets
            .keys()
            .all(|name| name.starts_with("a1/"))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_suite_passes_where_nothing_may_be_read() {
    let (rig, _double) = rig().await;
    let vault = Arc::new(rig.builder().access(Access::Create).open().await.unwrap());
    let report = conformance::run(vault, "kit").await;
    passed(&report, "17 passed, 0 failed, 10 skipped");
    let requests = rig.shared.requests.lock().unwrap();
    assert!(requests.len() > 200);
    for request in &*requests {
        assert!(
            !request.contains(":access") && !request.starts_with("DELETE"),
            "{request}"
        );
    }
}

/// Prints each case for `testdata/vaults/check.sh`.
#[allow(clippy::print_stdout)]
fn passed(report: &conformance::Report, count: &str) {
    println!("{report}");
    report.assert_passed();
    assert!(report.to_string().ends_with(count), "{report}");
}
