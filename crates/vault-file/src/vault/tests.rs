//! What happens when the disk fails under the vault.

use std::io;
use std::ops::Bound;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use redb::backends::FileBackend;
use redb::{BackendError, StorageBackend};

use super::*;

const OPERATION: OperationId = OperationId::from_bytes([7; 32]);
const PAUSE: Duration = Duration::from_millis(10);

#[tokio::test]
async fn a_full_disk_is_told_and_overcome() {
    let dir = tempfile::tempdir().unwrap();
    let (vault, disk) = open(dir.path());
    create(&vault, "before").await.unwrap();

    disk.fail(Fault::Full, 0);
    for _ in 0..3 {
        let error = create(&vault, "while").await.unwrap_err();
        assert!(matches!(error, CreateError::Failed(VaultFailure::Full)));
        assert!(error.to_string().contains("no space left"), "{error}");
        let error = vault
            .delete(&name("before"), Deadline::NONE)
            .await
            .unwrap_err();
        assert!(matches!(error, DeleteError::Failed(VaultFailure::Full)));
        assert!(!vault.health().is_ready());
    }

    disk.repair();
    ready_again(&vault).await;
    for text in ["while", "after"] {
        create(&vault, text).await.unwrap();
    }
    for text in ["before", "while", "after"] {
        assert_eq!(
            &vault.fetch(&name(text), Deadline::NONE).await.unwrap()[..],
            b"value"
        );
    }
    drop(vault);
    let (vault, _) = open(dir.path());
    for text in ["before", "while", "after"] {
        assert_eq!(
            &vault.fetch(&name(text), Deadline::NONE).await.unwrap()[..],
            b"value"
        );
    }
}

#[tokio::test]
async fn a_vault_on_a_full_disk_is_not_ready_before_the_first_create() {
    let dir = tempfile::tempdir().unwrap();
    drop(open(dir.path()));
    let (vault, disk) = open(dir.path());
    vault.probe().await;
    assert!(vault.health().is_ready());
    disk.fail(Fault::Full, 0);
    vault.probe().await;
    assert!(!vault.health().is_ready());
    disk.repair();
    ready_again(&vault).await;
    create(&vault, "after").await.unwrap();
}

#[tokio::test]
async fn an_fsync_that_fails_at_the_close_is_told_and_the_lock_is_given_back() {
    let dir = tempfile::tempdir().unwrap();
    let (vault, disk) = open(dir.path());
    create(&vault, "before").await.unwrap();
    assert!(vault.close_failure().is_none());
    disk.fail(Fault::Sync, 0);
    vault.close().await;
    let failure = vault.close_failure().unwrap().to_string();
    assert!(failure.contains("did not reach the disk"), "{failure}");
    vault.close().await;
    assert!(vault.close_failure().is_some());

    let (vault, _) = open(dir.path());
    let value = vault.fetch(&name("before"), Deadline::NONE).await.unwrap();
    assert_eq!(&value[..], b"value");
    vault.close().await;
    assert!(vault.close_failure().is_none());
}

/// A file that cannot grow is what a full disk looks like most of the time: what is there is still
/// given out, and small secrets are refused until there is room for one like that which failed: a vault that
/// said that it is ready would fail every second request.
#[tokio::test]
async fn secrets_can_be_read_from_a_full_disk() {
    let dir = tempfile::tempdir().unwrap();
    let (vault, disk) = open(dir.path());
    create(&vault, "before").await.unwrap();
    disk.fail(Fault::NoGrowth, 0);
    let mut stored = 0;
    let error = loop {
        let name = name(&format!("n{stored}"));
        match vault
            .create(
                &NewSecret::new(&name, &[1; 65_536], &OPERATION),
                Deadline::NONE,
            )
            .await
        {
            Ok(_) => stored += 1,
            Err(error) => break error,
        }
    };
    assert!(matches!(error, CreateError::Failed(VaultFailure::Full)));
    for _ in 0..5 {
        assert_eq!(
            &vault.fetch(&name("before"), Deadline::NONE).await.unwrap()[..],
            b"value"
        );
        let error = create(&vault, "small").await.unwrap_err();
        assert!(matches!(error, CreateError::Failed(VaultFailure::Full)));
        assert!(matches!(vault.health(), Health::Recovering { .. }));
        tokio::time::sleep(2 * PAUSE).await;
    }
    for index in 0..stored {
        assert!(
            vault
                .fetch(&name(&format!("n{index}")), Deadline::NONE)
                .await
                .is_ok()
        );
    }
    disk.repair();
    ready_again(&vault).await;
    create(&vault, "small").await.unwrap();
}

/// The kernel may have dropped what it could not write, so nothing that is read back can be trusted.
#[tokio::test]
async fn after_a_failed_fsync_the_vault_stops() {
    let dir = tempfile::tempdir().unwrap();
    let (vault, disk) = open(dir.path());
    create(&vault, "before").await.unwrap();
    disk.fail(Fault::Sync, 0);
    create(&vault, "while").await.unwrap_err();
    let Health::Failed { reason } = vault.health() else {
        panic!("{:?}", vault.health());
    };
    assert!(reason.contains("restart the program"), "{reason}");
    disk.repair();
    for _ in 0..2 {
        let error = create(&vault, "after").await.unwrap_err();
        assert!(error.to_string().contains("restart the program"), "{error}");
        let error = vault
            .fetch(&name("while"), Deadline::NONE)
            .await
            .unwrap_err();
        assert!(
            matches!(error, FetchError::Failed(VaultFailure::Unusable(_))),
            "{error}"
        );
    }
    drop(vault);
    let (vault, _) = open(dir.path());
    create(&vault, "after").await.unwrap();
    assert_eq!(
        &vault.fetch(&name("before"), Deadline::NONE).await.unwrap()[..],
        b"value"
    );
}

/// As if the process were killed at each of the operations with which a vault is made.
#[tokio::test]
async fn making_a_vault_may_end_anywhere() {
    let mut end = 0;
    loop {
        let dir = tempfile::tempdir().unwrap();
        let disk = Arc::new(Disk::default());
        disk.fail(Fault::Everything, end);
        let opened = try_open(dir.path(), &disk);
        let done = opened.is_ok();
        drop(opened);

        let (vault, _) = open(dir.path());
        create(&vault, "name").await.unwrap();
        assert_eq!(
            &vault.fetch(&name("name"), Deadline::NONE).await.unwrap()[..],
            b"value"
        );
        if done {
            break;
        }
        end += 1;
    }
    assert!(end > 10, "{end} operations are too few to be all");
}

/// As if the process were killed at each of the operations with which secrets are written.
#[tokio::test]
async fn writing_may_end_anywhere() {
    let mut end = 0;
    loop {
        let dir = tempfile::tempdir().unwrap();
        let (vault, disk) = open(dir.path());
        disk.fail(Fault::Everything, end);
        let mut acknowledged = Vec::new();
        for index in 0..5 {
            let text = format!("n{index}");
            if create(&vault, &text).await.is_ok() {
                acknowledged.push(text);
            }
        }
        drop(vault);

        let (vault, _) = open(dir.path());
        for text in &acknowledged {
            assert_eq!(
                &vault.fetch(&name(text), Deadline::NONE).await.unwrap()[..],
                b"value"
            );
        }
        // Whatever else is there was written whole.
        for index in 0..5 {
            match vault
                .fetch(&name(&format!("n{index}")), Deadline::NONE)
                .await
            {
                Ok(value) => assert_eq!(&value[..], b"value"),
                Err(error) => assert!(matches!(error, FetchError::NotFound), "{error}"),
            }
        }
        create(&vault, "n0").await.unwrap();
        if acknowledged.len() == 5 {
            break;
        }
        end += 1;
    }
    assert!(end > 10, "{end} operations are too few to be all");
}

#[test]
fn a_full_disk_is_told_when_opening() {
    let dir = tempfile::tempdir().unwrap();
    let disk = Arc::new(Disk::default());
    disk.fail(Fault::Full, 0);
    let error = try_open(dir.path(), &disk).unwrap_err();
    assert!(matches!(error, OpenVaultError::Full { .. }), "{error}");
    disk.repair();
    try_open(dir.path(), &disk).unwrap();
}

fn open(dir: &Path) -> (FileVault, Arc<Disk>) {
    let disk = Arc::new(Disk::default());
    (try_open(dir, &disk).unwrap(), disk)
}

fn try_open(dir: &Path, disk: &Arc<Disk>) -> Result<FileVault, OpenVaultError> {
    let disk = Arc::clone(disk);
    let mut builder = FileVault::builder();
    builder.bounds.recovery_pause = PAUSE;
    builder.open_with(dir, move |file| Faulty {
        file,
        disk: Arc::clone(&disk),
    })
}

/// Waits until the vault is ready, which it becomes by itself.
async fn ready_again(vault: &FileVault) {
    let ready = async {
        while !vault.health().is_ready() {
            tokio::time::sleep(PAUSE).await;
        }
    };
    let in_time = tokio::time::timeout(Duration::from_secs(10), ready).await;
    in_time.expect("the vault recovers without being asked");
}

async fn create(vault: &FileVault, text: &str) -> Result<(), CreateError> {
    let name = name(text);
    let secret = NewSecret::new(&name, b"value", &OPERATION);
    vault.create(&secret, Deadline::NONE).await.map(drop)
}

fn name(text: &str) -> VaultSecretName {
    VaultSecretName::derive(VaultKind::EMBEDDED, None, text)
}

/// What a disk refuses.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Fault {
    /// Every write, as having no space.
    Full = 1,
    /// To make the file longer, as having no space.
    NoGrowth,
    /// To make writes durable.
    Sync,
    /// To change or keep anything.
    Everything,
}

/// A disk that fails on demand.
#[derive(Debug, Default)]
struct Disk {
    fault: AtomicU64,
    /// How many operations still succeed.
    left: AtomicU64,
}

impl Disk {
    fn fail(&self, fault: Fault, after: u64) {
        self.left.store(after, Ordering::SeqCst);
        self.fault.store(fault as u64, Ordering::SeqCst);
    }

    fn repair(&self) {
        self.fault.store(0, Ordering::SeqCst);
    }

    /// Counts one operation, which these faults would hit.
    fn check(&self, faults: &[Fault]) -> io::Result<()> {
        let fault = self.fault.load(Ordering::SeqCst);
        let Some(fault) = faults.iter().find(|hit| **hit as u64 == fault) else {
            return Ok(());
        };
        let spend = |left: u64| left.checked_sub(1);
        if self
            .left
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, spend)
            .is_ok()
        {
            return Ok(());
        }
        Err(match fault {
            Fault::Full | Fault::NoGrowth => io::ErrorKind::StorageFull.into(),
            Fault::Sync | Fault::Everything => io::Error::other("the disk is broken"),
        })
    }
}

#[derive(Debug)]
struct Faulty {
    file: FileBackend,
    disk: Arc<Disk>,
}

impl StorageBackend for Faulty {
    fn len(&self) -> io::Result<u64> {
        self.file.len()
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.file.read(offset, out)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        if len > self.file.len()? {
            self.disk.check(&[Fault::NoGrowth])?;
        }
        self.disk.check(&[Fault::Full, Fault::Everything])?;
        self.file.set_len(len)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.disk.check(&[Fault::Sync, Fault::Everything])?;
        self.file.sync_data()
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.disk.check(&[Fault::Full, Fault::Everything])?;
        self.file.write(offset, data)
    }

    fn close(&self) -> io::Result<()> {
        self.file.close()
    }

    fn try_lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        self.file.try_lock_range(start, end)
    }

    fn unlock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.file.unlock_range(start, end)
    }
}
