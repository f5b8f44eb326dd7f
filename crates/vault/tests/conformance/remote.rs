//! A third vault: an adapter for a server that fails. It waits, gets credentials again, and recognises what it did.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use sealpost_vault::{
    Deadline, Lifecycle, NewSecret, OperationId, Receipt, SecretValue, Vault, VaultKind,
    VaultSecretName,
    conformance::Faults,
    error::{CreateError, DeleteError, FetchError, VaultFailure},
    guarantees::{DeletedNames, Guarantees},
};

use crate::memory::Memory;

/// What is wrong with the adapter.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Flaw {
    TakesLostForTaken,
    ForgetsOnRestart,
    GivesUpWhenThrottled,
    GivesUpWhenAway,
    GivesUpWhenExpired,
    CallsWrongCredentialsDenied,
    CallsDeletedExists,
}

#[derive(Debug)]
pub(crate) struct Remote {
    server: Arc<Server>,
    flaw: Option<Flaw>,
    token: AtomicU64,
    /// It has no way to get another token.
    is_wrong: bool,
    /// How often a process was started before this one.
    starts: u64,
}

#[derive(Debug)]
struct Server {
    memory: Memory,
    token: AtomicU64,
    starts: AtomicU64,
    lose: AtomicUsize,
    throttle: AtomicUsize,
    away: AtomicUsize,
}

#[derive(Clone, Copy)]
enum Fault {
    Lost,
    Throttled,
    Away,
    UnknownToken,
}

impl Server {
    fn admit(&self, token: u64) -> Result<(), Fault> {
        if take(&self.throttle) {
            return Err(Fault::Throttled);
        }
        if take(&self.away) {
            return Err(Fault::Away);
        }
        match token == self.token.load(Ordering::SeqCst) {
            true => Ok(()),
            false => Err(Fault::UnknownToken),
        }
    }
}

fn take(count: &AtomicUsize) -> bool {
    let less = |count: usize| count.checked_sub(1);
    count
        .fetch_update(Ordering::SeqCst, Ordering::SeqCst, less)
        .is_ok()
}

impl Remote {
    pub(crate) fn new(flaw: Option<Flaw>) -> Self {
        Self {
            server: Arc::new(Server {
                memory: Memory::new(DeletedNames::Held),
                token: AtomicU64::new(0),
                starts: AtomicU64::new(1),
                lose: AtomicUsize::new(0),
                throttle: AtomicUsize::new(0),
                away: AtomicUsize::new(0),
            }),
            flaw,
            token: AtomicU64::new(0),
            is_wrong: false,
            starts: 0,
        }
    }

    pub(crate) fn faults(&self) -> Arc<dyn Faults> {
        Arc::new(self.other(0, false))
    }

    fn other(&self, starts: u64, is_wrong: bool) -> Self {
        Self {
            server: Arc::clone(&self.server),
            flaw: self.flaw,
            token: AtomicU64::new(if is_wrong { u64::MAX } else { 0 }),
            is_wrong,
            starts,
        }
    }

    /// Waits before the next attempt, or says why there is none.
    async fn after(&self, fault: Fault, deadline: Deadline) -> Result<(), VaultFailure> {
        let (failure, gives_up) = match fault {
            Fault::Lost => (VaultFailure::unavailable("lost"), false),
            Fault::Throttled => (
                VaultFailure::Throttled { wait: None },
                self.flaw == Some(Flaw::GivesUpWhenThrottled),
            ),
            Fault::Away => (
                VaultFailure::unavailable("away"),
                self.flaw == Some(Flaw::GivesUpWhenAway),
            ),
            Fault::UnknownToken if self.flaw == Some(Flaw::CallsWrongCredentialsDenied) => {
                let permission = "create".into();
                (VaultFailure::Denied { permission }, self.is_wrong)
            }
            Fault::UnknownToken => (
                VaultFailure::unauthenticated("unknown token"),
                self.is_wrong || self.flaw == Some(Flaw::GivesUpWhenExpired),
            ),
        };
        if gives_up || !deadline.allows(PAUSE) {
            return Err(failure);
        }
        let token = self.server.token.load(Ordering::SeqCst);
        self.token.store(token, Ordering::SeqCst);
        tokio::time::sleep(PAUSE).await;
        Ok(())
    }

    async fn admitted(&self, deadline: Deadline) -> Result<(), VaultFailure> {
        while let Err(fault) = self.server.admit(self.token.load(Ordering::SeqCst)) {
            self.after(fault, deadline).await?;
        }
        Ok(())
    }
}

#[async_trait]
impl Vault for Remote {
    fn kind(&self) -> VaultKind {
        self.server.memory.kind()
    }

    fn limits(&self) -> sealpost_vault::Limits {
        self.server.memory.limits()
    }

    fn guarantees(&self) -> Guarantees {
        self.server.memory.guarantees()
    }

    async fn create(
        &self,
        secret: &NewSecret<'_>,
        deadline: Deadline,
    ) -> Result<Receipt, CreateError> {
        let mut operation = *secret.operation.as_bytes();
        if self.flaw == Some(Flaw::ForgetsOnRestart) {
            // Another one for each process; two operations stay two.
            operation[..8].copy_from_slice(&self.starts.to_be_bytes());
        }
        let operation = OperationId::from_bytes(operation);
        let secret = NewSecret::new(secret.name, secret.value, &operation);
        loop {
            self.admitted(deadline).await?;
            let created = self.server.memory.create(&secret, deadline).await;
            if take(&self.server.lose) {
                if self.flaw == Some(Flaw::TakesLostForTaken) {
                    return Err(CreateError::Exists);
                }
                self.after(Fault::Lost, deadline).await?;
                continue;
            }
            return match created {
                Err(CreateError::PendingDeletion)
                    if self.flaw == Some(Flaw::CallsDeletedExists) =>
                {
                    Err(CreateError::Exists)
                }
                created => created,
            };
        }
    }

    async fn fetch(
        &self,
        name: &VaultSecretName,
        deadline: Deadline,
    ) -> Result<SecretValue, FetchError> {
        self.admitted(deadline).await?;
        self.server.memory.fetch(name, deadline).await
    }

    fn lifecycle(&self) -> Option<&dyn Lifecycle> {
        self.server.memory.lifecycle()
    }
}

#[async_trait]
impl Faults for Remote {
    async fn again(&self) -> Arc<dyn Vault> {
        Arc::new(self.other(self.server.starts.fetch_add(1, Ordering::SeqCst), false))
    }

    async fn lose_answers(&self, count: usize) -> bool {
        self.server.lose.store(count, Ordering::SeqCst);
        true
    }

    async fn throttle(&self, count: usize) -> bool {
        self.server.throttle.store(count, Ordering::SeqCst);
        true
    }

    async fn be_away(&self, count: usize) -> bool {
        self.server.away.store(count, Ordering::SeqCst);
        true
    }

    async fn expire_credentials(&self) -> bool {
        self.server.token.fetch_add(1, Ordering::SeqCst);
        true
    }

    async fn with_wrong_credentials(&self) -> Option<Result<Arc<dyn Vault>, VaultFailure>> {
        Some(Ok(Arc::new(self.other(0, true))))
    }

    async fn delete_as_a_person(&self, name: &VaultSecretName) -> bool {
        let deleted = self.server.memory.delete(name, Deadline::NONE).await;
        !matches!(deleted, Err(DeleteError::Failed(_)))
    }
}

const PAUSE: Duration = Duration::from_millis(20);
