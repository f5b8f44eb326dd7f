//! A file that remembers whether an fsync failed, and is not written to once it is damaged.

use std::io;
use std::ops::Bound;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use redb::{BackendError, StorageBackend};
use tracing::error;

/// What is known of a file as long as a process has it, however often it is opened.
#[derive(Debug)]
pub(crate) struct Known {
    /// What is kept in it, for the log.
    pub(crate) what: &'static str,
    pub(crate) sync_failed: AtomicBool,
    /// Whether the file is damaged, so that nothing may be written to it.
    pub(crate) frozen: AtomicBool,
    /// How long it is at least, in bytes.
    length: AtomicU64,
    /// Whether it has redb's signature.
    is_laid_out: AtomicBool,
}

/// Remembers whether an fsync failed, and refuses to be changed when the file was found damaged, or when something else has
/// shortened or overwritten it: redb would lay out a new database there, or write pages of the old one.
#[derive(Debug)]
pub(crate) struct Watched<B> {
    pub(crate) inner: B,
    pub(crate) known: Arc<Known>,
}

impl Known {
    pub(crate) const fn new(what: &'static str) -> Self {
        Self {
            what,
            sync_failed: AtomicBool::new(false),
            frozen: AtomicBool::new(false),
            length: AtomicU64::new(0),
            is_laid_out: AtomicBool::new(false),
        }
    }

    /// Lets nothing be written to the file any more; the log says why.
    pub(crate) fn freeze(&self, reason: &str) {
        if !self.frozen.swap(true, Ordering::AcqRel) {
            error!(
                "the file of the {} {reason}; nothing is written to it any more",
                self.what
            );
        }
    }

    pub(crate) fn is_frozen(&self) -> bool {
        self.frozen.load(Ordering::Acquire)
    }
}

impl<B: StorageBackend> Watched<B> {
    /// Takes a file that is opened for the first time: empty, or to be read by redb.
    pub(crate) fn first(inner: B, known: Arc<Known>) -> io::Result<Self> {
        let length = inner.len()?;
        known.length.store(length, Ordering::Release);
        known.is_laid_out.store(length > 0, Ordering::Release);
        Ok(Self { inner, known })
    }

    /// Takes a file that is opened again. Fails if it is not what it was: a new database must not take its place.
    pub(crate) fn again(inner: B, known: Arc<Known>) -> io::Result<Self> {
        let watched = Self { inner, known };
        watched.may_change()?;
        watched.has_signature()?;
        Ok(watched)
    }

    /// redb writes when it is closed, too.
    fn may_change(&self) -> io::Result<()> {
        if self.known.is_frozen() {
            return Err(io::Error::other("the file is damaged, and left as it is"));
        }
        self.is_as_long()
    }

    /// Fails if something else has shortened the file.
    fn is_as_long(&self) -> io::Result<()> {
        match self.inner.len()? < self.known.length.load(Ordering::Acquire) {
            true => Err(self.lost("was shortened by something else while it was open")),
            false => Ok(()),
        }
    }

    /// Fails if something else has overwritten the beginning of the file.
    fn has_signature(&self) -> io::Result<()> {
        if !self.known.is_laid_out.load(Ordering::Acquire) {
            return Ok(());
        }
        let mut start = [0; SIGNATURE.len()];
        self.inner.read(0, &mut start)?;
        match start == SIGNATURE {
            true => Ok(()),
            false => Err(self.lost("was overwritten by something else while it was open")),
        }
    }

    fn lost(&self, reason: &str) -> io::Error {
        self.known.freeze(reason);
        io::Error::other(format!("the file {reason}"))
    }
}

impl<B: StorageBackend> StorageBackend for Watched<B> {
    fn sync_data(&self) -> io::Result<()> {
        self.may_change()?;
        self.inner
            .sync_data()
            .inspect_err(|_| self.known.sync_failed.store(true, Ordering::Release))
    }

    fn len(&self) -> io::Result<u64> {
        self.inner.len()
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        // What can't be read may be gone.
        self.inner
            .read(offset, out)
            .or_else(|error| self.is_as_long().and(Err(error)))
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.may_change()?;
        // Before it is shortened, and after it is lengthened: it is never shorter than what is known.
        self.known.length.fetch_min(len, Ordering::AcqRel);
        self.inner.set_len(len)?;
        self.known.length.fetch_max(len, Ordering::AcqRel);
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.may_change()?;
        if offset == 0 {
            self.has_signature()?;
        }
        self.inner.write(offset, data)?;
        // redb writes it last when it lays out a file.
        if offset == 0 && data.starts_with(&SIGNATURE) {
            self.known.is_laid_out.store(true, Ordering::Release);
        }
        Ok(())
    }

    fn close(&self) -> io::Result<()> {
        self.inner.close()
    }

    fn try_lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        self.inner.try_lock_range(start, end)
    }

    fn try_lock_shared_range(
        &self,
        start: Bound<u64>,
        end: Bound<u64>,
    ) -> Result<bool, BackendError> {
        self.inner.try_lock_shared_range(start, end)
    }

    fn lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.inner.lock_range(start, end)
    }

    fn lock_shared_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.inner.lock_shared_range(start, end)
    }

    fn unlock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.inner.unlock_range(start, end)
    }

    fn query_lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        self.inner.query_lock_range(start, end)
    }
}

/// How every file of redb begins.
const SIGNATURE: [u8; 9] = *b"redb\x1a\x0a\xa9\x0d\x0a";
