//! No value and no credential shows.

use std::io::Write;
use std::sync::{Arc, Mutex};

use sealpost_vault::conformance::Faults as _;
use sealpost_vault::{Deadline, NewSecret, OperationId, Vault, VaultKind, VaultSecretName};
use sealpost_vault_google::GoogleVault;
use tracing_subscriber::fmt::MakeWriter;

use crate::rig;

/// Canaries in every token, value and answer, every fault, and the log at its most talkative: none is seen, nor in an error or
/// `Debug`.
#[tokio::test]
async fn no_canary_is_in_a_log_an_error_or_debug() {
    let log = Log::default();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_writer(log.clone())
        .finish();
    let _guard = tracing::subscriber::set_default(subscriber);
    let (rig, double) = rig().await;
    let mut shown = String::new();
    tracing::info!("what follows is read");

    let builder = GoogleVault::builder("p1")
        .token("canary-token".to_owned())
        .proxy("http://user:canary-proxy@127.0.0.1:1");
    shown += &format!("{builder:?}");
    let refused = GoogleVault::builder("p1")
        .endpoint("http://127.0.0.1:1")
        .token("canary\ntoken".to_owned())
        .open()
        .await;
    shown += &format!("{refused:?}");

    let vault = rig.vault().await;
    shown += &format!("{vault:?}");
    let name = VaultSecretName::derive(VaultKind::GOOGLE, None, "quiet");
    let operation = OperationId::from_bytes([7; 32]);
    let secret = NewSecret::new(&name, b"canary-value", &operation);
    rig.lose_answers(3).await;
    shown += &format!("{:?}", vault.create(&secret, Deadline::NONE).await);
    rig.expire_credentials().await;
    shown += &format!("{:?}", vault.fetch(&name, Deadline::NONE).await);
    let other = OperationId::from_bytes([8; 32]);
    let other = NewSecret::new(&name, secret.value, &other);
    shown += &format!("{:?}", vault.create(&other, Deadline::NONE).await);
    double.project().permissions = Some(std::iter::empty::<String>().collect());
    shown += &format!("{:?}", vault.create(&other, Deadline::NONE).await);
    rig.be_away(10_000).await;
    let soon = Deadline::at(tokio::time::Instant::now() + std::time::Duration::from_millis(300));
    let failed = vault.create(&other, soon).await.unwrap_err();
    shown += &format!("{failed} {failed:?} {:?}", vault.health());
    let log = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    // Base64 of the value, too.
    for secret in ["canary", "Y2FuYXJ5"] {
        for text in [&shown, &log] {
            assert!(!text.contains(secret), "{text}");
        }
    }
    assert!(shown.contains("GoogleVault") && log.contains("what follows is read"));
}

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}
