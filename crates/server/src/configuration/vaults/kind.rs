//! A kind of vault: how its configuration is read, and how it is opened.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use sealpost_vault::Vault;

use crate::configuration::claims::Claims;
use crate::configuration::section::Section;
use crate::error::Error;

/// A vault that can be opened.
#[async_trait]
pub trait VaultConfiguration: fmt::Debug + Send + Sync {
    /// Where it is, for the log: a path or an address, never a credential.
    fn location(&self) -> String;

    /// Opens it.
    ///
    /// # Errors
    ///
    /// [`Error::Vault`].
    async fn open(&self) -> Result<Arc<dyn Vault>, Error>;
}

/// A kind of vault that a configuration can name.
pub(crate) struct Kind {
    /// What `kind` says.
    pub(crate) name: &'static str,
    /// Reads the other keys of the section; `None` if one is wrong, which is then noted.
    pub(crate) read: fn(&mut Section<'_>, &mut Claims) -> Option<Box<dyn VaultConfiguration>>,
}
