//! No value and no credential shows.

use std::io::Write;
use std::sync::{Arc, Mutex};

use sealpost_vault::conformance::Faults as _;
use sealpost_vault::{Deadline, NewSecret, OperationId, Vault, VaultKind, VaultSecretName};
use sealpost_vault_azure::AzureVault;
use tracing_subscriber::fmt::MakeWriter;

use crate::rig::Rig;

/// Canaries in every token, value and answer, every fault, and the log at its most talkative: none is seen, nor in an error or
/// `Debug`.
#[tokio::test]
async fn no_canary_is_in_a_log_an_error_or_debug() {
    let log = Log::default();
    let _guard = log.listen(tracing::Level::TRACE);
    let rig = Rig::new().await;
    let mut shown = String::new();
    tracing::info!("what follows is read");

    let builder = AzureVault::builder("https://v.vault.azure.net")
        .token("canary-token".to_owned())
        .proxy("http://user:canary-proxy@127.0.0.1:1");
    shown += &format!("{builder:?}");
    let refused = AzureVault::builder("http://127.0.0.1:1")
        .token("canary\ntoken".to_owned())
        .open()
        .await;
    shown += &format!("{refused:?}");

    let vault = rig.vault().await;
    shown += &format!("{vault:?}");
    let name = VaultSecretName::derive(VaultKind::AZURE, None, "quiet");
    let operation = OperationId::from_bytes([7; 32]);
    let secret = NewSecret::new(&name, b"canary-value", &operation);
    rig.lose_answers(3).await;
    shown += &format!("{:?}", vault.create(&secret, Deadline::NONE).await);
    rig.expire_credentials().await;
    shown += &format!("{:?}", vault.fetch(&name, Deadline::NONE).await);
    let other = OperationId::from_bytes([8; 32]);
    let other = NewSecret::new(&name, secret.value, &other);
    shown += &format!("{:?}", vault.create(&other, Deadline::NONE).await);
    rig.double.vault().permissions = Some(std::iter::empty::<String>().collect());
    shown += &format!("{:?}", vault.create(&other, Deadline::NONE).await);
    rig.be_away(10_000).await;
    let soon = Deadline::at(tokio::time::Instant::now() + std::time::Duration::from_millis(300));
    let failed = vault.create(&other, soon).await.unwrap_err();
    shown += &format!("{failed} {failed:?} {:?}", vault.health());
    for text in [&shown, &log.text()] {
        assert!(!text.contains("canary"), "{text}");
    }
    assert!(shown.contains("AzureVault") && log.text().contains("what follows is read"));
}

/// The same of what proves an application, and of the token that it gets. Microsoft's crate logs, too.
#[cfg(feature = "sdk")]
#[tokio::test]
async fn no_credential_of_an_application_is_in_a_log_an_error_or_debug() {
    let log = Log::default();
    let _guard = log.listen(tracing::Level::TRACE);
    let rig = Rig::new().await;
    let folder = tempfile::tempdir().unwrap();
    let mut shown = String::new();
    for (content, is_right) in [("canary-secret", true), ("canary-wrong", false)] {
        let file = folder.path().join("secret");
        std::fs::write(&file, content).unwrap();
        let address = rig.double.address.as_str();
        let builder = rig.builder().authority(address);
        for builder in [
            builder.clone().client_secret("tenant", "client", &file),
            builder.workload_identity("tenant", "client", &file),
        ] {
            shown += &format!("{builder:?}");
            let opened = builder.open().await;
            assert_eq!(opened.is_ok(), is_right, "{opened:?}");
            shown += &format!("{opened:?}");
            shown += &opened.map_or_else(|error| error.to_string(), |_| String::new());
        }
    }
    for text in [&shown, &log.text()] {
        assert!(!text.contains("canary"), "{text}");
    }
    assert!(shown.contains("AADSTS7000215"), "{shown}");
    assert!(log.text().contains("sending request"), "{}", log.text());
}

#[derive(Clone, Default)]
pub(crate) struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    /// Takes what is logged on this thread.
    pub(crate) fn listen(&self, level: tracing::Level) -> tracing::subscriber::DefaultGuard {
        let subscriber = tracing_subscriber::fmt()
            .with_max_level(level)
            .with_writer(self.clone())
            .finish();
        tracing::subscriber::set_default(subscriber)
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

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
