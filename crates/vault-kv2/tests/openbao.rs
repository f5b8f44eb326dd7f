//! The conformance suite against a real server, whose address and root token are in the environment:
//! `testdata/vaults/check.sh` starts it.
#![allow(clippy::unwrap_used)] // a failed unwrap is a failed test

use std::sync::Arc;

use sealpost_vault::conformance;
use sealpost_vault_kv2::{Access, Kv2Vault};

#[tokio::test(flavor = "multi_thread")]
async fn conformance_on_openbao() {
    let Ok(address) = std::env::var("SEALPOST_TEST_OPENBAO") else {
        eprintln!("not run: SEALPOST_TEST_OPENBAO is not set");
        return;
    };
    let token = std::env::var("SEALPOST_TEST_OPENBAO_TOKEN").unwrap();
    let vault = Kv2Vault::builder([address])
        .token(token)
        .access(Access::Delete)
        .open()
        .await
        .unwrap();
    let prefix = format!("k{:x}", std::process::id());
    let report = conformance::run(Arc::new(vault), &prefix).await;
    println!("{report}");
    report.assert_passed();
}
