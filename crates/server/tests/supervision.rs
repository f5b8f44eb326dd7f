//! What the readiness says of the parts of a process, and what ends it.

#![allow(
    clippy::unwrap_used,
    reason = "what goes wrong in a test's own steps fails the test"
)]

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use sealpost_envelope::{Certificate, UnixTime};
use sealpost_server::{Assembly, Configuration, Server, VaultConfiguration};
use sealpost_vault::configuration::{OpenError, Opening};
use sealpost_vault::error::{CreateError, FetchError};
use sealpost_vault::guarantees::Guarantees;
use sealpost_vault::{
    Deadline, Health, NewSecret, Receipt, SecretValue, Vault, VaultKind, VaultSecretName,
};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::time::timeout;

/// A vault that says what it is told to say, and stores nothing.
#[derive(Clone, Debug)]
struct Told(Arc<Mutex<Health>>);

#[async_trait]
impl Vault for Told {
    fn kind(&self) -> VaultKind {
        VaultKind::EMBEDDED
    }

    fn guarantees(&self) -> Guarantees {
        Guarantees::STRONGEST
    }

    async fn create(&self, _: &NewSecret<'_>, _: Deadline) -> Result<Receipt, CreateError> {
        Err(CreateError::Exists)
    }

    async fn fetch(&self, _: &VaultSecretName, _: Deadline) -> Result<SecretValue, FetchError> {
        Err(FetchError::NotFound)
    }

    fn health(&self) -> Health {
        self.0.lock().unwrap().clone()
    }
}

#[async_trait]
impl VaultConfiguration for Told {
    fn location(&self) -> String {
        "told".into()
    }

    async fn open(&self, _: Opening) -> Result<Arc<dyn Vault>, OpenError> {
        Ok(Arc::new(self.clone()))
    }
}

struct World {
    server: Server,
    operations: u16,
    vault: Told,
    end_log: oneshot::Sender<String>,
    _folder: TempDir,
}

/// Starts a gateway with these agents; the first has the vault that is told.
async fn world(agents: &[&str]) -> World {
    let folder = tempfile::tempdir().unwrap();
    let keys = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata/keys");
    let at = |name: &str| folder.path().join(name);
    let jwks = r#"{"keys":[{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}"#;
    fs::write(at("jwks.json"), jwks).unwrap();
    let free = TcpListener::bind("127.0.0.1:0").unwrap();
    let operations = free.local_addr().unwrap().port();
    drop(free);
    let mut text = format!(
        "listen = \"127.0.0.1:0\"\nmetrics = {{ listen = \"127.0.0.1:{operations}\" }}\n\
         auth = {{ issuer = \"i\", audience = \"a\", jwks_file = \"jwks.json\" }}\n"
    );
    for agent in agents {
        let (identity, certificate) = (format!("{agent}.key.pem"), format!("{agent}.pem"));
        fs::copy(keys.join(format!("agent-{identity}")), at(&identity)).unwrap();
        fs::set_permissions(at(&identity), fs::Permissions::from_mode(0o600)).unwrap();
        fs::copy(keys.join(format!("agent-{certificate}")), at(&certificate)).unwrap();
        let pem = fs::read(at(&certificate)).unwrap();
        let pin = Certificate::from_pem(&pem).unwrap().fingerprint();
        text += &format!(
            "[[agents]]\nid = \"{agent}\"\nidentity = \"{identity}\"\ncertificate = \"{certificate}\"\n\
             pin = \"{pin}\"\nvault = {{ kind = \"embedded\", path = \"vault-{agent}\" }}\n"
        );
    }
    let path = at("gateway.toml");
    let environment = std::iter::empty();
    let checked =
        Configuration::check(&path, text.as_bytes(), environment, UnixTime::now()).unwrap();
    let findings = checked.findings;
    let mut configuration = checked
        .configuration
        .unwrap_or_else(|| panic!("{findings:#?}"));
    let vault = Told(Arc::new(Mutex::new(Health::Ready)));
    configuration.agents[0].agent.vault = Box::new(vault.clone());
    let (end, ended) = oneshot::channel::<String>();
    let server = Assembly::new(configuration)
        .with_part("the log", async { ended.await.unwrap() })
        .start()
        .await
        .unwrap();
    World {
        server,
        operations,
        vault,
        end_log: end,
        _folder: folder,
    }
}

impl World {
    fn tell(&self, health: Health) {
        *self.vault.0.lock().unwrap() = health;
    }

    async fn ready(&self) -> String {
        let address = ("127.0.0.1", self.operations);
        let mut stream = TcpStream::connect(address).await.unwrap();
        let request = b"GET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
        stream.write_all(request).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        format!("{} {body}", head.split(' ').nth(1).unwrap())
    }
}

#[tokio::test]
async fn readyz_is_503_with_the_name_of_a_vault_while_it_can_not_serve() {
    for (agents, name) in [
        (&["a2048"][..], "vault"),
        (&["a2048", "b2048"], "vault:a2048"),
    ] {
        let world = world(agents).await;
        assert_eq!(world.ready().await, r#"200 {"ready":true,"missing":[]}"#);
        world.tell(Health::recovering("full"));
        let missing = format!(r#"503 {{"ready":false,"missing":["{name}"]}}"#);
        assert_eq!(world.ready().await, missing);
        let failed = timeout(Duration::from_millis(500), world.server.failed());
        assert!(failed.await.is_err(), "it recovers by itself");
        world.tell(Health::Ready);
        assert_eq!(world.ready().await, r#"200 {"ready":true,"missing":[]}"#);
        world.server.stop().await.unwrap();
    }
}

#[tokio::test]
async fn a_vault_that_can_not_work_until_a_restart_ends_the_process_with_a_reason() {
    let world = world(&["a2048"]).await;
    world.tell(Health::failed("a write did not reach the disk"));
    assert!(world.ready().await.starts_with("503 "));
    let failed = timeout(Duration::from_secs(10), world.server.failed());
    let failure = failed.await.unwrap().to_string();
    assert_eq!(failure, "vault: a write did not reach the disk");
    // In order.
    world.server.stop().await.unwrap();
}

#[tokio::test]
async fn a_log_that_ends_unexpectedly_ends_the_process_with_a_reason() {
    let world = world(&["a2048"]).await;
    world.end_log.send("its thread panicked".into()).unwrap();
    let failed = timeout(Duration::from_secs(10), world.server.failed());
    let failure = failed.await.unwrap().to_string();
    assert_eq!(failure, "the log: its thread panicked");
    world.server.stop().await.unwrap();
}
