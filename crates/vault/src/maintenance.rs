//! What a person does with a vault while no process has it open.

use std::path::{Path, PathBuf};

use async_trait::async_trait;

use crate::error::OpenError;

/// Commands for a vault that no process has open.
#[async_trait]
pub trait Maintenance: Send + Sync {
    /// Reads everything that is stored and verifies it. Changes nothing.
    ///
    /// # Errors
    ///
    /// The vault's own error if it can't be read at all. What is damaged is in the report.
    async fn check(&self) -> Result<Report, OpenError>;

    /// Creates a vault in the folder `to`, which must be empty or not exist, with all that is stored and can be read and verified;
    /// `with_strays` also with intact records that nothing leads to any more. Changes nothing of this one.
    ///
    /// # Errors
    ///
    /// The vault's own error. What could not be read is in the report.
    async fn salvage(&self, to: &Path, with_strays: bool) -> Result<Report, OpenError>;

    /// Moves the files of what is there to other names, and creates an empty vault. Deletes nothing. With `keep_key`,
    /// the key that is there is the new vault's.
    ///
    /// Returns old and new paths.
    ///
    /// # Errors
    ///
    /// The vault's own error.
    async fn begin_again(&self, keep_key: bool) -> Result<Vec<(PathBuf, PathBuf)>, OpenError>;
}

/// What was found in a vault.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// How many secrets can be read and are what was stored.
    pub intact: usize,
    /// The names of secrets that are stored and can't be read, as far as they are known.
    pub damaged: Vec<String>,
    /// How many more there were, whose names are not known. `None`: that can't be said.
    pub nameless: Option<usize>,
    /// Names of secrets that are intact, but that nothing leads to any more: they may have been deleted before, or be older values of
    /// names that are among `damaged`.
    pub stray: Vec<String>,
    /// What else is wrong, each in a sentence.
    pub faults: Vec<String>,
}

impl Report {
    /// Returns whether nothing is wrong.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        let Self {
            intact: _,
            damaged,
            nameless,
            stray: _,
            faults,
        } = self;
        damaged.is_empty() && *nameless == Some(0) && faults.is_empty()
    }
}
