//! The flags that say what a sealed value is for.

use std::time::Duration;

use clap::Args;
use sealpost_context::{
    AgentId, InvalidIdentifier, OwnedContext, Owner, PropertyKey, SecretContext, SecretId,
    SecretName, SecretType,
};
use sealpost_envelope::{UnixTime, binding::Binding};

use crate::error::Failure;
use crate::render::hex;

/// What a value is sealed for. It opens for exactly the same and nothing else.
///
/// Which of them a subcommand asks for is said there, in its groups `whose` and `which`.
#[derive(Args, Debug)]
pub(crate) struct ContextArgs {
    /// The agent that opens it
    #[arg(long, value_name = "ID")]
    agent_id: Option<String>,
    /// The secret's name
    #[arg(long)]
    name: Option<String>,
    /// The top-level property that the reference points to
    #[arg(long)]
    key: Option<String>,
    /// The secret's type, such as PASSWORD
    #[arg(long = "type", value_name = "TYPE")]
    secret_type: Option<String>,
    /// The project, a UUID with hyphens
    #[arg(long, value_name = "UUID")]
    project: Option<String>,
}

/// How long an agent takes a value that is sealed at its source, and that it takes it once.
#[derive(Args, Debug)]
pub(crate) struct ExpiryArgs {
    /// Let the agent take it once, and only for so long, such as 15m: adds an identifier and an end to the context
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    expires_in: Option<Duration>,
}

impl ExpiryArgs {
    pub(crate) fn is_given(&self) -> bool {
        self.expires_in.is_some()
    }

    /// The context as JWE and the wrapper carry it.
    pub(crate) fn bind(&self, context: &SecretContext<'_>) -> Result<Binding, Failure> {
        let binding = Binding::new(context);
        let Some(lifetime) = self.expires_in else {
            return Ok(binding);
        };
        let mut jti = [0; 16];
        aws_lc_rs::rand::fill(&mut jti)
            .map_err(|_| Failure::usage("the random number generator failed"))?;
        let end = UnixTime::now().as_secs().saturating_add(lifetime.as_secs());
        binding
            .with_use(&hex(&jti), UnixTime::from_secs(end))
            .map_err(Failure::refused)
    }
}

/// The context of one of an owner's secrets, by the rules of the endpoint.
///
/// # Errors
/// What to call the field, and the rule that it breaks.
pub(crate) fn secret<'a>(
    owner: &'a Owner,
    name: &'a str,
    key: Option<&'a str>,
    secret_type: Option<&'a str>,
) -> Result<SecretContext<'a>, (&'static str, InvalidIdentifier)> {
    let name = SecretName::try_from(name).map_err(|broken| ("name", broken))?;
    let mut context = SecretContext::new(&owner.agent, name);
    if let Some(project) = owner.project {
        context = context.with_project(project);
    }
    if let Some(key) = key {
        let key = PropertyKey::try_from(key).map_err(|broken| ("key", broken))?;
        context = context.with_key(key);
    }
    if let Some(secret_type) = secret_type {
        let secret_type = SecretType::try_from(secret_type).map_err(|broken| ("type", broken))?;
        context = context.with_type(secret_type);
    }
    Ok(context)
}

impl ContextArgs {
    /// Agent and project.
    pub(crate) fn owner(&self) -> Result<Owner, Failure> {
        let agent = self.agent_id.as_deref().unwrap_or_default().parse();
        let agent = agent.map_err(|broken| refused("--agent-id", &broken))?;
        let project = self.project.as_deref().map(str::parse).transpose();
        let project = project.map_err(|broken| refused("--project", &broken))?;
        Ok(Owner { agent, project })
    }

    /// The agent alone, if it is given.
    pub(crate) fn agent_id(&self) -> Result<Option<AgentId>, Failure> {
        match &self.agent_id {
            Some(_) => self.owner().map(|owner| Some(owner.agent)),
            None => Ok(None),
        }
    }

    /// The context of the one secret, by the rules of the endpoint: what it would refuse is refused here.
    pub(crate) fn parse(&self) -> Result<OwnedContext, Failure> {
        let owner = self.owner()?;
        let wrong = |flag| move |broken| refused(flag, &broken);
        let name = self.name.as_deref().unwrap_or_default().try_into();
        let mut secret = SecretId::new(name.map_err(wrong("--name"))?);
        if let Some(key) = self.key.as_deref() {
            secret = secret.with_key(key.try_into().map_err(wrong("--key"))?);
        }
        if let Some(secret_type) = self.secret_type.as_deref() {
            secret = secret.with_type(secret_type.try_into().map_err(wrong("--type"))?);
        }
        Ok(OwnedContext::new(owner, secret))
    }
}

/// The refusal of a flag or field: what is wrong as the endpoint says it, under the name that it has here.
pub(crate) fn refused(field: &str, broken: &InvalidIdentifier) -> Failure {
    Failure::refused(format!("{field}: {}", broken.problem()))
}

fn duration(text: &str) -> Result<Duration, String> {
    let lifetime = humantime::parse_duration(text).map_err(|e| format!("{e}, give 15m"))?;
    match lifetime.as_secs() {
        0 => Err("it must be at least a second".to_owned()),
        _ => Ok(lifetime),
    }
}
