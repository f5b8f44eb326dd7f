//! Against the emulator drongo, which `testdata/vaults/check.sh` starts. It takes names that the service refuses, compares no checksum,
//! and knows no regions and no tokens: those are tested on the double, and tokens are asked for by the proxy.

use std::sync::Arc;

use sealpost_vault::Access;
use sealpost_vault::conformance;

use crate::proxy::Rig;

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs drongo: testdata/vaults/check.sh starts it"]
async fn the_suite_passes_on_drongo_with_every_fault() {
    let rig = Rig::new(&address(), "sealpost-kit").await;
    let vault = Arc::new(rig.vault().await);
    let report = conformance::run_with_faults(vault, Arc::new(rig), "dev").await;
    passed(&report, 27);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs drongo: testdata/vaults/check.sh starts it"]
async fn the_suite_passes_on_drongo_where_nothing_may_be_read() {
    let rig = Rig::new(&address(), "sealpost-create").await;
    let vault = Arc::new(rig.builder().access(Access::Create).open().await.unwrap());
    passed(&conformance::run(vault, "create").await, 17);
}

pub(crate) fn address() -> String {
    std::env::var("DRONGO_ADDRESS")
        .expect("DRONGO_ADDRESS is not set; testdata/vaults/check.sh sets it")
}

/// Prints each case for the script.
#[allow(clippy::print_stdout)]
fn passed(report: &conformance::Report, count: usize) {
    println!("{report}");
    report.assert_passed();
    let passed = report
        .results()
        .filter(|(_, verdict)| **verdict == conformance::Verdict::Passed);
    assert_eq!(passed.count(), count, "{report}");
}
