//! Every method of authentication on OpenBao, and tokens that end while they are used.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use sealpost_vault::error::{CreateError, VaultFailure};
use sealpost_vault::{Deadline, NewSecret, OperationId, Vault, VaultKind, VaultSecretName};
use sealpost_vault_kv2::{Access, Kv2Builder, Kv2Vault};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Instant, sleep};

use crate::openbao::{prefix, variable};

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs OpenBao: testdata/vaults/check.sh starts it"]
async fn every_method_logs_in() {
    let token_file = variable("TOKEN_FILE");
    let token = std::fs::read_to_string(&token_file).unwrap();
    let methods = [
        ("token", builder().token(token)),
        ("token-file", builder().token_file(token_file)),
        (
            "approle",
            builder().app_role(variable("ROLE_ID"), Some(variable("SECRET_ID_FILE").into())),
        ),
        (
            "certificate",
            builder().certificate(variable("CERTIFICATE_FILE"), Some("writers".to_owned())),
        ),
        (
            "kubernetes",
            builder().kubernetes("writers", variable("JWT_FILE")),
        ),
    ];
    for (method, builder) in methods {
        let vault = builder
            .open()
            .await
            .unwrap_or_else(|e| panic!("{method}: {e}"));
        store(&vault, &prefix(method))
            .await
            .unwrap_or_else(|e| panic!("{method}: {e}"));
        vault.close().await;
    }
}

/// A proxy that lets connections through passes on what it can't read.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs OpenBao: testdata/vaults/check.sh starts it"]
async fn a_proxy_is_gone_through() {
    let (address, connections) = tunnel().await;
    let vault = builder()
        .token(variable("ROOT"))
        .proxy(address)
        .open()
        .await
        .unwrap();
    store(&vault, &prefix("proxy")).await.unwrap();
    assert!(connections.load(Ordering::SeqCst) > 0);
}

/// Starts a proxy that takes CONNECT. Returns its address and how many connections went through.
async fn tunnel() -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let connections = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&connections);
    tokio::spawn(async move {
        while let Ok((mut client, _)) = listener.accept().await {
            let count = Arc::clone(&count);
            tokio::spawn(async move {
                let mut head = Vec::new();
                while !head.ends_with(b"\r\n\r\n") {
                    head.push(client.read_u8().await.unwrap());
                }
                let head = String::from_utf8(head).unwrap();
                let target = head
                    .strip_prefix("CONNECT ")
                    .unwrap()
                    .split(' ')
                    .next()
                    .unwrap();
                let mut server = TcpStream::connect(target).await.unwrap();
                client.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.unwrap();
                count.fetch_add(1, Ordering::SeqCst);
                let _ = copy_bidirectional(&mut client, &mut server).await;
            });
        }
    });
    (address, connections)
}

/// Tokens of three seconds that can be renewed for eight: none of the calls of fifteen seconds notices.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs OpenBao: testdata/vaults/check.sh starts it"]
async fn tokens_are_renewed_and_got_again_after_their_longest_life() {
    let vault = builder()
        .app_role(
            variable("SHORT_ROLE_ID"),
            Some(variable("SHORT_SECRET_ID_FILE").into()),
        )
        .open()
        .await
        .unwrap();
    let (begun, mut count) = (Instant::now(), 0);
    while begun.elapsed() < Duration::from_secs(15) {
        store(&vault, &format!("{}-{count}", prefix("short")))
            .await
            .unwrap();
        assert!(vault.health().is_ready());
        count += 1;
        sleep(Duration::from_millis(100)).await;
    }
    assert!(count > 50, "{count}");
    // Nobody calls for longer than a token lives.
    sleep(Duration::from_secs(5)).await;
    store(&vault, &format!("{}-{count}", prefix("short")))
        .await
        .unwrap();
}

/// What is missing is named: the permission, the mount, the namespace.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs OpenBao: testdata/vaults/check.sh starts it"]
async fn what_is_missing_is_named() {
    let app_role =
        || builder().app_role(variable("ROLE_ID"), Some(variable("SECRET_ID_FILE").into()));
    let failure = async |builder: Kv2Builder| {
        let vault = builder.open().await?;
        match store(&vault, &prefix("missing")).await {
            Err(CreateError::Failed(failure)) => Err::<(), _>(failure),
            other => panic!("{other:?}"),
        }
    };
    let denied = failure(app_role().prefix("elsewhere")).await.unwrap_err();
    assert!(
        matches!(&denied, VaultFailure::Denied { permission } if permission.contains("team/") && permission.contains("elsewhere/*")),
        "{denied}"
    );
    let mount = failure(builder().token(variable("ROOT")).mount("nowhere"))
        .await
        .unwrap_err();
    assert!(mount.to_string().contains("no such mount"), "{mount}");
    let namespace = failure(builder().token(variable("ROOT")).namespace("nowhere"))
        .await
        .unwrap_err();
    assert!(namespace.to_string().contains("namespace"), "{namespace}");
    // Within a namespace that is there.
    let vault = builder()
        .token(variable("ROOT"))
        .namespace("tenant")
        .open()
        .await
        .unwrap();
    store(&vault, &prefix("tenant")).await.unwrap();
}

fn builder() -> Kv2Builder {
    Kv2Vault::builder([variable("RAFT_ADDRESS")])
        .ca_file(variable("RAFT_CA_FILE"))
        .mount("team")
        .prefix("kit")
        .access(Access::Create)
}

async fn store(vault: &Kv2Vault, name: &str) -> Result<(), CreateError> {
    let name = VaultSecretName::derive(VaultKind::KV2, None, name);
    let operation = OperationId::from_bytes([7; 32]);
    let secret = NewSecret::new(&name, b"{}", &operation);
    let soon = Deadline::at(Instant::now() + Duration::from_secs(10));
    vault.create(&secret, soon).await.map(drop)
}
