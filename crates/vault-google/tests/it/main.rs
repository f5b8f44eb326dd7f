//! The vault against a double of the service, which answers as its documentation says, and, where its address is given, against
//! the emulator drongo.
//!
//! `testdata/vaults/check.sh` starts drongo and runs the tests that are ignored here. None of them has met the service itself.
#![allow(clippy::unwrap_used)] // a failed unwrap is a failed test

mod create;
mod double;
mod drongo;
mod permissions;
mod proxy;
mod residue;
mod secrecy;
mod suite;

use axum::Router;
use double::Double;
use proxy::Rig;

/// Serves on a port of its own, and returns its address.
async fn listen(router: Router) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    format!("http://{address}")
}

/// A double behind a proxy.
async fn rig() -> (Rig, Double) {
    let double = Double::start().await;
    (Rig::new(&double.address, "p1").await, double)
}
