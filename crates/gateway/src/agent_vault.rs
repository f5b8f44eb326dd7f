//! The limits of an agent's vault, checked before anything is sealed.

use sealpost_context::{Owner, ProjectId};
use sealpost_rest::ProblemType;
use sealpost_vault_key::{Limits, VaultKind, VaultSecretName};

use crate::{rejection::Rejection, submission::Submission};

/// What a gateway knows of an agent's vault. The agent checks the same again.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct AgentVault {
    kind: VaultKind,
    limits: Limits,
}

impl AgentVault {
    /// A vault of this kind that takes this much, which is [`VaultKind::limits`] unless it is configured otherwise.
    #[must_use]
    pub const fn new(kind: VaultKind, limits: Limits) -> Self {
        Self { kind, limits }
    }

    /// Checks what can be seen of a submission: of a value that the caller has sealed, its name at most.
    ///
    /// # Errors
    ///
    /// The violations, each with the limit.
    pub(crate) fn check(self, submission: &Submission, owner: &Owner) -> Result<(), Rejection> {
        let name = submission.name().map(|name| {
            let project = owner.project.as_ref().map(ProjectId::as_bytes);
            let name = VaultSecretName::derive(self.kind, project, name);
            self.limits.check_name(name.as_str().len())
        });
        let value = submission.value_len();
        let value = value.map(|len| self.limits.check_value(len));
        let violations: Vec<_> = [("name", name), ("value", value)]
            .into_iter()
            .filter_map(|(member, checked)| {
                let long = checked?.err()?;
                Some(format!("#/secret/{member}: {long}"))
            })
            .collect();
        match violations.is_empty() {
            true => Ok(()),
            false => Err(Rejection::new(ProblemType::InvalidRequest, violations)),
        }
    }
}
