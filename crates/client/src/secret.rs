//! A secret to be created, and what comes back.

use std::fmt;

use zeroize::Zeroizing;

/// A secret to be created. `Debug` does not show its value.
pub struct NewSecret {
    pub(crate) name: String,
    pub(crate) key: Option<String>,
    pub(crate) secret_type: Option<String>,
    pub(crate) value: Zeroizing<Vec<u8>>,
}

impl NewSecret {
    /// A secret with this name and value. The value is a JSON object in UTF-8, and is stored byte for byte as it
    /// is given. It is wiped when dropped.
    #[must_use]
    pub fn new(name: impl Into<String>, value: impl Into<Zeroizing<Vec<u8>>>) -> Self {
        Self {
            name: name.into(),
            key: None,
            secret_type: None,
            value: value.into(),
        }
    }

    /// The reference shall point to this top-level property of the value, not to the whole object.
    #[must_use]
    pub fn with_key(mut self, key: impl Into<String>) -> Self {
        self.key = Some(key.into());
        self
    }

    /// Of this type, such as `PASSWORD`.
    #[must_use]
    pub fn with_type(mut self, secret_type: impl Into<String>) -> Self {
        self.secret_type = Some(secret_type.into());
        self
    }
}

impl fmt::Debug for NewSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewSecret")
            .field("name", &self.name)
            .field("key", &self.key)
            .field("secret_type", &self.secret_type)
            .finish_non_exhaustive()
    }
}

/// A secret that was created: it is in the vault, durably.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Created {
    /// What pipelines resolve.
    pub resolver_ref: String,
    /// The name in the vault.
    pub vault_secret_name: String,
    /// The id under which the gateway logged the request.
    pub request_id: Option<String>,
}
