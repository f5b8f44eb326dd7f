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
    #[arg(long, required_unless_present = "batch", conflicts_with = "batch")]
    name: Option<String>,
    /// The top-level property that the reference points to
    #[arg(long, conflicts_with = "batch")]
    key: Option<String>,
    /// The secret's type, such as PASSWORD
    #[arg(long = "type", value_name = "TYPE", conflicts_with = "batch")]
    secret_type: Option<String>,
    /// The project, a UUID with hyphens
    #[arg(long, value_name = "UUID")]
    project: Option<String>,
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
        let agent_id = parse_agent_id(&self.agent_id)
            .map_err(|violation| refused("--agent-id", &violation))?;
        let project = self.project.as_deref().map(parse_project_id).transpose();
        let project = project.map_err(|violation| refused("--project", &violation))?;
        Ok(Owner { agent_id, project })
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
