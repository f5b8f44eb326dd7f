//! Check, set, verify: what stands in for the create that the service lacks.

use std::hash::{DefaultHasher, Hash, Hasher};

use bytes::Bytes;
use reqwest::Method;
use sealpost_vault::{
    Access, OperationId, Patience, Receipt,
    error::{CreateError, VaultFailure},
    receipt,
};
use sealpost_vault_http::json;
use tokio::sync::Mutex;
use tokio::time::{Instant, sleep, timeout_at};
use tracing::error;
use zeroize::Zeroizing;

use super::{Shared, failure};
use crate::meaning::Meaning;
use crate::policy;
use crate::versions::{self, Version, is_newest_as, oldest};

impl Shared {
    /// Looks whether the name is free, sets the value, and finds out who was first.
    pub(super) async fn create(
        &self,
        name: &str,
        value: &str,
        operation: &OperationId,
        mut patience: Patience,
    ) -> Result<Receipt, CreateError> {
        let turn = timeout_at(patience.deadline(), self.turn(name).lock()).await;
        let turn = turn.map_err(|_| {
            VaultFailure::unavailable("other requests for this name have not ended in time")
        })?;
        let there = self.versions(name, &mut patience).await?;
        let is_there = there.iter().any(|version| version.is_of(operation));
        if !there.is_empty() && !is_there {
            return Err(CreateError::Exists);
        }
        if !is_there {
            self.set(name, value, operation, &mut patience).await?;
        }
        drop(turn);
        self.settle(&patience).await?;
        // What this call has set needs no comparison.
        let unproven = (is_there && self.access >= Access::Resolve).then_some(value);
        self.verify(name, unproven, operation, &mut patience).await
    }

    /// Names that differ by case alone are one secret.
    fn turn(&self, name: &str) -> &Mutex<()> {
        let mut hasher = DefaultHasher::new();
        name.to_ascii_lowercase().hash(&mut hasher);
        let turns = u64::try_from(self.turns.len()).unwrap_or(1);
        let turn = usize::try_from(hasher.finish() % turns).unwrap_or_default();
        &self.turns[turn]
    }

    /// Sets the value. An attempt whose answer was lost is looked for before another.
    async fn set(
        &self,
        name: &str,
        value: &str,
        operation: &OperationId,
        patience: &mut Patience,
    ) -> Result<(), CreateError> {
        let body = Bytes::from_owner(versions::body(value, operation));
        let path = format!("/secrets/{name}");
        loop {
            let call = self
                .call_once(Method::PUT, &path, Some(&body), patience)
                .await?;
            match call.meaning {
                Meaning::Done => return Ok(()),
                Meaning::Deleted => return Err(CreateError::PendingDeletion),
                Meaning::Later(cause, wait) => patience.pause(cause, wait).await?,
                other => return Err(failure(other, policy::SET).into()),
            }
            let there = self.versions(name, patience).await?;
            if there.iter().any(|version| version.is_of(operation)) {
                return Ok(());
            }
            if !there.is_empty() {
                return Err(CreateError::Exists);
            }
        }
    }

    /// Waits until no version can come any more that is as old as those that are there.
    async fn settle(&self, patience: &Patience) -> Result<(), VaultFailure> {
        if Instant::now() + self.settle >= patience.deadline() {
            return Err(VaultFailure::unavailable(
                "there is no time to verify which version is the oldest; repeat the request, with a longer deadline",
            ));
        }
        sleep(self.settle).await;
        Ok(())
    }

    /// Decides by the oldest version. The loser puts the winner's value back.
    async fn verify(
        &self,
        name: &str,
        unproven: Option<&str>,
        operation: &OperationId,
        patience: &mut Patience,
    ) -> Result<Receipt, CreateError> {
        let there = self.versions(name, patience).await?;
        let Some(winner) = oldest(&there) else {
            // A person deleted it meanwhile.
            return Err(CreateError::PendingDeletion);
        };
        if winner.is_of(operation) {
            if let Some(value) = unproven
                && !self.is_same(name, winner, value, patience).await?
            {
                return Err(CreateError::Exists);
            }
            return Ok(Receipt::default()
                .with_version(receipt::Version::new(winner.number().to_owned()))
                .with_location(format!("{}/secrets/{name}", self.address)));
        }
        let has_lost = there.iter().any(|version| version.is_of(operation));
        if has_lost {
            error!(
                name,
                "two creators of one secret at the same time: the value of the one that lost was readable until the winner's was restored"
            );
            self.restore(name, patience).await?;
        }
        Err(CreateError::Exists)
    }

    /// Puts the winner's value back, until no other can be the newest.
    async fn restore(&self, name: &str, patience: &mut Patience) -> Result<(), VaultFailure> {
        loop {
            let there = self.versions(name, patience).await?;
            let Some(winner) = oldest(&there) else {
                return Ok(());
            };
            if is_newest_as(&there, winner) {
                return Ok(());
            }
            let Some(value) = self.value_of(name, winner, patience).await? else {
                // A person disabled it: what they did is newer.
                return Ok(());
            };
            let body = Bytes::from_owner(versions::restoring(&value, winner));
            let path = format!("/secrets/{name}");
            let call = self
                .call_once(Method::PUT, &path, Some(&body), patience)
                .await?;
            match call.meaning {
                Meaning::Done => {}
                Meaning::Deleted => return Ok(()),
                Meaning::Later(cause, wait) => patience.pause(cause, wait).await?,
                other => return Err(failure(other, policy::SET)),
            }
            self.settle(patience).await?;
        }
    }

    /// Returns whether this version has this value. One that a person disabled is known by its operation alone.
    async fn is_same(
        &self,
        name: &str,
        version: &Version,
        value: &str,
        patience: &mut Patience,
    ) -> Result<bool, VaultFailure> {
        let there = self.value_of(name, version, patience).await?;
        Ok(there.is_none_or(|there| {
            aws_lc_rs::constant_time::verify_slices_are_equal(there.as_bytes(), value.as_bytes())
                .is_ok()
        }))
    }

    /// Returns the value of a version; `None` if it may not be read now.
    async fn value_of(
        &self,
        name: &str,
        version: &Version,
        patience: &mut Patience,
    ) -> Result<Option<Zeroizing<String>>, VaultFailure> {
        let path = format!("/secrets/{name}/{}", version.number());
        let call = self.call(Method::GET, &path, patience).await?;
        match call.meaning {
            Meaning::Done => json::string(&call.body, &["value"])
                .map(Some)
                .ok_or_else(|| failure(Meaning::Done, policy::GET)),
            Meaning::Disabled | Meaning::Absent => Ok(None),
            other => Err(failure(other, policy::GET)),
        }
    }
}
