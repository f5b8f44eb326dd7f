#!/usr/bin/env bash
# azure_identity 1.0.0 (azure_core 1.1.0), Rust: what is left of Entra ID's reason when it refuses a client secret.
#
# Guess:  the error of `get_token` is an `HttpResponse` with `error_description` of the answer in it, whatever characters the
#         description has.
# Seen:   it is that only if the description has no escape of JSON in it: the crate borrows it from the answer as it is. A
#         line end or a quotation mark, escaped as JSON demands, and the error is a `DataConversion`: "invalid type: string
#         …, expected a borrowed string". Entra ID ends lines in its descriptions.
# So a program that looks at the kind takes a secret that has expired for an answer that is malformed, and its operator, too.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/src"
cat >"$work/Cargo.toml" <<'TOML'
[package]
name = "seen"
version = "0.0.0"
edition = "2021"

[dependencies]
async-trait = "0.1"
azure_core = { version = "=1.1.0", default-features = false }
azure_identity = { version = "=1.0.0", default-features = false }
futures = "0.3"

[workspace]
TOML
cat >"$work/src/main.rs" <<'RUST'
use std::{error::Error as _, sync::Arc};

use azure_core::credentials::{Secret, TokenCredential};
use azure_core::error::ErrorKind;
use azure_core::http::headers::Headers;
use azure_core::http::{AsyncRawResponse, ClientOptions, HttpClient, Request, StatusCode, Transport};
use azure_identity::{ClientSecretCredential, ClientSecretCredentialOptions};

/// Answers each request for a token as Entra ID does, from memory.
#[derive(Debug)]
struct Entra(&'static str);

#[async_trait::async_trait]
impl HttpClient for Entra {
    async fn execute_request(&self, _: &Request) -> azure_core::Result<AsyncRawResponse> {
        Ok(AsyncRawResponse::from_bytes(StatusCode::Unauthorized, Headers::new(), self.0.as_bytes()))
    }
}

fn refused(answer: &'static str) -> azure_core::Error {
    let transport = Transport::new(Arc::new(Entra(answer)));
    let options = ClientSecretCredentialOptions {
        client_options: ClientOptions { transport: Some(transport), ..Default::default() },
    };
    let secret = Secret::new("a secret that has expired".to_owned());
    let tenant = "00000000-0000-0000-0000-000000000000";
    let credential = ClientSecretCredential::new(tenant, "application".to_owned(), secret, Some(options)).unwrap();
    futures::executor::block_on(credential.get_token(&["https://vault.azure.net/.default"], None)).unwrap_err()
}

/// `get_token` wraps what it was told in an error of kind `Credential`.
fn innermost(error: &azure_core::Error) -> &azure_core::Error {
    let inner = error.source().and_then(|source| source.downcast_ref::<azure_core::Error>());
    inner.map_or(error, innermost)
}

fn main() {
    let cases = [
        ("no escape", r#"{"error":"invalid_client","error_description":"AADSTS7000222: The secret has expired. Trace ID: 1","error_codes":[7000222]}"#, true),
        ("line end", r#"{"error":"invalid_client","error_description":"AADSTS7000222: The secret has expired.\r\nTrace ID: 1","error_codes":[7000222]}"#, false),
        ("quotation marks", r#"{"error":"invalid_client","error_description":"AADSTS7000222: The secret of \"app\" has expired.","error_codes":[7000222]}"#, false),
    ];
    let mut is_as_seen = true;
    for (name, answer, is_plain) in cases {
        let error = refused(answer);
        let inner = innermost(&error);
        println!("{name}: {:?} in {:?}: {inner}", inner.kind(), error.kind());
        let is_response = matches!(inner.kind(), ErrorKind::HttpResponse { .. });
        let is_conversion = matches!(inner.kind(), ErrorKind::DataConversion);
        is_as_seen &= is_response == is_plain && is_conversion != is_plain;
    }
    println!("{}", if is_as_seen { "as seen" } else { "this has changed" });
    std::process::exit(i32::from(!is_as_seen));
}
RUST
cargo run --quiet --manifest-path "$work/Cargo.toml"
