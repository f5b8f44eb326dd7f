//! What a request carries: a sealed value, and what has to be known of it in clear.

use serde::{Deserialize, Serialize};

use crate::{AgentId, Context, ProjectId};

/// A sealed value.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[non_exhaustive]
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
        /// The DER in base64 (RFC 4648 §4), or PEM.
        cms: String,
    },
}

/// What is known of a secret before it is opened: the path and query that it was sent to.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Owner {
    /// The agent that opens and stores.
    pub agent: AgentId,
    /// The project that the name belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project: Option<ProjectId>,
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

    /// Has the caller sealed it, and not the gateway?
    #[must_use]
    pub fn at_source(&self) -> bool {
        !matches!(self, Self::Native { .. })
    }
}
