//! No value and no credential shows.

use std::io::Write;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use sealpost_vault::conformance::Faults as _;
use sealpost_vault::{Deadline, NewSecret, OperationId, Vault, VaultKind, VaultSecretName};
use sealpost_vault_aws::AwsVault;
use tracing_subscriber::fmt::MakeWriter;

use crate::rig;

/// Canaries in every credential, value and error text, every fault, and the log at its most talkative: none is seen, nor in an
/// error or `Debug`.
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

    let builder = AwsVault::builder("eu-central-1")
        .credentials_file(rig.file("right"))
        .proxy("http://user:canary-proxy@127.0.0.1:1");
    shown += &format!("{builder:?}");
    // A file that is no file of profiles, with a key in it.
    let broken = rig.file("broken");
    std::fs::write(
        &broken,
        "[default\naws_secret_access_key = canary-secret-key\n",
    )
    .unwrap();
    let refused = rig
        .builder()
        .credentials_file(&broken)
        .open()
        .await
        .unwrap_err();
    shown += &format!("{refused:?} {refused}");
    let wrong = rig.with_wrong_credentials().await.unwrap();
    shown += &format!("{wrong:?}");

    let vault = rig.vault().await;
    shown += &format!("{vault:?}");
    let name = VaultSecretName::derive(VaultKind::AWS, None, "quiet");
    let operation = OperationId::from_bytes([7; 32]);
    let secret = NewSecret::new(&name, br#"{"password":"canary-value"}"#, &operation);
    rig.lose_answers(3).await;
    shown += &format!("{:?}", vault.create(&secret, Deadline::NONE).await);
    rig.expire_credentials().await;
    tokio::time::sleep(Duration::from_millis(50)).await;
    let fetched = vault.fetch(&name, Deadline::NONE).await;
    assert!(fetched.is_ok());
    shown += &format!("{fetched:?}");
    let other = OperationId::from_bytes([8; 32]);
    let other = NewSecret::new(&name, secret.value, &other);
    shown += &format!("{:?}", vault.create(&other, Deadline::NONE).await);
    for status in [200, 400, 404, 500] {
        *rig.shared().answer.lock().unwrap() = Some((
            status,
            "{\"__type\":\"canary\",\"message\":\"canary\"".to_owned(),
        ));
        let soon = Deadline::at(tokio::time::Instant::now() + Duration::from_millis(200));
        let failed = vault.create(&other, soon).await.unwrap_err();
        shown += &format!("{failed} {failed:?}");
    }
    *rig.shared().answer.lock().unwrap() = None;
    double.permit(r#"{"Statement":[]}"#);
    let denied = vault.create(&other, Deadline::NONE).await.unwrap_err();
    shown += &format!("{denied} {denied:?}");
    rig.be_away(10_000).await;
    let soon = Deadline::at(tokio::time::Instant::now() + Duration::from_millis(300));
    let failed = vault.create(&other, soon).await.unwrap_err();
    shown += &format!("{failed} {failed:?} {:?}", vault.health());
    let log = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    for text in [&shown, &log] {
        // The double and the proxy run here, too, and log what they are asked for; not values, and not secret keys.
        let text = text.replace("canary-message", "");
        assert!(!text.contains("canary"), "{text}");
    }
    assert!(shown.contains("AwsVault") && log.contains("what follows is read"));
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
