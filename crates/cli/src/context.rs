//! The flags that say what a sealed value is for.

use std::time::Duration;

use clap::Args;
use sealpost_envelope::{Binding, SecretContext, UnixTime};
use sealpost_validator::{
    Violation, parse_agent_id, parse_project_id, validate_key, validate_name, validate_type,
};

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

/// Whose secrets they are: what all of a batch share.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Owner<'a> {
    pub(crate) agent_id: &'a str,
    pub(crate) project: Option<[u8; 16]>,
}

impl<'a> Owner<'a> {
    /// The context of one secret, by the rules of the endpoint.
    ///
    /// # Errors
    /// What to call the field, and the rule that it breaks.
    pub(crate) fn secret(
        self,
        name: &'a str,
        key: Option<&'a str>,
        secret_type: Option<&'a str>,
    ) -> Result<SecretContext<'a>, (&'static str, Violation<'a>)> {
        validate_name(name).map_err(|violation| ("name", violation))?;
        let mut context = SecretContext::new(self.agent_id, name);
        if let Some(project) = self.project {
            context = context.with_project(project);
        }
        if let Some(key) = key {
            validate_key(key).map_err(|violation| ("key", violation))?;
            context = context.with_key(key);
        }
        if let Some(secret_type) = secret_type {
            validate_type(secret_type).map_err(|violation| ("type", violation))?;
            context = context.with_type(secret_type);
        }
        Ok(context)
    }
}

impl ContextArgs {
    /// Agent and project.
    pub(crate) fn owner(&self) -> Result<Owner<'_>, Failure> {
        let agent_id = parse_agent_id(self.agent_id.as_deref().unwrap_or_default())
            .map_err(|violation| refused("--agent-id", &violation))?;
        let project = self.project.as_deref().map(parse_project_id).transpose();
        let project = project.map_err(|violation| refused("--project", &violation))?;
        Ok(Owner { agent_id, project })
    }

    /// The agent alone, if it is given.
    pub(crate) fn agent_id(&self) -> Result<Option<&str>, Failure> {
        match &self.agent_id {
            Some(_) => self.owner().map(|owner| Some(owner.agent_id)),
            None => Ok(None),
        }
    }

    /// The context of the one secret, by the rules of the endpoint: what it would refuse is refused here.
    pub(crate) fn parse(&self) -> Result<SecretContext<'_>, Failure> {
        let name = self.name.as_deref().unwrap_or_default();
        self.owner()?
            .secret(name, self.key.as_deref(), self.secret_type.as_deref())
            .map_err(|(field, violation)| refused(&format!("--{field}"), &violation))
    }
}

/// The refusal of a flag or field: what is wrong as the endpoint says it, under the name that it has here.
pub(crate) fn refused(field: &str, violation: &Violation<'_>) -> Failure {
    let text = violation.to_string();
    let problem = text
        .split_once(": ")
        .map_or(text.as_str(), |(_, problem)| problem);
    Failure::refused(format!("{field}: {problem}"))
}

fn duration(text: &str) -> Result<Duration, String> {
    let lifetime = humantime::parse_duration(text).map_err(|e| format!("{e}, give 15m"))?;
    match lifetime.as_secs() {
        0 => Err("it must be at least a second".to_owned()),
        _ => Ok(lifetime),
    }
}
