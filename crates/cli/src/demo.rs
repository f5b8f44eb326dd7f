//! `sealpost demo`: the main job, once, from a request to the resolved secret, with every step shown
//! and checked.

mod secret;
mod show;
mod tap;

use std::fmt::Display;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use aws_lc_rs::rsa::KeySize;
use clap::Args;
use sealpost_client::{Client, ClientError, Created, ProblemKind, Token};
use sealpost_envelope::{Envelope, UnixTime, text};
use sealpost_protocol::{InProcess, Received, StoreRequest, VerifyKeys};
use sealpost_vault_key::{ResolverRef, VaultKind, VaultSecretName};
use zeroize::Zeroizing;

use crate::dev::issuer::Issuer;
use crate::error::Failure;
use crate::inspect::Report;
use crate::io;
use crate::keygen::AgentKey;
use crate::local::{Local, Setup};
use crate::render::hex;
use crate::validate::{MAX_READ, violations};
use secret::Secret;
use show::{abbreviated, check, not_so, one_line, row, say, step};
use tap::Tap;

/// Arguments of `sealpost demo`.
#[derive(Args, Debug)]
pub(crate) struct Demo {
    /// The request to send, as the endpoint takes it [default: an example]
    #[arg(value_name = "REQUEST.json")]
    request: Option<PathBuf>,
}

impl Demo {
    pub(crate) fn run(self) -> Result<(), Failure> {
        let request = match &self.request {
            Some(path) => io::read_file(path, MAX_READ)?,
            None => Zeroizing::new(EXAMPLE.to_vec()),
        };
        let Some(secret) = Secret::parse(&request) else {
            let lines: String = violations(&request)
                .iter()
                .map(|line| format!("{line}\n"))
                .collect();
            io::write_stdout(lines.as_bytes())?;
            return Err(
                Failure::refused("the endpoint would answer 400 with these violations")
                    .hint("mend them and try again"),
            );
        };
        let runtime = tokio::runtime::Runtime::new().map_err(broken)?;
        runtime.block_on(async {
            tokio::select! {
                done = demonstrate(&secret) => done,
                // Dropping what runs removes the temporary folder.
                _ = tokio::signal::ctrl_c() => Err(Failure::usage("interrupted").hint("run it again")),
            }
        })
    }
}

async fn demonstrate(secret: &Secret<'_>) -> Result<(), Failure> {
    let started = Instant::now();
    say("sealpost demo: one secret, from a request to a vault and back")?;

    let folder = tempfile::tempdir().map_err(broken)?;
    let key = AgentKey::generate(AGENT, KeySize::Rsa3072, 1)?;
    let issuer = Issuer::from_pem(&Issuer::generate()?)?;
    let in_process = Arc::new(InProcess::new(1));
    let tap = Arc::new(Tap::on(in_process.clone()));
    let local = Local::start(Setup {
        listen: ([127, 0, 0, 1], 0).into(),
        agent_id: AGENT,
        identity: &key.identity_pem,
        certificate: &key.certificate_pem,
        issuer: &issuer,
        vault: folder.path(),
        in_process,
        transport: tap.clone(),
    })
    .await?;
    step(1, "An agent, and a gateway that knows its certificate")?;
    let fingerprint = abbreviated(&hex(&key.fingerprint));
    row(
        "agent",
        format_args!("{AGENT}, RSA-3072, certificate SHA-256 {fingerprint}"),
    )?;
    row(
        "gateway",
        format_args!("{}, vault in a temporary folder", local.url()),
    )?;

    step(2, "What the caller sends")?;
    row(
        "request",
        format_args!("POST /v1/secrets/{AGENT}/secret-value"),
    )?;
    let property = secret.key.as_deref().unwrap_or("none, the whole object");
    let secret_type = secret.secret_type.as_deref().unwrap_or("none");
    row("name", one_line(&secret.name, 40))?;
    row(
        "type, key",
        format_args!("{secret_type}; {}", one_line(property, 40)),
    )?;
    row(
        "value",
        format_args!(
            "{} bytes: {}",
            secret.value.len(),
            one_line(secret.value, 76)
        ),
    )?;
    let client = Client::builder(local.url()).token(Token::new(issuer.token()?.to_string()));
    let client = client.build().map_err(broken)?;
    let created = client.create_secret(AGENT, None, &secret.to_send()).await;
    let created = created.map_err(|e| not_so("the endpoint stores it", e))?;

    step(3, "What travels from the gateway to the agent")?;
    let envelope = eavesdrop(&tap.last_message(), &local, secret)?;
    let shown = one_line(&envelope, 40);
    row(
        "envelope",
        format_args!("{shown} ({} characters)", envelope.len()),
    )?;
    let envelope = text::decode(&envelope).map_err(broken)?;
    for line in Report(&Envelope::parse(&envelope).map_err(broken)?)
        .to_string()
        .lines()
        .skip(1)
    {
        let (label, rest) = line.split_once("  ").unwrap_or_default();
        row(
            label,
            rest.split(' ')
                .map(abbreviated)
                .collect::<Vec<_>>()
                .join(" "),
        )?;
    }
    row(
        "checked",
        "signed by the gateway; nothing of the value can be read in it",
    )?;

    step(4, "What the caller gets")?;
    let name = VaultSecretName::derive(VaultKind::Embedded, None, &secret.name);
    let reference = ResolverRef::new(name.as_str(), secret.key.as_deref())
        .map_err(broken)?
        .to_string();
    check("the answer is what the name and the key make it", {
        created.vault_secret_name == name.as_str() && created.resolver_ref == reference
    })?;
    let Created {
        resolver_ref,
        vault_secret_name,
        ..
    } = &created;
    let answer =
        serde_json::json!({"resolver_ref": resolver_ref, "vaultSecretName": vault_secret_name});
    row("201", one_line(&answer.to_string(), 86))?;
    let again = client.create_secret(AGENT, None, &secret.to_send()).await;
    check("the same name again is refused", {
        matches!(&again, Err(ClientError::Problem(p)) if p.kind == ProblemKind::SecretExists)
    })?;
    row("409", "to the same request again: nothing is overwritten")?;

    step(5, "What a pipeline resolves")?;
    let whole = ResolverRef::new(name.as_str(), None)
        .map_err(broken)?
        .to_string();
    let resolve = async |reference: &str| {
        let resolved = local.resolver().resolve(reference).await;
        resolved.map_err(|e| not_so("the reference resolves", e))
    };
    let value = resolve(&whole).await?;
    let value = value.as_json();
    check(
        "it is byte for byte what was sent",
        value == secret.value.as_bytes(),
    )?;
    row("reference", one_line(&whole, 76))?;
    row(
        "",
        format_args!(
            "is the whole object: {} bytes, exactly those sent",
            value.len()
        ),
    )?;
    if secret.key.is_some() {
        let property = resolve(&reference).await?.to_plain();
        row("reference", one_line(&reference, 76))?;
        row(
            "",
            format_args!(
                "is one property: {}",
                one_line(&String::from_utf8_lossy(&property), 56)
            ),
        )?;
    }

    local.stop().await;
    folder
        .close()
        .map_err(|e| not_so("the temporary folder is gone", e))?;
    say(format_args!(
        "\nDone in {:.1} s; the temporary folder is gone.",
        started.elapsed().as_secs_f32()
    ))
}

/// The envelope in a message that was listened in on. The listener has the gateway's public key and no
/// private one.
fn eavesdrop(message: &[u8], local: &Local, secret: &Secret<'_>) -> Result<String, Failure> {
    let keys = VerifyKeys::from(local.gateway_key());
    let received = StoreRequest::verify(message, &keys, local.agent_id(), UnixTime::now(), 0);
    let Ok(Received::Request { request, .. }) = received else {
        return Err(not_so(
            "the message is one of the gateway",
            "it does not verify",
        ));
    };
    let envelope = text::decode(&request.envelope).map_err(broken)?;
    // Whether by chance or not: so many bytes in a row do not come about in random ones.
    let probe = secret.value.len().min(12);
    let leaks = |bytes: &[u8]| {
        secret
            .value
            .as_bytes()
            .windows(probe)
            .any(|part| bytes.windows(probe).any(|w| w == part))
    };
    if probe >= 4 {
        check("nothing of the value is in the envelope", !leaks(&envelope))?;
    }
    Ok(request.envelope)
}

/// Something around the steps failed.
fn broken(error: impl Display) -> Failure {
    Failure::usage(error)
        .hint("check that there is room in the temporary folder, and a loopback interface")
}

const AGENT: &str = "demo-agent";
const EXAMPLE: &[u8] = include_bytes!("../../../testdata/requests/warehouse-password.json");
