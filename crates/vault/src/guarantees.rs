//! What a vault promises.

/// What a vault promises beyond the contract of [`Vault`](crate::Vault).
///
/// Start from [`STRONGEST`](Self::STRONGEST) and weaken what the vault does not hold:
///
/// ```
/// use sealpost_vault::guarantees::{CreateGuarantee, Guarantees};
///
/// let mut guarantees = Guarantees::STRONGEST;
/// guarantees.create = CreateGuarantee::CheckAndVerify;
/// ```
///
/// Promises that are added later start at their strongest, so that the conformance suite finds a vault that does not
/// hold them and says nothing of them.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Guarantees {
    /// What holds when several callers create one name at the same time.
    pub create: CreateGuarantee,
    /// What a read sees.
    pub reads: Reads,
    /// What happens to the name of a deleted secret.
    pub deleted_names: DeletedNames,
    /// By what a retry is recognised.
    pub retries: Retries,
}

/// What holds when several callers create one name at the same time.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum CreateGuarantee {
    /// The vault itself lets one win. The value of another caller is never seen.
    Atomic,
    /// The vault overwrites, so the adapter checks that the name is free, writes, and verifies. One caller is told
    /// that it won; a caller that lost restores the winner's value before it answers. Until then a reader may see the
    /// value of a caller that lost, and after a crash in this window it stays.
    CheckAndVerify,
}

/// What a read sees.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Reads {
    /// All that was acknowledged before the read began.
    Consistent,
    /// What was acknowledged may take some seconds to be seen. What `create` answers does not rest on such reads.
    Eventual,
    /// Nothing: the vault's credentials permit no reading, and `fetch` fails with
    /// [`VaultFailure::Denied`](crate::error::VaultFailure::Denied). What `create` answers does not rest on reading values.
    Denied,
}

/// By what a retry is recognised.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Retries {
    /// By its operation and its value.
    OperationAndValue,
    /// By its operation alone, since the vault's credentials permit no reading of values: another value under the same
    /// operation is told to be stored, and the first one is kept. An operation that identifies its value, as an agent's do,
    /// never comes with another one.
    Operation,
}

/// What happens to the name of a deleted secret.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum DeletedNames {
    /// It is free at once.
    Free,
    /// The deleted secret holds it until it is purged: [`CreateError::PendingDeletion`](crate::error::CreateError).
    Held,
}

impl Guarantees {
    /// Everything that can be promised.
    pub const STRONGEST: Self = Self {
        create: CreateGuarantee::Atomic,
        reads: Reads::Consistent,
        deleted_names: DeletedNames::Free,
        retries: Retries::OperationAndValue,
    };
}
