//! How a configuration names a vault: what the crate of a vault brings along, so that no other has to know it.

use std::fmt;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;

use crate::access::Access;
pub use crate::error::OpenError;
use crate::maintenance::Maintenance;
use crate::vault::{Vault, VaultId};

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
    async fn open(&self, opening: Opening) -> Result<Arc<dyn Vault>, OpenError>;

    /// Returns whether there is any trace of a vault, so that a start would not create one; `true` if that can't be said.
    fn is_there(&self) -> bool {
        true
    }

    /// Finds what [`open`](Self::open) would fail with, by the same code, and changes and creates nothing. A vault that
    /// another process has open passes. Returns the identifier of the vault that is there, as
    /// [`Vault::id`] does.
    ///
    /// # Errors
    ///
    /// Those of [`open`](Self::open).
    async fn check(&self, _: Opening) -> Result<Option<VaultId>, OpenError> {
        Ok(None)
    }

    /// Returns whether a start goes on although [`check`](Self::check) returned this error: with a damaged vault of which what is
    /// intact can be used.
    fn starts_despite(&self, _: &OpenError) -> bool {
        false
    }

    /// Returns whether its credentials are to permit reading values, which resolving needs.
    fn permits_reading(&self) -> bool {
        true
    }

    /// Returns the smallest policy for its credentials, in the vault's own language, or `None` if it has none.
    fn policy(&self) -> Option<String> {
        None
    }

    /// Returns what a person can do with the vault while no process has it open, or `None` if this kind has nothing.
    fn maintenance(&self) -> Option<&dyn Maintenance> {
        None
    }
}

/// Whether a vault may be created where there is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Opening {
    /// Creates a vault where there is no trace of one.
    CreateIfNew,
    /// Creates nothing: something remembers the vault, such as a ledger, or only reads it.
    ExistingOnly,
}

/// The section of a vault in a configuration. What is wrong with a key is noted, and reading goes on, so that everything
/// wrong is found at once.
pub trait Section {
    /// Notes it if a key is missing.
    fn require(&mut self, key: &'static str, what_to_do: &str);

    /// Returns the path of a folder that is the vault's alone and that it may create. It keeps files with these names there.
    fn own_folder(&mut self, key: &'static str, files: &'static [&'static str]) -> Option<PathBuf>;

    /// Returns a number in this range.
    fn number(&mut self, key: &'static str, range: RangeInclusive<usize>) -> Option<usize>;

    /// Returns whether the key is there. Does not count as reading it.
    fn has(&self, key: &'static str) -> bool;

    /// Notes what is wrong with a key, and what to do.
    fn wrong(&mut self, key: &'static str, what: &str);

    /// Returns a text that is not empty.
    fn text(&mut self, key: &'static str) -> Option<String>;

    /// Returns one text or a list of them.
    fn texts(&mut self, key: &'static str) -> Option<Vec<String>>;

    /// Returns the path of a file that must be there and readable.
    fn file(&mut self, key: &'static str) -> Option<PathBuf>;

    /// Returns the path of a file with a credential: users other than its owner and group must not be able to read it. It may be
    /// missing, since a policy is printed before there are credentials for it; [`VaultConfiguration::check`] notes that.
    fn private_file(&mut self, key: &'static str) -> Option<PathBuf>;
}

/// Reads the key `access` of a vault whose credentials can be limited: `create`, which is meant without it, `resolve` or
/// `delete`. Returns `None` if it is wrong, which is then noted.
pub fn access(section: &mut dyn Section) -> Option<Access> {
    let is_given = section.has("access");
    match section.text("access").as_deref() {
        None if !is_given => Some(Access::Create),
        Some("create") => Some(Access::Create),
        Some("resolve") => Some(Access::Resolve),
        Some("delete") => Some(Access::Delete),
        None => None,
        Some(_) => {
            section.wrong("access", "must be \"create\", \"resolve\" or \"delete\"");
            None
        }
    }
}
