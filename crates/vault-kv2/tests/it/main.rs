//! The vault against a double of the engine, and, where its address is given, against OpenBao itself.
//!
//! `testdata/vaults/check.sh` starts OpenBao and runs the tests that are ignored here.
#![allow(clippy::unwrap_used)] // a failed unwrap is a failed test

mod answers;
mod double;
mod edits;
mod methods;
mod openbao;
mod proxy;
mod residue;
mod secrecy;
mod session;
mod suite;
mod writers;

use axum::Router;
use tempfile::TempDir;

use proxy::Rig;

/// Serves on a port of its own, and returns its address.
async fn listen(router: Router) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    format!("http://{address}")
}

/// A double behind a proxy.
async fn rig() -> (Rig, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let (right, wrong) = (folder.path().join("right"), folder.path().join("wrong"));
    std::fs::write(&right, "secret\n").unwrap();
    std::fs::write(&wrong, "wrong\n").unwrap();
    let server = double::start().await;
    (
        Rig::new(&server, "root", "role", right, wrong).await,
        folder,
    )
}
