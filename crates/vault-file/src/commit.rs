//! What the vault's writer does with the changes of many callers.

use std::sync::Arc;

use sealpost_group_commit::{Bounds, Commit, End, Failure, GroupCommit, State, SubmitError};
use tracing::debug;

use crate::store::{self, Change, Store, StoreError};
use sealpost_vault::{Health, error::VaultFailure};

/// Changes the store from one thread of its own.
pub(crate) type Writer = GroupCommit<Changes>;

/// The store, as the writer's thread sees it: ciphertext alone.
pub(crate) struct Changes {
    store: Arc<Store>,
    /// The size of the batch that failed last: so much must fit before changes are taken again.
    failed: usize,
}

impl Changes {
    pub(crate) fn start(store: Arc<Store>, bounds: Bounds) -> std::io::Result<Writer> {
        GroupCommit::start("vault-writer", Self { store, failed: 0 }, bounds)
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
        self.store.apply(changes, answers).map_err(|error| {
            self.failed = changes.iter().map(Self::size).sum();
            failed(error)
        })
    }

    fn recover(&mut self) -> Result<(), Failure<VaultFailure>> {
        self.store
            .probe(self.failed.max(LEAST_SPACE))
            .map_err(failed)
    }

    fn size(change: &Change) -> usize {
        match change {
            Change::Create { name, record } => name.len() + record.len(),
            Change::Delete { name } => name.len(),
        }
    }
}

fn failed(error: StoreError) -> Failure<VaultFailure> {
    match error {
        // What is stored is given out, so the process goes on until an operator has looked.
        StoreError::Damaged | StoreError::Replaced => Failure::Passing(store::failure(error)),
        error if error.is_final() => Failure::Final(store::failure(error)),
        error => Failure::Passing(store::failure(error)),
    }
}

/// Returns the vault's health by the state of its writer.
pub(crate) fn health(state: State<VaultFailure>) -> Health {
    match state {
        State::Running => Health::Ready,
        State::Recovering(failure) => Health::recovering(failure.to_string()),
        State::Ended(end) => Health::failed(failure(SubmitError::Ended(end)).to_string()),
    }
}

/// Returns what a change that was not made means to the vault's caller.
pub(crate) fn failure(error: SubmitError<VaultFailure>) -> VaultFailure {
    match error {
        SubmitError::Failed(failure) | SubmitError::Ended(End::Failed(failure)) => failure,
        SubmitError::Ended(End::Closed) => store::failure(StoreError::Closed),
        SubmitError::Ended(End::Panicked) => VaultFailure::unusable(
            "its writer panicked; look into the log, then restart the program",
        ),
    }
}

/// Bytes that must fit before a vault takes secrets again: the longest value of its defaults.
const LEAST_SPACE: usize = 64 << 10;
