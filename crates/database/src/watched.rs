//! A file that remembers whether an fsync failed, and is not written to once it is damaged.

use std::io;
use std::ops::Bound;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use parking_lot::Mutex;
use redb::{BackendError, StorageBackend};
use tracing::error;

use crate::place::Place;
use crate::unfinished::{HEADER, SIGNATURE};

/// What is known of a file as long as a process has it, however often it is opened.
#[derive(Debug)]
pub(crate) struct Known {
    /// What is kept in it, for the log.
    pub(crate) what: &'static str,
    pub(crate) sync_failed: AtomicBool,
    /// Whether the file is damaged, so that nothing may be written to it.
    frozen: AtomicBool,
    /// Whether the path names another file, so that nothing may be written to this one.
    replaced: AtomicBool,
    /// Held while the length or the first bytes are changed.
    written: Mutex<Written>,
    place: OnceLock<Place>,
}

/// What must be found in a file that nothing else changes.
#[derive(Debug)]
struct Written {
    /// How long the file is at least, in bytes.
    length: u64,
    /// Its first bytes, as far as they are known.
    start: Vec<u8>,
}

/// Remembers whether an fsync failed, and refuses to be changed when the file was found damaged, or when something else has
/// shortened, overwritten or replaced it: redb would lay out a new database there, or write pages of the old one.
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
            replaced: AtomicBool::new(false),
            written: Mutex::new(Written {
                length: 0,
                start: Vec::new(),
            }),
            place: OnceLock::new(),
        }
    }

    pub(crate) fn keep_in(&self, place: Place) {
        // The first one stays.
        let _ = self.place.set(place);
    }

    /// Lets nothing be written to the file any more; the log says why.
    pub(crate) fn freeze(&self, reason: &str) {
        self.end(&self.frozen, reason, "put the file back from a backup");
    }

    fn end(&self, end: &AtomicBool, reason: &str, remedy: &str) {
        if !end.swap(true, Ordering::AcqRel) {
            let file = self.place.get().map(|place| place.path.display());
            error!(
                file = file.map(tracing::field::display),
                "the file of the {} {reason}; nothing is written to it any more: stop the program, {remedy}, then start it again",
                self.what
            );
        }
    }

    pub(crate) fn is_frozen(&self) -> bool {
        self.frozen.load(Ordering::Acquire)
    }

    pub(crate) fn is_replaced(&self) -> bool {
        self.replaced.load(Ordering::Acquire)
    }

    /// Fails if the path does not name the file any more, or if that can't be told.
    pub(crate) fn is_in_place(&self) -> io::Result<()> {
        let Some(place) = self.place.get() else {
            return Ok(());
        };
        if !self.is_replaced() && place.is_there()? {
            return Ok(());
        }
        let reason = "was removed, or another one was put in its place, while it was open";
        self.end(&self.replaced, reason, "put the right file there");
        Err(io::Error::other(format!("the file {reason}")))
    }

    /// Fails if something else has shortened the file or overwritten its beginning.
    pub(crate) fn is_as_written(
        &self,
        length: impl FnOnce() -> io::Result<u64>,
        read: impl FnOnce(&mut [u8]) -> io::Result<()>,
    ) -> io::Result<()> {
        let written = self.written.lock();
        self.is_as_long(&written, length()?)?;
        let mut found = vec![0; written.start.len()];
        read(&mut found)?;
        match found == written.start {
            true => Ok(()),
            false => Err(self.lost("was overwritten by something else while it was open")),
        }
    }

    fn is_as_long(&self, written: &Written, length: u64) -> io::Result<()> {
        match length < written.length {
            true => Err(self.lost("was shortened by something else while it was open")),
            false => Ok(()),
        }
    }

    fn lost(&self, reason: &str) -> io::Error {
        self.freeze(reason);
        io::Error::other(format!("the file {reason}"))
    }
}

impl<B: StorageBackend> Watched<B> {
    /// Takes a file that is opened for the first time: empty, or to be read by redb.
    pub(crate) fn first(inner: B, known: Arc<Known>) -> io::Result<Self> {
        let length = inner.len()?;
        let first = usize::try_from(length).map_or(HEADER, |length| length.min(HEADER));
        let mut start = vec![0; first];
        inner.read(0, &mut start)?;
        *known.written.lock() = Written { length, start };
        Ok(Self { inner, known })
    }

    /// Takes a file that is opened again. Fails if it is not what it was: a new database must not take its place.
    pub(crate) fn again(inner: B, known: Arc<Known>) -> io::Result<Self> {
        let watched = Self { inner, known };
        watched.may_change()?;
        watched.is_as_written()?;
        Ok(watched)
    }

    /// redb writes when it is closed, too.
    fn may_change(&self) -> io::Result<()> {
        if self.known.is_frozen() {
            return Err(io::Error::other("the file is damaged, and left as it is"));
        }
        if self.known.is_replaced() {
            return Err(io::Error::other(
                "the file was replaced, and is left as it is",
            ));
        }
        self.is_as_long()
    }

    fn is_as_long(&self) -> io::Result<()> {
        let written = self.known.written.lock();
        self.known.is_as_long(&written, self.inner.len()?)
    }

    fn is_as_written(&self) -> io::Result<()> {
        let read = |start: &mut [u8]| self.inner.read(0, start);
        self.known.is_as_written(|| self.inner.len(), read)
    }
}

impl<B: StorageBackend> StorageBackend for Watched<B> {
    fn sync_data(&self) -> io::Result<()> {
        self.may_change()?;
        self.inner
            .sync_data()
            .inspect_err(|_| self.known.sync_failed.store(true, Ordering::Release))?;
        // Nothing is acknowledged that the next start would not find.
        self.known.is_in_place()
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
        let mut written = self.known.written.lock();
        // A failure may have shortened it all the same.
        written.length = written.length.min(len);
        self.inner.set_len(len)?;
        written.length = len;
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.may_change()?;
        let Some(offset_in_start) = usize::try_from(offset).ok().filter(|at| *at < HEADER) else {
            return self.inner.write(offset, data);
        };
        self.is_as_written()?;
        let start = &mut self.known.written.lock().start;
        // What a failed write leaves is not known, but for the signature, which stays.
        let stays = start.starts_with(&SIGNATURE);
        start.truncate(if stays { SIGNATURE.len() } else { 0 });
        self.inner.write(offset, data)?;
        start.truncate(offset_in_start);
        if start.len() == offset_in_start {
            start.extend(data.iter().take(HEADER - offset_in_start));
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
