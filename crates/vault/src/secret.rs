//! A secret that is to be stored.

use std::fmt;

use sealpost_vault_key::VaultSecretName;

use crate::operation::OperationId;

/// A secret that is to be stored. It borrows its parts; `Debug` does not show the value.
#[derive(Clone, Copy)]
#[non_exhaustive]
pub struct NewSecret<'a> {
    /// The name, derived for the vault's kind.
    pub name: &'a VaultSecretName,
    /// The value, byte for byte as it is to be read again.
    pub value: &'a [u8],
    /// Identifies the attempt over all its retries.
    pub operation: &'a OperationId,
    /// The UUID of the project that it belongs to, for vaults that label what they store. The name cannot tell it: a name without
    /// a project may be rewritten to one that looks as if it had one.
    pub project: Option<&'a [u8; 16]>,
}

impl<'a> NewSecret<'a> {
    /// A secret of this name and value, and of no project.
    #[must_use]
    pub const fn new(
        name: &'a VaultSecretName,
        value: &'a [u8],
        operation: &'a OperationId,
    ) -> Self {
        Self {
            name,
            value,
            operation,
            project: None,
        }
    }

    /// The same secret of this project.
    #[must_use]
    pub const fn of_project(mut self, project: Option<&'a [u8; 16]>) -> Self {
        self.project = project;
        self
    }
}

impl fmt::Debug for NewSecret<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewSecret")
            .field("name", self.name)
            .field("operation", self.operation)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sealpost_vault_key::VaultKind;

    #[test]
    fn debug_shows_no_value() {
        let name = VaultSecretName::derive(VaultKind::KV2, None, "name");
        let operation = OperationId::from_bytes([7; 32]);
        let shown = format!("{:?}", NewSecret::new(&name, b"canary", &operation));
        assert!(shown.contains("\"name\"") && !shown.contains("99, 97"));
        assert!(!shown.contains("canary") && !shown.contains("value"));
    }
}
