//! Private keys in the agent's own memory.

use std::{fmt, sync::Arc, thread::available_parallelism};

use async_trait::async_trait;
use sealpost_envelope::{
    AwsLc, AwsLcRng, Identity, Keyring,
    key::{DuplicateKey, KeyId, PublicIdentity, decrypt},
};
use tokio::{sync::Semaphore, task::spawn_blocking};
use tracing::error;

use super::{KeyAnswer, KeyHolder};

/// Identities in memory: the current one and old ones.
///
/// Each decryption runs on a thread for blocking work, as many at a time as there are processors; more would only
/// compete for them.
pub struct LocalKeyring {
    identities: Arc<Keyring<Identity<AwsLc>>>,
    public: Arc<Keyring<PublicIdentity>>,
    places: Arc<Semaphore>,
}

impl LocalKeyring {
    /// Holds one identity. CMS, and JWE that name a certificate, open only if `identity` has that certificate.
    #[must_use]
    pub fn new(identity: Identity<AwsLc>) -> Self {
        let processors = available_parallelism().map_or(1, usize::from);
        Self::with_places(Keyring::new(identity), processors)
    }

    /// Holds the current identity and retired ones, which can still open.
    ///
    /// # Errors
    ///
    /// [`DuplicateKey`] if two identities have the same key.
    pub fn with_old(
        current: Identity<AwsLc>,
        old: impl IntoIterator<Item = Identity<AwsLc>>,
    ) -> Result<Self, DuplicateKey> {
        let mut identities = Keyring::new(current);
        for identity in old {
            identities.add_old(identity)?;
        }
        Ok(Self::from(identities))
    }

    fn with_places(identities: Keyring<Identity<AwsLc>>, places: usize) -> Self {
        Self {
            public: Arc::new(identities.map(|identity| identity.into())),
            identities: Arc::new(identities),
            places: Arc::new(Semaphore::new(places)),
        }
    }
}

impl From<Keyring<Identity<AwsLc>>> for LocalKeyring {
    fn from(identities: Keyring<Identity<AwsLc>>) -> Self {
        let processors = available_parallelism().map_or(1, usize::from);
        Self::with_places(identities, processors)
    }
}

impl From<LocalKeyring> for Arc<dyn KeyHolder> {
    fn from(keyring: LocalKeyring) -> Self {
        Arc::new(keyring)
    }
}

#[async_trait]
impl KeyHolder for LocalKeyring {
    fn keys(&self) -> Arc<Keyring<PublicIdentity>> {
        Arc::clone(&self.public)
    }

    fn is_elsewhere(&self) -> bool {
        false
    }

    async fn decrypt(&self, key_id: KeyId, ciphertext: &[u8]) -> KeyAnswer {
        if self.identities.get(key_id).is_none() {
            return KeyAnswer::Unusable;
        }
        // Fails only if it was closed, which it never is.
        let Ok(place) = Arc::clone(&self.places).acquire_owned().await else {
            return KeyAnswer::Unavailable;
        };
        let (identities, ciphertext) = (Arc::clone(&self.identities), ciphertext.to_vec());
        let decrypting = spawn_blocking(move || {
            // Given back when the work is done, also if the caller has left.
            let _place = place;
            let (identity, _) = identities.get(key_id)?;
            Some(decrypt(identity, &ciphertext, &mut AwsLcRng))
        });
        match decrypting.await {
            Ok(Some(Some(seed))) => KeyAnswer::Seed(seed),
            Ok(Some(None)) => KeyAnswer::Rejected,
            Ok(None) => KeyAnswer::Unusable,
            Err(cause) => {
                error!(%cause, "decryption stopped");
                KeyAnswer::Unavailable
            }
        }
    }
}

impl fmt::Debug for LocalKeyring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LocalKeyring")
            .field("keys", &self.public)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
