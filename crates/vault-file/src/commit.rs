//! What the vault's writer does with the changes of many callers.

use std::sync::Arc;

use sealpost_group_commit::{Bounds, Commit, End, Failure, GroupCommit, SubmitError};
use tracing::debug;

use crate::store::{Change, Store, StoreError};
use sealpost_vault::error::VaultFailure;

/// Changes the store from one thread of its own.
pub(crate) type Writer = GroupCommit<Changes>;

/// The store, as the writer's thread sees it: ciphertext alone.
pub(crate) struct Changes(Arc<Store>);

impl Changes {
    pub(crate) fn start(store: Arc<Store>) -> std::io::Result<Writer> {
        GroupCommit::start("vault-writer", Self(store), Bounds::default())
    }
}

impl Commit for Changes {
    type Change = Change;
    /// The record that was there before: for `Create`, the one that stands in its way.
    type Answer = Option<Vec<u8>>;
    type Error = VaultFailure;

    fn commit(
        &mut self,
        changes: &[Change],
        answers: &mut Vec<Option<Vec<u8>>>,
    ) -> Result<(), Failure<VaultFailure>> {
        debug!(changes = changes.len(), "writing to the vault");
        self.0.apply(changes, answers).map_err(|error| match error {
            StoreError::Database(_) => Failure::Passing(error.into()),
            StoreError::NotSynced | StoreError::Closed | StoreError::Damaged => {
                Failure::Final(error.into())
            }
        })
    }

    fn size(change: &Change) -> usize {
        match change {
            Change::Create { name, record } => name.len() + record.len(),
            Change::Delete { name } => name.len(),
        }
    }
}

/// Returns what a change that was not made means to the vault's caller.
pub(crate) fn failure(error: SubmitError<VaultFailure>) -> VaultFailure {
    match error {
        SubmitError::Failed(failure) | SubmitError::Ended(End::Failed(failure)) => failure,
        SubmitError::Ended(End::Closed) => StoreError::Closed.into(),
        SubmitError::Ended(End::Panicked) => VaultFailure::unusable(
            "its writer panicked; look into the log, then restart the program",
        ),
    }
}
