//! Seals a secret to an agent's certificate, is refused under another name, and opens it.
//!
//!     cargo run -p sealpost-envelope --features aws-lc --example seal_and_open_on_a_host

#![allow(clippy::print_stdout)] // an example shows what it does

use std::{error::Error, fs};

// The backend for hosts. In pure Rust: `RustCrypto`. Each opens what the other seals.
use sealpost_envelope::AwsLc as Backend;
use sealpost_envelope::{
    Identity, OsRng, Recipient, SecretContext, Trust, UnixTime, context::AgentId, open, seal,
};

fn main() -> Result<(), Box<dyn Error>> {
    // The sealer has the agent's certificate, and its fingerprint from the agent's operator over another channel.
    let certificate = fs::read(format!("{FOLDER}/agent.pem"))?;
    let pins = [FINGERPRINT.parse()?];
    let recipient = Recipient::<Backend>::from_certificate_pem(
        &certificate,
        &Trust::Pinned(&pins),
        UnixTime::now(),
    )?;
    let agent: AgentId = "berlin-1".parse()?;
    let context =
        SecretContext::new(&agent, "prod/warehouse".try_into()?).with_key("password".try_into()?);
    let secret = br#"{"password":"P@ssw0rd123"}"#;
    let envelope = seal(&[recipient], &context, secret, &mut OsRng)?;
    println!("sealed: {} bytes became {}", secret.len(), envelope.len());

    // The opener has the private key, and must name the very context that it was sealed for.
    let identity = Identity::<Backend>::from_pem(&fs::read(format!("{FOLDER}/identity.pem"))?)?;
    let other =
        SecretContext::new(&agent, "prod/other".try_into()?).with_key("password".try_into()?);
    let refused = open(&identity, &envelope, &other, &mut OsRng).expect_err("another name");
    println!("refused under another name: {refused}");
    let opened = open(&identity, &envelope, &context, &mut OsRng)?;
    assert_eq!(&opened[..], secret);
    println!("opened: exactly what was sealed");
    Ok(())
}

/// What `sealpost keygen --agent-id berlin-1` writes, and the fingerprint that it prints. This private key is published: never use it.
const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/berlin-1");
const FINGERPRINT: &str = "889f12b7edad8d4d38dd3fd9d116ace97f14474b7b95a3a589e447315f5e782e";
