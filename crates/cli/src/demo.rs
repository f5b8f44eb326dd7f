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
use sealpost_agent::{Resolved, Resolver};
use sealpost_channel::{Message, VerifyKey};
use sealpost_client::{Client, ClientError, Created, ProblemType, Token, problem::Problem};
use sealpost_context::AgentId;
use sealpost_server::Assembly;
use sealpost_vault_key::{ResolverRef, VaultKind, VaultSecretName};
use zeroize::Zeroizing;

use crate::error::Failure;
use crate::io;
use crate::issuer::Issuer;
use crate::keygen::AgentKey;
use crate::local::Local;
use crate::render::{hex, shell_word};
use crate::validate::{MAX_READ, violations};
use secret::Secret;
use show::{abbreviated, check, not_so, one_line, say};
use tap::{Heard, Tap};

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
            Some(path) => sealpost_files::read_text(path, MAX_READ)?,
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
                    .hint("fix them and try again"),
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
    let key = AgentKey::generate(AGENT, KeySize::Rsa3072, 398)?;
    let issuer = Issuer::from_pem(&Issuer::generate()?)?;
    let agent: AgentId = AGENT.parse().map_err(broken)?;
    let configuration = Local {
        listen: ([127, 0, 0, 1], 0).into(),
        agent_id: &agent,
        identity: &key.identity_pem,
        certificate: &key.certificate_pem,
        issuer: &issuer,
        vault: folder.path(),
    }
    .configuration()?;
    let heard = Heard::default();
    let tap = heard.clone();
    let server = Assembly::new(configuration)
        .with_carrier_through(move |carrier| Arc::new(Tap::new(carrier, tap)))
        .start()
        .await?;
    let url = server.url();
    let vault = server
        .resolver(&agent)
        .ok_or_else(|| broken("the agent does not run"))?;
    let fingerprint = abbreviated(&hex(&key.fingerprint));
    say(format_args!(
        "
1. An agent, and a gateway that knows its certificate
   agent      {AGENT}, RSA-3072, certificate SHA-256 {fingerprint}
   gateway    {url}, vault in a temporary folder"
    ))?;

    let name = one_line(&secret.name, 40);
    let secret_type = secret.secret_type.as_deref().unwrap_or("none");
    let property = one_line(
        secret.key.as_deref().unwrap_or("none, the whole object"),
        40,
    );
    let (length, value) = (secret.value.len(), one_line(secret.value, 76));
    say(format_args!(
        "
2. What the caller sends
   request    POST /v1/secrets/{AGENT}/secret-value
   name       {name}
   type, key  {secret_type}; {property}
   value      {length} bytes: {value}"
    ))?;
    let token = Token::new(issuer.token()?.to_string());
    let client = Client::builder(url).token(token).build().map_err(broken)?;
    let created = client.create_secret(AGENT, None, &secret.to_send()).await;
    let created = created.map_err(|e| not_so("the endpoint stores it", e))?;

    let message = heard.last_message();
    let overheard = eavesdrop(&message, server.gateway_key(), &agent)?;
    check(
        "nothing of the value is in the message",
        !secret.shows_in(&message),
    )?;
    say(format_args!(
        "
3. What travels from the gateway to the agent
{overheard}   checked    signed by the gateway; nothing of the value can be read in it"
    ))?;

    let derived = VaultSecretName::derive(VaultKind::EMBEDDED, None, &secret.name);
    let reference = reference(&derived, secret.key.as_deref())?;
    let Created {
        resolver_ref,
        vault_secret_name,
        ..
    } = &created;
    let expected = *resolver_ref == reference && vault_secret_name == derived.as_str();
    check("the answer follows from name and key", expected)?;
    let again = client.create_secret(AGENT, None, &secret.to_send()).await;
    let exists = |problem: &Problem| problem.kind == Some(ProblemType::SecretExists);
    let refused = matches!(&again, Err(ClientError::Problem(problem)) if exists(problem));
    check("the same request again is refused", refused)?;
    let answer =
        serde_json::json!({ "resolver_ref": resolver_ref, "vaultSecretName": vault_secret_name });
    let answer = one_line(&answer.to_string(), 86);
    say(format_args!(
        "
4. What the caller gets
   201        {answer}
   409        to the same request again: nothing is overwritten

5. What a pipeline resolves"
    ))?;

    let whole = self::reference(&derived, None)?;
    let resolved = resolve(vault, &whole).await?;
    let same = resolved.as_json() == secret.value.as_bytes();
    check("it is byte for byte what was sent", same)?;
    let (length, shown) = (resolved.as_json().len(), one_line(&whole, 76));
    say(format_args!(
        "   reference  {shown}
              is the whole object: {length} bytes, exactly those sent"
    ))?;
    if secret.key.is_some() {
        let property = resolve(vault, &reference).await?.to_plain();
        let property = one_line(&String::from_utf8_lossy(&property), 56);
        let shown = one_line(&reference, 76);
        say(format_args!(
            "   reference  {shown}
              is one property: {property}"
        ))?;
    }

    server.stop().await?;
    let closed = folder.close();
    closed.map_err(|e| not_so("the temporary folder is gone", e))?;
    let seconds = started.elapsed().as_secs_f32();
    let command = this_command();
    say(format_args!(
        "
Done in {seconds:.1} s; the temporary folder is gone.

Next, with a vault that stays: the first in one terminal, the others in a second one.
   {command} dev
   . ./sealpost-data/dev.env && echo '{{\"password\":\"P@ssw0rd123\"}}' |
       sealpost secret create --url \"$GATEWAY\" --agent \"$AGENT\" --name after-demo --key password
   sealpost resolve 'secret:after-demo#password'"
    ))
}

/// How this command was called: with Cargo, it is not where a shell looks for commands.
fn this_command() -> String {
    let called = std::env::args_os().next().unwrap_or_default();
    match called.to_str() {
        Some(called) if !called.is_empty() => shell_word(called),
        _ => "sealpost".to_owned(),
    }
}

/// What an eavesdropper learns of a message. The listener has the gateway's public key and no private key.
fn eavesdrop(message: &[u8], gateway: &VerifyKey, agent: &AgentId) -> Result<String, Failure> {
    let parsed =
        Message::parse(message).map_err(|e| not_so("the message is one of a channel", e))?;
    let opening = parsed.opening();
    check("it is for the agent", opening.agent == *agent)?;
    check("the gateway has signed it", parsed.is_opened_by(gateway))?;
    let (length, header) = (message.len(), opening.header.len());
    let gateway = abbreviated(&hex(opening.kid.as_bytes()));
    let seconds = opening.expires_at.seconds_since(opening.issued_at);
    Ok(format!(
        "   message    {length} bytes: a channel's opening, and one frame, which only the agent reads
   channel    opened by the gateway with key {gateway}, for {seconds} s
   seed       {header} bytes, encrypted to the agent's certificate once for many requests
"
    ))
}

async fn resolve(vault: &Resolver, reference: &str) -> Result<Resolved, Failure> {
    let resolved = vault.resolve(reference).await;
    resolved.map_err(|e| not_so("the reference resolves", e))
}

fn reference(name: &VaultSecretName, key: Option<&str>) -> Result<String, Failure> {
    let reference = ResolverRef::new(name.as_str(), key).map_err(broken)?;
    Ok(reference.to_string())
}

/// Something around the steps failed.
fn broken(error: impl Display) -> Failure {
    Failure::usage(error)
        .hint("check that there is room in the temporary folder, and a loopback interface")
}

const AGENT: &str = "demo-agent";
const EXAMPLE: &[u8] = include_bytes!("../../../testdata/requests/warehouse-password.json");
