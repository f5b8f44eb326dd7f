//! A secret to be created, and the answer.

use std::fmt;

use zeroize::Zeroizing;

use crate::idempotency::IdempotencyKey;

/// A secret to be created. `Debug` does not show its value.
pub struct NewSecret {
    pub(crate) name: String,
    pub(crate) key: Option<String>,
    pub(crate) secret_type: Option<String>,
    pub(crate) value: Zeroizing<Vec<u8>>,
    pub(crate) idempotency_key: Option<IdempotencyKey>,
}

impl NewSecret {
    /// Creates a secret with this name and value. The value is a JSON object in UTF-8. It is stored byte for byte, without
    /// white space around it, and wiped when dropped.
    #[must_use]
    pub fn new(name: impl Into<String>, value: impl Into<Zeroizing<Vec<u8>>>) -> Self {
        Self {
            name: name.into(),
            key: None,
            secret_type: None,
            value: value.into(),
            idempotency_key: None,
        }
    }

    /// Makes the reference point to this top-level property of the value, not to the whole object.
    #[must_use]
    pub fn with_key(mut self, key: impl Into<String>) -> Self {
        self.key = Some(key.into());
        self
    }

    /// Sets the type, such as `PASSWORD`.
    #[must_use]
    pub fn with_type(mut self, secret_type: impl Into<String>) -> Self {
        self.secret_type = Some(secret_type.into());
        self
    }

    /// Sets the key by which the gateway recognises a repeated call, even from another process.
    #[must_use]
    pub fn with_idempotency_key(mut self, key: IdempotencyKey) -> Self {
        self.idempotency_key = Some(key);
        self
    }
}

impl fmt::Debug for NewSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewSecret")
            .field("name", &self.name)
            .field("key", &self.key)
            .field("secret_type", &self.secret_type)
            .field("idempotency_key", &self.idempotency_key)
            .finish_non_exhaustive()
    }
}

/// A secret that was created: it is in the vault, durably.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Created {
    /// The reference that pipelines resolve.
    pub resolver_ref: String,
    /// The name in the vault.
    pub vault_secret_name: String,
    /// The id under which the gateway logged the request.
    pub request_id: Option<String>,
}
