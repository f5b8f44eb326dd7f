//! What a request carries: a sealed value, and what has to be known of it in clear.

use serde::{Deserialize, Serialize};

use crate::{AgentId, Context, ProjectId};

/// A sealed value.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Sealed {
    /// A native envelope, which the gateway has sealed.
    Native {
        /// Whose value it is.
        context: Context,
        /// The envelope in its text form.
        envelope: String,
    },
    /// A JWE, which the caller has sealed, and whose protected header carries the context, too.
    Jwe {
        /// Whose value it is.
        context: Context,
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

/// Where a sealed value was sent to: what is known of it before it is opened.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Owner {
    /// The agent that opens and stores.
    pub agent: AgentId,
    /// The project that the name belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project: Option<ProjectId>,
}

impl Owner {
    /// In what a sealed value's own context differs: `agentId: …`, `projectId: …`.
    #[must_use]
    pub fn mismatches(&self, context: &Context) -> Vec<String> {
        let mut violations = Vec::new();
        if self.agent != context.agent {
            violations.push(
                "agentId: the value is sealed for another agent; send it to the one that its context names"
                    .into(),
            );
        }
        if self.project != context.project {
            violations.push(
                "projectId: the value is sealed for another project, or for none; give the one that its context names"
                    .into(),
            );
        }
        violations
    }
}

impl Sealed {
    /// The agent that opens and stores.
    #[must_use]
    pub fn agent(&self) -> &AgentId {
        match self {
            Self::Native { context, .. } | Self::Jwe { context, .. } => &context.agent,
            Self::Cms { owner, .. } => &owner.agent,
        }
    }

    /// The project that the name belongs to.
    #[must_use]
    pub fn project(&self) -> Option<ProjectId> {
        match self {
            Self::Native { context, .. } | Self::Jwe { context, .. } => context.project,
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
