//! The name under which a vault holds a secret.

mod derive;
mod grammar;

use core::fmt;
use core::hash::{Hash, Hasher};

use crate::kind::VaultKind;
use crate::lengths::MAX_VAULT_SECRET_NAME;
pub use grammar::{InvalidNameReason, InvalidVaultSecretName};

/// The name under which a vault of one kind holds a secret.
///
/// It is valid in that vault and within its limit. The text is ASCII and lives in the value itself,
/// which takes a little over [`MAX_VAULT_SECRET_NAME`] bytes of memory.
#[derive(Clone)]
pub struct VaultSecretName {
    kind: VaultKind,
    len: usize,
    /// Only the first `len` bytes count; they are ASCII.
    bytes: [u8; MAX_VAULT_SECRET_NAME],
}

impl VaultSecretName {
    /// Takes a name that the vault already holds, or would: as it stands in a `resolver_ref`, for
    /// example.
    ///
    /// On Azure, upper-case letters are accepted although `derive` never gives any: the vault does
    /// so, and a secret that someone else stored may have them.
    ///
    /// # Errors
    ///
    /// [`InvalidVaultSecretName`] says which rule of the vault `name` breaks, and where.
    pub fn parse(kind: VaultKind, name: &str) -> Result<Self, InvalidVaultSecretName> {
        grammar::check(kind, name.as_bytes())?;
        let mut parsed = Self::empty(kind);
        parsed.push_all(name.as_bytes());
        Ok(parsed)
    }

    /// The name as text, never empty.
    #[must_use]
    pub fn as_str(&self) -> &str {
        // The default is never taken, as only ASCII is pushed. It is here because firmware that links
        // this crate wants no panic in it.
        core::str::from_utf8(self.as_bytes()).unwrap_or_default()
    }

    /// The kind of vault for which the name was made.
    #[must_use]
    pub const fn kind(&self) -> VaultKind {
        self.kind
    }

    fn empty(kind: VaultKind) -> Self {
        Self {
            kind,
            len: 0,
            bytes: [0; MAX_VAULT_SECRET_NAME],
        }
    }

    fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..self.len).unwrap_or_default()
    }

    /// What does not fit is dropped: callers check the vault's limit, which is never more than fits.
    fn push_all(&mut self, bytes: &[u8]) {
        let room = self.bytes.get_mut(self.len..).unwrap_or_default();
        for (slot, byte) in room.iter_mut().zip(bytes) {
            *slot = *byte;
            self.len += 1;
        }
    }
}

impl AsRef<str> for VaultSecretName {
    fn as_ref(&self) -> &str {
        self.as_str()
    }
}

impl fmt::Display for VaultSecretName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Debug for VaultSecretName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VaultSecretName")
            .field("kind", &self.kind)
            .field("name", &self.as_str())
            .finish()
    }
}

/// Names of two kinds of vault are different even where their texts are equal.
impl PartialEq for VaultSecretName {
    fn eq(&self, other: &Self) -> bool {
        self.kind == other.kind && self.as_bytes() == other.as_bytes()
    }
}

impl Eq for VaultSecretName {}

impl Hash for VaultSecretName {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.kind.hash(state);
        self.as_bytes().hash(state);
    }
}
