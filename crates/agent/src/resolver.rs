//! From a `resolver_ref` back to the value.

use std::{ops::Range, sync::Arc};

use sealpost_json::{JsonStr, Malformed, find_property};
use sealpost_vault::{Deadline, SecretValue, Vault, error::FetchError};
use sealpost_vault_key::{InvalidResolverRef, InvalidVaultSecretName, MAX_KEY, ResolverRef};
use thiserror::Error;
use zeroize::Zeroizing;

/// Resolves references against one vault.
#[derive(Clone, Debug)]
pub struct Resolver {
    vault: Arc<dyn Vault>,
}

impl Resolver {
    /// A resolver for this vault.
    #[must_use]
    pub fn new(vault: Arc<dyn Vault>) -> Self {
        Self { vault }
    }

    /// What `resolver_ref` points to: a whole object, or one of its top-level properties.
    ///
    /// # Errors
    ///
    /// [`ResolveError`]. None holds anything of a value.
    pub async fn resolve(&self, resolver_ref: &str) -> Result<Resolved, ResolveError> {
        let reference = ResolverRef::parse(resolver_ref)?;
        let name = reference.vault_secret_name(self.vault.kind())?;
        let value = self.vault.fetch(&name, Deadline::NONE).await?;
        let span = match reference.key() {
            None => 0..value.len(),
            Some(key) => {
                let mut buffer = [0; MAX_KEY];
                let key = key
                    .decode_into(&mut buffer)
                    .ok_or(ResolveError::NoSuchProperty)?;
                let property = find_property(&value, key)?;
                property.ok_or(ResolveError::NoSuchProperty)?.span()
            }
        };
        Ok(Resolved { value, span })
    }
}

/// A resolved reference. It is wiped when dropped, and `Debug` does not show it.
#[derive(Debug)]
pub struct Resolved {
    value: SecretValue,
    span: Range<usize>,
}

impl Resolved {
    /// The JSON text as it was sent, byte for byte: the object, or the property's value.
    #[must_use]
    pub fn as_json(&self) -> &[u8] {
        self.value.get(self.span.clone()).unwrap_or_default()
    }

    /// The value as programs want it: a string decoded, anything else as its JSON text. It is wiped when dropped.
    #[must_use]
    pub fn to_plain(&self) -> Zeroizing<Vec<u8>> {
        let json = self.as_json();
        let string = std::str::from_utf8(json).ok().and_then(JsonStr::from_json);
        let Some(string) = string else {
            return Zeroizing::new(json.to_vec());
        };
        // Decoding never makes a text longer: the buffer does not grow.
        let mut plain = Zeroizing::new(vec![0; json.len()]);
        let length = string.decode_into(&mut plain).map_or(0, str::len);
        plain.truncate(length);
        plain
    }
}

/// Why a reference was not resolved.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ResolveError {
    /// It is not a reference.
    #[error(transparent)]
    Reference(#[from] InvalidResolverRef),
    /// No vault of this kind has such a name.
    #[error(transparent)]
    Name(#[from] InvalidVaultSecretName),
    /// The vault does not have it, or can't be asked.
    #[error(transparent)]
    Vault(#[from] FetchError),
    /// What is stored is no JSON object, so it has no properties.
    #[error(
        "the stored value has no properties: {0}; leave out the part behind # to get all of it"
    )]
    NotAnObject(#[from] Malformed),
    /// The object has no such property.
    #[error(
        "the stored object has no such top-level property; leave out the part behind # to get all of it"
    )]
    NoSuchProperty,
}
