//! What a request carries: a value in clear beneath the channel, or one that its caller has sealed.

use sealpost_channel::{Create, Kind, Names, Outcome};
use sealpost_context::{AgentId, OwnedContext, Owner, ProjectId, SecretContext};

/// A value, and whose it is. It is borrowed from the request's body, which is wiped when dropped.
#[derive(Clone, Debug)]
pub(crate) enum Sealed<'r> {
    /// Sealed by the channel alone.
    Clear {
        context: OwnedContext,
        value: &'r [u8],
    },
    /// A JWE, whose protected header carries the context, too.
    Jwe {
        context: OwnedContext,
        jwe: &'r [u8],
    },
    /// CMS in DER, with a wrapper inside that alone says whose value it is.
    Cms { owner: Owner, der: &'r [u8] },
}

impl<'r> Sealed<'r> {
    /// What is to be created at `agent`, by the rules for requests in clear. `None` is a kind that no agent of this release
    /// takes.
    ///
    /// # Errors
    ///
    /// [`Outcome::Refused`] with the rules that the names break.
    pub(crate) fn new(
        agent: AgentId,
        kind: Kind,
        create: &Create<'r>,
    ) -> Result<Option<Self>, Outcome> {
        let content = create.content;
        let context = |names| context(agent, create.project, names);
        Ok(Some(match (kind, &create.names) {
            (Kind::Clear, Some(names)) => Self::Clear {
                context: context(names)?,
                value: content,
            },
            (Kind::Jwe, Some(names)) => Self::Jwe {
                context: context(names)?,
                jwe: content,
            },
            (Kind::Cms, None) => Self::Cms {
                owner: Owner {
                    agent,
                    project: create.project,
                },
                der: content,
            },
            (Kind::Clear | Kind::Jwe, None) | (Kind::Cms, Some(_)) | (Kind::Native, _) => {
                return Ok(None);
            }
        }))
    }

    /// The project that the name belongs to.
    pub(crate) fn project(&self) -> Option<ProjectId> {
        match self {
            Self::Clear { context, .. } | Self::Jwe { context, .. } => context.project(),
            Self::Cms { owner, .. } => owner.project,
        }
    }

    /// Returns whether the caller has sealed it: then its private-key operation is the caller's doing.
    pub(crate) fn at_source(&self) -> bool {
        !matches!(self, Self::Clear { .. })
    }
}

/// Checks the texts.
fn context(
    agent: AgentId,
    project: Option<ProjectId>,
    names: &Names<'_>,
) -> Result<OwnedContext, Outcome> {
    let mut context = SecretContext::unchecked(agent.as_str(), names.name);
    if let Some(project) = project {
        context = context.with_project(project);
    }
    if let Some(key) = names.key {
        context = context.with_unchecked_key(key);
    }
    if let Some(secret_type) = names.secret_type {
        context = context.with_unchecked_type(secret_type);
    }
    OwnedContext::check(&context)
        .map_err(|broken| Outcome::Refused(broken.iter().map(ToString::to_string).collect()))
}
