//! A vault with one defect at a time.

use std::{
    collections::HashMap,
    fmt,
    future::pending,
    sync::{
        Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use sealpost_vault::{
    Deadline, Lifecycle, Limits, NewSecret, Receipt, SecretValue, Vault, VaultKind,
    VaultSecretName,
    error::{CreateError, DeleteError, FetchError, VaultFailure},
    guarantees::{DeletedNames, Guarantees},
    receipt::Version,
};

use crate::memory::Memory;

/// What is wrong with a vault.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Defect {
    Forgets,
    Overwrites,
    ForgetsOperations,
    NewReceiptEachTime,
    TakesOtherKinds,
    ShowsValues,
    Truncates,
    KnowsNoLimit,
    RemovesBlanks,
    HasNoRoomForEscapes,
    CallsTooManyMembersExists,
    RefusesLongNames,
    FoldsCase,
    LetsTwoWin,
    ShowsLosers,
    RefusesOwnRetryUnderWay,
    KeepsReservations,
    IgnoresDeadlines,
    KeepsDeleted,
    HoldsDeletedNames,
    ForgetsOnClose,
}

pub(crate) struct Broken {
    inner: Memory,
    defect: Defect,
    /// How many creates of a name are under way, or were dropped.
    under_way: Mutex<HashMap<String, usize>>,
    shown: Mutex<Vec<u8>>,
    receipts: AtomicU64,
    closed: AtomicBool,
}

impl Broken {
    pub(crate) fn new(defect: Defect) -> Self {
        let deleted_names = match defect {
            Defect::HoldsDeletedNames => DeletedNames::Held,
            _ => DeletedNames::Free,
        };
        Self {
            inner: Memory::new(deleted_names),
            defect,
            under_way: Mutex::default(),
            shown: Mutex::default(),
            receipts: AtomicU64::new(0),
            closed: AtomicBool::new(false),
        }
    }

    /// The name as the defect sees it.
    fn seen(&self, name: &VaultSecretName) -> VaultSecretName {
        let parse = |text: &str| VaultSecretName::parse(VaultKind::KV2, text);
        let text = name.as_str();
        match self.defect {
            Defect::TakesOtherKinds => parse(text).unwrap_or_else(|_| name.clone()),
            Defect::FoldsCase if name.kind() == VaultKind::KV2 => {
                parse(&text.to_lowercase()).unwrap()
            }
            _ => name.clone(),
        }
    }
}

#[async_trait]
impl Vault for Broken {
    fn kind(&self) -> VaultKind {
        self.inner.kind()
    }

    fn limits(&self) -> Limits {
        let mut limits = self.inner.limits();
        if self.defect == Defect::KnowsNoLimit {
            limits.max_value = 20_000;
        }
        limits
    }

    fn guarantees(&self) -> Guarantees {
        match self.defect {
            Defect::ShowsLosers => Guarantees::STRONGEST,
            _ => Memory::new(DeletedNames::Free).guarantees(),
        }
    }

    async fn create(
        &self,
        secret: &NewSecret<'_>,
        deadline: Deadline,
    ) -> Result<Receipt, CreateError> {
        let (name, mut value) = (self.seen(secret.name), secret.value.to_vec());
        let text = name.as_str().to_owned();
        self.shown.lock().unwrap().clone_from(&value);
        let before = {
            let mut under_way = self.under_way.lock().unwrap();
            let count = under_way.entry(text.clone()).or_default();
            *count += 1;
            *count - 1
        };
        match self.defect {
            Defect::ForgetsOperations if self.inner.holds(&name) => {
                return Err(CreateError::Exists);
            }
            Defect::RefusesOwnRetryUnderWay if before == 1 => {
                // Not for good, as a reservation would be.
                return Err(CreateError::Exists);
            }
            Defect::KeepsReservations if before > 0 => return Err(CreateError::Exists),
            Defect::Truncates => value.truncate(255),
            Defect::RemovesBlanks => value.retain(|byte| *byte != b' '),
            Defect::HasNoRoomForEscapes
                if value.iter().filter(|byte| **byte == b'<').count() > value.len() / 2 =>
            {
                return Err(VaultFailure::unavailable("the entry is too large").into());
            }
            Defect::CallsTooManyMembersExists
                if value.iter().filter(|byte| **byte == b':').count() > 498 =>
            {
                return Err(CreateError::Exists);
            }
            Defect::RefusesLongNames if text.len() > 100 => {
                return Err(VaultFailure::unavailable("the name is too long").into());
            }
            Defect::IgnoresDeadlines if deadline.remaining() == Some(Duration::ZERO) => {
                pending::<()>().await;
            }
            _ => {}
        }
        let secret = NewSecret::new(&name, &value, secret.operation);
        let created = self.inner.create(&secret, deadline).await;
        let left = {
            let mut under_way = self.under_way.lock().unwrap();
            let count = under_way.entry(text).or_default();
            *count -= 1;
            *count
        };
        match (self.defect, created) {
            (Defect::Overwrites, Err(CreateError::Exists)) => Ok(self.inner.overwrite(&secret)),
            (Defect::LetsTwoWin, Err(CreateError::Exists)) if left == 1 => Ok(Receipt::default()),
            (Defect::NewReceiptEachTime, Ok(receipt)) => {
                let number = self.receipts.fetch_add(1, Ordering::SeqCst);
                Ok(receipt.with_version(Version::new(number.to_string())))
            }
            (_, created) => created,
        }
    }

    async fn fetch(
        &self,
        name: &VaultSecretName,
        deadline: Deadline,
    ) -> Result<SecretValue, FetchError> {
        let closed = self.closed.load(Ordering::SeqCst);
        if self.defect == Defect::Forgets || (self.defect == Defect::ForgetsOnClose && closed) {
            return Err(FetchError::NotFound);
        }
        self.inner.fetch(&self.seen(name), deadline).await
    }

    fn lifecycle(&self) -> Option<&dyn Lifecycle> {
        Some(self)
    }

    async fn close(&self) {
        self.closed.store(true, Ordering::SeqCst);
    }
}

#[async_trait]
impl Lifecycle for Broken {
    async fn delete(&self, name: &VaultSecretName, deadline: Deadline) -> Result<(), DeleteError> {
        let name = self.seen(name);
        if self.defect == Defect::KeepsDeleted && self.inner.holds(&name) {
            return Ok(());
        }
        self.inner.delete(&name, deadline).await
    }
}

impl fmt::Debug for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = self.shown.lock().unwrap();
        let shown = (self.defect == Defect::ShowsValues).then(|| shown.clone());
        f.debug_struct("Broken").field("shown", &shown).finish()
    }
}
