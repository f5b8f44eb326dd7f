//! Against OpenBao itself, which `testdata/vaults/check.sh` starts and describes in the environment.

use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;

use async_trait::async_trait;
use sealpost_vault::conformance::{self, Report};
use sealpost_vault::error::{CreateError, FetchError};
use sealpost_vault::guarantees::Guarantees;
use sealpost_vault::{
    Deadline, Lifecycle, NewSecret, OperationId, Receipt, SecretValue, Vault, VaultKind,
    VaultSecretName,
};
use sealpost_vault_kv2::{Access, Kv2Builder, Kv2Vault};

use crate::proxy::Rig;

/// A development server: everything, and every fault.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs OpenBao: testdata/vaults/check.sh starts it"]
async fn the_suite_passes_on_openbao_with_every_fault() {
    let rig = Rig::new(
        &variable("BAO_ADDRESS"),
        &variable("BAO_ROOT"),
        &variable("BAO_ROLE_ID"),
        variable("BAO_SECRET_ID_FILE").into(),
        variable("BAO_WRONG_SECRET_ID_FILE").into(),
    )
    .await;
    let vault = Arc::new(rig.vault().await);
    let report = conformance::run_with_faults(vault, Arc::new(rig), &prefix("dev")).await;
    passed(&report, 27);
}

/// Raft, TLS, AppRole, and an agent with exactly the policy that is printed for one that creates. Another reads for the suite,
/// a third deletes, each with its own printed policy.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs OpenBao: testdata/vaults/check.sh starts it"]
async fn the_suite_passes_on_raft_with_tls_and_the_printed_policies() {
    let team = Team {
        create: tls("CREATE", Access::Create).open().await.unwrap(),
        resolve: tls("RESOLVE", Access::Resolve).open().await.unwrap(),
        delete: tls("DELETE", Access::Delete).open().await.unwrap(),
    };
    let report = conformance::run(Arc::new(team), &prefix("raft")).await;
    passed(&report, 19);
    for (name, access) in [
        ("CREATE", Access::Create),
        ("RESOLVE", Access::Resolve),
        ("DELETE", Access::Delete),
    ] {
        let vault = tls(name, access).open().await.unwrap();
        let report =
            conformance::run(Arc::new(vault), &prefix(name.to_ascii_lowercase().as_str())).await;
        let passed_cases = if access == Access::Delete { 19 } else { 17 };
        passed(&report, passed_cases);
        assert!(
            report.missing_permissions().is_empty(),
            "{:?}",
            report.missing_permissions()
        );
    }
}

/// As many members as a request holds, and around its limits.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs OpenBao: testdata/vaults/check.sh starts it"]
async fn every_number_of_members_is_kept_byte_for_byte() {
    let vault = Kv2Vault::builder([variable("BAO_ADDRESS")])
        .token(variable("BAO_ROOT"))
        .access(Access::Delete)
        .open()
        .await
        .unwrap();
    for count in [0, 1, 493, 494, 495, 496, 498, 499, 1_024] {
        let members: Vec<_> = (0..count).map(|i| format!("\"m{i}\":\"v\"")).collect();
        let value = format!("{{{}}}", members.join(","));
        round_trip(
            &vault,
            &format!("{}-{count}", prefix("members")),
            value.as_bytes(),
        )
        .await;
    }
}

/// What a person sees and does with OpenBao's own command.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs OpenBao: testdata/vaults/check.sh starts it"]
async fn a_person_reads_and_edits_what_is_stored() {
    let vault = Kv2Vault::builder([variable("BAO_ADDRESS")])
        .token(variable("BAO_ROOT"))
        .access(Access::Resolve)
        .open()
        .await
        .unwrap();
    let name = VaultSecretName::derive(VaultKind::KV2, None, &prefix("person"));
    let value = r#"{"password": "a\"b\u00e9<&>\n", "port": 12345678901234567890.0, "on": true}"#;
    let operation = OperationId::from_bytes([7; 32]);
    let secret = NewSecret::new(&name, value.as_bytes(), &operation);
    vault.create(&secret, Deadline::NONE).await.unwrap();
    let path = format!("secret/{name}");
    for (field, shown) in [
        ("password", "a\"b\u{e9}<&>\n"),
        ("port", "12345678901234567890.0"),
        ("on", "true"),
    ] {
        assert_eq!(
            bao(&["kv", "get", &format!("-field={field}"), &path]),
            shown
        );
    }
    let read = async || vault.fetch(&name, Deadline::NONE).await;
    assert_eq!(read().await.unwrap()[..], *value.as_bytes());

    bao(&["kv", "patch", &path, "password=new"]);
    assert_eq!(
        read().await.unwrap()[..],
        *br#"{"password":"new","port":12345678901234567890.0,"on":true}"#
    );
    bao(&["kv", "put", &path, "password=newer"]);
    assert_eq!(read().await.unwrap()[..], *br#"{"password":"newer"}"#);
    bao(&["kv", "rollback", "-version=1", &path]);
    assert_eq!(read().await.unwrap()[..], *value.as_bytes());
    bao(&["kv", "delete", &path]);
    assert!(matches!(read().await, Err(FetchError::NotFound)));
    let other = OperationId::from_bytes([8; 32]);
    let other = NewSecret::new(&name, b"{}", &other);
    let pending = vault.create(&other, Deadline::NONE).await;
    assert!(
        matches!(pending, Err(CreateError::PendingDeletion)),
        "{pending:?}"
    );
    bao(&["kv", "destroy", "-versions=1,2,3,4", &path]);
    let pending = vault.create(&other, Deadline::NONE).await;
    assert!(
        matches!(pending, Err(CreateError::PendingDeletion)),
        "{pending:?}"
    );
    bao(&["kv", "metadata", "delete", &path]);
    vault.create(&other, Deadline::NONE).await.unwrap();
}

fn bao(arguments: &[&str]) -> String {
    let done = Command::new(variable("BAO_COMMAND"))
        .args(arguments)
        .output()
        .unwrap();
    assert!(
        done.status.success(),
        "{arguments:?}: {}",
        String::from_utf8_lossy(&done.stderr)
    );
    String::from_utf8(done.stdout).unwrap()
}

async fn round_trip(vault: &Kv2Vault, name: &str, value: &[u8]) {
    let name = VaultSecretName::derive(VaultKind::KV2, None, name);
    let operation = OperationId::from_bytes([7; 32]);
    let secret = NewSecret::new(&name, value, &operation);
    vault.create(&secret, Deadline::NONE).await.unwrap();
    let read = vault.fetch(&name, Deadline::NONE).await.unwrap();
    assert!(read[..] == *value, "{name}: {} bytes", read.len());
    vault.delete(&name, Deadline::NONE).await.unwrap();
}

/// Three agents that share their work by what they may do.
#[derive(Debug)]
struct Team {
    create: Kv2Vault,
    resolve: Kv2Vault,
    delete: Kv2Vault,
}

#[async_trait]
impl Vault for Team {
    fn kind(&self) -> VaultKind {
        self.create.kind()
    }

    fn limits(&self) -> sealpost_vault::Limits {
        self.create.limits()
    }

    fn guarantees(&self) -> Guarantees {
        self.resolve.guarantees()
    }

    async fn create(
        &self,
        secret: &NewSecret<'_>,
        deadline: Deadline,
    ) -> Result<Receipt, CreateError> {
        self.create.create(secret, deadline).await
    }

    async fn fetch(
        &self,
        name: &VaultSecretName,
        deadline: Deadline,
    ) -> Result<SecretValue, FetchError> {
        self.resolve.fetch(name, deadline).await
    }

    fn lifecycle(&self) -> Option<&dyn Lifecycle> {
        self.delete.lifecycle()
    }

    async fn close(&self) {
        for vault in [&self.create, &self.resolve, &self.delete] {
            vault.close().await;
        }
    }
}

pub(crate) fn tls(role: &str, access: Access) -> Kv2Builder {
    let secret_id: PathBuf = variable(&format!("RAFT_{role}_SECRET_ID_FILE")).into();
    Kv2Vault::builder([variable("RAFT_ADDRESS")])
        .ca_file(variable("RAFT_CA_FILE"))
        .mount(variable("RAFT_MOUNT"))
        .prefix(variable("RAFT_PREFIX"))
        .app_role(variable(&format!("RAFT_{role}_ROLE_ID")), Some(secret_id))
        .access(access)
}

/// Prints each case for the script.
#[allow(clippy::print_stdout)]
fn passed(report: &Report, count: usize) {
    println!("{report}");
    report.assert_passed();
    let passed = report
        .results()
        .filter(|(_, verdict)| **verdict == conformance::Verdict::Passed);
    assert_eq!(passed.count(), count, "{report}");
}

/// A prefix that no other run has.
pub(crate) fn prefix(name: &str) -> String {
    format!("{name}{:x}", std::process::id())
}

pub(crate) fn variable(name: &str) -> String {
    std::env::var(name)
        .unwrap_or_else(|_| panic!("{name} is not set; testdata/vaults/check.sh sets it"))
}
