//! The conformance suite with all faults, on the double.

use std::sync::Arc;

use sealpost_vault::{Access, conformance};

use crate::rig::Rig;

#[tokio::test(flavor = "multi_thread")]
async fn the_suite_passes_with_every_fault() {
    let rig = Rig::new().await;
    let vault = Arc::new(rig.vault().await);
    let report = conformance::run_with_faults(vault, Arc::new(rig), "kit").await;
    passed(&report, "27 passed, 0 failed, 0 skipped");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_suite_passes_where_only_the_loser_of_a_race_reads() {
    let rig = Rig::new().await;
    let vault = Arc::new(rig.builder().access(Access::Create).open().await.unwrap());
    let report = conformance::run(vault, "kit").await;
    passed(&report, "17 passed, 0 failed, 10 skipped");
    let vault = rig.double.vault();
    assert!(vault.requests.len() > 200);
    for request in &vault.requests {
        let is_read = request.starts_with("GET ") && !request.contains("/versions");
        assert!(!is_read && !request.starts_with("DELETE"), "{request}");
    }
}

/// Prints each case for the script.
#[allow(clippy::print_stdout)]
fn passed(report: &conformance::Report, count: &str) {
    println!("{report}");
    report.assert_passed();
    assert!(report.to_string().ends_with(count), "{report}");
}
