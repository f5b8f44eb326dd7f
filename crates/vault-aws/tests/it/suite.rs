//! The conformance suite with all faults, on the double.

use std::sync::Arc;

use sealpost_vault::conformance;
use sealpost_vault_aws::Access;

use crate::rig;

#[tokio::test(flavor = "multi_thread")]
async fn the_suite_passes_with_every_fault() {
    let (rig, _double) = rig().await;
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
async fn the_suite_passes_with_the_printed_policy_where_nothing_may_be_read() {
    let (rig, double) = rig().await;
    let builder = rig.builder().access(Access::Create).prefix("team/a");
    double.permit(&builder.policy());
    let vault = Arc::new(builder.open().await.unwrap());
    let report = conformance::run(vault, "kit").await;
    println!("{report}");
    report.assert_passed();
    assert!(
        report
            .to_string()
            .ends_with("17 passed, 0 failed, 10 skipped")
    );
    assert!(report.missing_permissions().is_empty());
    let seen = rig.taken();
    assert!(seen.len() > 200);
    for action in seen {
        assert!(
            matches!(action.as_str(), "CreateSecret" | "DescribeSecret"),
            "{action}"
        );
    }
}
