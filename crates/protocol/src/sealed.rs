//! What a request carries: a sealed value, and what has to be known of it in clear.

use sealpost_context::{AgentId, InvalidIdentifier, OwnedContext, Owner, ProjectId, SecretContext};
use serde::{Deserialize, Serialize};

/// A sealed value.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Sealed {
    /// A native envelope, which the gateway has sealed.
    Native {
        /// Whose value it is.
        context: OwnedContext,
        /// The envelope in its text form.
        envelope: String,
    },
    /// A JWE, which the caller has sealed, and whose protected header carries the context, too.
    Jwe {
        /// Whose value it is.
        context: OwnedContext,
        /// The JWE in any of its serialisations.
        jwe: String,
    },
    /// A CMS message, which the caller has sealed, with a wrapper inside that alone says whose value it is.
    Cms {
        /// What the caller's request says.
        owner: Owner,
        /// The DER in base64 (RFC 4648 §4), in one line.
        cms: String,
    },
}

impl Sealed {
    /// The agent that opens and stores.
    #[must_use]
    pub fn agent(&self) -> &AgentId {
        match self {
            Self::Native { context, .. } | Self::Jwe { context, .. } => context.agent(),
            Self::Cms { owner, .. } => &owner.agent,
        }
    }

    /// The project that the name belongs to.
    #[must_use]
    pub fn project(&self) -> Option<ProjectId> {
        match self {
            Self::Native { context, .. } | Self::Jwe { context, .. } => context.project(),
            Self::Cms { owner, .. } => owner.project,
        }
    }

    /// Returns the name of the format that stands in messages and logs.
    #[must_use]
    pub const fn format(&self) -> &'static str {
        match self {
            Self::Native { .. } => "native",
            Self::Jwe { .. } => "jwe",
            Self::Cms { .. } => "cms",
        }
    }

    /// Returns whether the caller has sealed it, and not the gateway.
    #[must_use]
    pub fn at_source(&self) -> bool {
        !matches!(self, Self::Native { .. })
    }
}

/// A sealed value as it arrives, before the texts of its context are checked.
#[derive(Deserialize, Serialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) enum Received {
    Native { context: Texts, envelope: String },
    Jwe { context: Texts, jwe: String },
    Cms { owner: Owner, cms: String },
}

impl Received {
    /// The agent that is to open and store.
    pub(crate) fn agent(&self) -> &AgentId {
        match self {
            Self::Native { context, .. } | Self::Jwe { context, .. } => &context.agent,
            Self::Cms { owner, .. } => &owner.agent,
        }
    }

    /// Checks the texts, by the rules for requests in clear.
    pub(crate) fn check(self) -> Result<Sealed, Vec<InvalidIdentifier>> {
        Ok(match self {
            Self::Native { context, envelope } => Sealed::Native {
                context: context.check()?,
                envelope,
            },
            Self::Jwe { context, jwe } => Sealed::Jwe {
                context: context.check()?,
                jwe,
            },
            Self::Cms { owner, cms } => Sealed::Cms { owner, cms },
        })
    }
}

/// The members of a context in JSON, as they are written, too: a message has one spelling.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Texts {
    agent: AgentId,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    project: Option<ProjectId>,
    name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    key: Option<String>,
    #[serde(default, rename = "type", skip_serializing_if = "Option::is_none")]
    secret_type: Option<String>,
}

impl Texts {
    fn check(&self) -> Result<OwnedContext, Vec<InvalidIdentifier>> {
        let mut context = SecretContext::unchecked(self.agent.as_str(), &self.name);
        if let Some(project) = self.project {
            context = context.with_project(project);
        }
        if let Some(key) = &self.key {
            context = context.with_unchecked_key(key);
        }
        if let Some(secret_type) = &self.secret_type {
            context = context.with_unchecked_type(secret_type);
        }
        OwnedContext::check(&context)
    }
}

/// Returns in what the context of a value differs from where the value was sent to: `agentId: …`, `projectId: …`.
#[must_use]
pub fn mismatches(owner: &Owner, context: &SecretContext<'_>) -> Vec<String> {
    let mut violations = Vec::new();
    if owner.agent.as_str() != context.agent_id() {
        violations.push(
            "agentId: the value is sealed for another agent; send it to the one that its context names"
                .into(),
        );
    }
    if owner.project != context.project_id() {
        violations.push(
            "projectId: the value is sealed for another project, or for none; give the one that its context names"
                .into(),
        );
    }
    violations
}
