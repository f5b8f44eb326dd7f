//! How a configuration names a vault: what the crate of a vault brings along, so that no other has to know it.

use std::error::Error;
use std::fmt;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;

use crate::vault::Vault;

/// A kind of vault that a configuration can name.
#[derive(Clone, Copy, Debug)]
pub struct Kind {
    /// What the key `kind` says.
    pub name: &'static str,
    /// Reads the other keys of the section; `None` if one is wrong, which is then noted.
    pub read: fn(&mut dyn Section) -> Option<Box<dyn VaultConfiguration>>,
    /// The vault in a folder with the defaults of everything else, if a folder is all that it needs.
    pub in_folder: Option<fn(PathBuf) -> Box<dyn VaultConfiguration>>,
}

/// A vault that can be opened.
#[async_trait]
pub trait VaultConfiguration: fmt::Debug + Send + Sync {
    /// Where it is, for the log: a path or an address, never a credential.
    fn location(&self) -> String;

    /// Opens it.
    ///
    /// # Errors
    ///
    /// The vault's own error, which says what to do.
    async fn open(&self) -> Result<Arc<dyn Vault>, OpenError>;
}

/// Why a vault does not open.
pub type OpenError = Box<dyn Error + Send + Sync>;

/// The section of a vault in a configuration. What is wrong with a key is noted, and reading goes on, so that everything
/// wrong is found at once.
pub trait Section {
    /// Notes it if a key is missing.
    fn require(&mut self, key: &'static str, what_to_do: &str);

    /// Returns the path of a folder that is the vault's alone and that it may create.
    fn own_folder(&mut self, key: &'static str) -> Option<PathBuf>;

    /// Returns a number in this range.
    fn number(&mut self, key: &'static str, range: RangeInclusive<usize>) -> Option<usize>;
}
