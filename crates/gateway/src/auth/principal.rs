//! Who a token speaks for, and what it permits.

use std::collections::BTreeSet;

use sealpost_context::{AgentId, ProjectId};

use super::denied::Denied;

/// Who a token speaks for.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Principal {
    /// The issuer, `iss`.
    pub issuer: String,
    /// The subject, `sub`: a person or a service, unique for the issuer.
    pub subject: Option<String>,
    /// The scopes granted.
    pub scopes: BTreeSet<String>,
    /// The agents that it is limited to, if any.
    pub agents: Option<BTreeSet<String>>,
    /// The projects that it is limited to, if any. A limited principal can't write outside a project.
    pub projects: Option<BTreeSet<ProjectId>>,
}

impl Principal {
    /// Checks that it may write to this agent and project. `None` means that the request's agent or project is not
    /// valid: only a principal without limits gets far enough to be told why.
    ///
    /// # Errors
    ///
    /// [`Denied`], for the log.
    pub(crate) fn authorise_write(
        &self,
        agent: Option<&AgentId>,
        project: Option<Option<ProjectId>>,
    ) -> Result<(), Denied> {
        if !self.scopes.contains(WRITE_SCOPE) {
            return Err(Denied::Scope {
                needed: WRITE_SCOPE,
            });
        }
        if let Some(agents) = &self.agents {
            agent
                .filter(|agent| agents.contains(agent.as_str()))
                .ok_or(Denied::Agent)?;
        }
        if let Some(projects) = &self.projects {
            project
                .flatten()
                .filter(|project| projects.contains(project))
                .ok_or(Denied::Project)?;
        }
        Ok(())
    }
}

/// The scope that permits creating secrets.
const WRITE_SCOPE: &str = "secrets:write";

#[cfg(test)]
mod tests {
    use super::*;

    fn principal() -> Principal {
        Principal {
            scopes: [WRITE_SCOPE.to_owned()].into(),
            ..Principal::default()
        }
    }

    #[test]
    fn without_limits_it_may_write_anywhere() {
        let agent: AgentId = "a".parse().unwrap();
        assert_eq!(
            principal().authorise_write(Some(&agent), Some(None)),
            Ok(())
        );
        assert_eq!(principal().authorise_write(None, None), Ok(()));
    }

    #[test]
    fn without_the_scope_it_may_not() {
        let reader = Principal {
            scopes: ["secrets:read".to_owned()].into(),
            ..Principal::default()
        };
        assert_eq!(
            reader.authorise_write(None, None),
            Err(Denied::Scope {
                needed: WRITE_SCOPE
            })
        );
    }

    #[test]
    fn limits_hold_and_fail_closed() {
        let (a, b): (AgentId, AgentId) = ("a".parse().unwrap(), "b".parse().unwrap());
        let limited = Principal {
            agents: Some(["a".to_owned()].into()),
            ..principal()
        };
        assert_eq!(limited.authorise_write(Some(&a), Some(None)), Ok(()));
        assert_eq!(
            limited.authorise_write(Some(&b), Some(None)),
            Err(Denied::Agent)
        );
        assert_eq!(
            limited.authorise_write(None, Some(None)),
            Err(Denied::Agent)
        );

        let project: ProjectId = "00000000-0000-0000-0000-00000000000a".parse().unwrap();
        let other: ProjectId = "00000000-0000-0000-0000-00000000000b".parse().unwrap();
        let limited = Principal {
            projects: Some([project].into()),
            ..principal()
        };
        assert_eq!(
            limited.authorise_write(Some(&a), Some(Some(project))),
            Ok(())
        );
        assert_eq!(
            limited.authorise_write(Some(&a), Some(Some(other))),
            Err(Denied::Project)
        );
        assert_eq!(
            limited.authorise_write(Some(&a), Some(None)),
            Err(Denied::Project)
        );
        assert_eq!(
            limited.authorise_write(Some(&a), None),
            Err(Denied::Project)
        );

        let none = Principal {
            agents: Some(BTreeSet::new()),
            ..principal()
        };
        assert_eq!(
            none.authorise_write(Some(&a), Some(None)),
            Err(Denied::Agent)
        );
    }
}
