//! The flags that say what a sealed value is for.

use clap::Args;
use sealpost_envelope::SecretContext;
use sealpost_validator::{
    Violation, parse_agent_id, parse_project_id, validate_key, validate_name, validate_type,
};

use crate::error::Failure;

/// What a value is sealed for. It opens for exactly the same and nothing else.
#[derive(Args, Debug)]
pub(crate) struct ContextArgs {
    /// The agent that opens it
    #[arg(long, value_name = "ID")]
    agent_id: String,
    /// The secret's name
    #[arg(long)]
    name: String,
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

impl ContextArgs {
    /// The context, by the rules of the endpoint: what it would refuse is refused here.
    pub(crate) fn parse(&self) -> Result<SecretContext<'_>, Failure> {
        let agent_id = parse_agent_id(&self.agent_id)
            .map_err(|violation| refused("--agent-id", &violation))?;
        validate_name(&self.name).map_err(|violation| refused("--name", &violation))?;
        let mut context = SecretContext::new(agent_id, &self.name);
        if let Some(key) = &self.key {
            validate_key(key).map_err(|violation| refused("--key", &violation))?;
            context = context.with_key(key);
        }
        if let Some(secret_type) = &self.secret_type {
            validate_type(secret_type).map_err(|violation| refused("--type", &violation))?;
            context = context.with_type(secret_type);
        }
        if let Some(project) = &self.project {
            context = context.with_project(
                parse_project_id(project).map_err(|violation| refused("--project", &violation))?,
            );
        }
        Ok(context)
    }
}

/// The refusal of a flag: what is wrong as the endpoint says it, but naming the flag.
pub(crate) fn refused(flag: &str, violation: &Violation<'_>) -> Failure {
    let text = violation.to_string();
    let problem = text
        .split_once(": ")
        .map_or(text.as_str(), |(_, problem)| problem);
    Failure::refused(format!("{flag}: {problem}"))
}
