//! What a configuration describes starts, and stops in order.

#![allow(
    clippy::unwrap_used,
    reason = "what goes wrong in a test's own steps fails the test"
)]

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use sealpost_envelope::{Certificate, UnixTime};
use sealpost_server::{Assembly, Configuration, Error};
use tempfile::TempDir;

const JWKS: &str =
    r#"{"keys":[{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}"#;

/// The files of one agent.
fn site() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let keys = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata/keys");
    let at = |name: &str| folder.path().join(name);
    fs::copy(keys.join("agent-a2048.pem"), at("agent.pem")).unwrap();
    fs::copy(keys.join("agent-a2048.key.pem"), at("identity.pem")).unwrap();
    fs::set_permissions(at("identity.pem"), fs::Permissions::from_mode(0o600)).unwrap();
    fs::write(at("jwks.json"), JWKS).unwrap();
    folder
}

fn configuration(site: &TempDir, listen: &str) -> Configuration {
    let certificate = fs::read(site.path().join("agent.pem")).unwrap();
    let pin = Certificate::from_pem(&certificate).unwrap().fingerprint();
    let text = format!(
        r#"
        listen = "{listen}"
        base_path = "/dpc"
        metrics = {{ listen = "127.0.0.1:0" }}
        auth = {{ issuer = "i", audience = "a", jwks_file = "jwks.json" }}
        [[agents]]
        id = "a2048"
        identity = "identity.pem"
        certificate = "agent.pem"
        pin = "{pin}"
        ledger = "ledger.redb"
        resolve_socket = "resolve.sock"
        vault = {{ kind = "embedded", path = "vault" }}
        "#
    );
    let path = site.path().join("gateway.toml");
    let checked =
        Configuration::check(&path, text.as_bytes(), std::iter::empty(), UnixTime::now()).unwrap();
    checked
        .configuration
        .unwrap_or_else(|| panic!("{:#?}", checked.findings))
}

#[tokio::test]
async fn a_server_that_stopped_leaves_everything_free_for_the_next() {
    let site = site();
    let mut keys = Vec::new();
    for _ in 0..2 {
        let assembly = Assembly::new(configuration(&site, "127.0.0.1:0"));
        let server = assembly.start().await.unwrap();
        assert!(
            server.url().starts_with("http://127.0.0.1:"),
            "{}",
            server.url()
        );
        assert!(server.url().ends_with("/dpc") && !server.url().contains(":0/"));
        assert!(server.resolver(&"a2048".parse().unwrap()).is_some());
        assert!(server.resolver(&"other".parse().unwrap()).is_none());
        assert!(site.path().join("resolve.sock").exists());
        keys.push(format!("{:?}", server.gateway_key()));
        server.reload().await;
        server.stop().await.unwrap();
        assert!(!site.path().join("resolve.sock").exists());
    }
    assert_ne!(
        keys[0], keys[1],
        "without a file, each start has its own key"
    );
}

#[tokio::test]
async fn what_keeps_it_from_starting_is_told_apart() {
    let site = site();
    let taken = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let error = Assembly::new(configuration(&site, &address))
        .start()
        .await
        .unwrap_err();
    assert!(
        matches!(error, Error::Listen { key: "listen", .. }),
        "{error}"
    );
    assert!(error.hint().is_some());

    let running = Assembly::new(configuration(&site, "127.0.0.1:0"))
        .start()
        .await
        .unwrap();
    let error = Assembly::new(configuration(&site, "127.0.0.1:0"))
        .start()
        .await
        .unwrap_err();
    assert!(
        matches!(error, Error::Vault(_)),
        "one process a vault: {error}"
    );
    running.stop().await.unwrap();

    let mut twice = configuration(&site, "127.0.0.1:0");
    twice
        .agents
        .extend(configuration(&site, "127.0.0.1:0").agents);
    let error = Assembly::new(twice).start().await.unwrap_err();
    assert!(
        matches!(error, Error::Vault(_) | Error::Agent(_)),
        "{error}"
    );
}

#[tokio::test]
async fn a_socket_that_is_given_is_the_one_that_is_served() {
    let site = site();
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0))
        .await
        .unwrap();
    let address = listener.local_addr().unwrap();
    let server = Assembly::new(configuration(&site, "127.0.0.1:1"))
        .with_listener(listener)
        .start()
        .await
        .unwrap();
    assert_eq!(server.url(), format!("http://{address}/dpc"));
    server.stop().await.unwrap();
}
