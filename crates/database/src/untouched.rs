//! A file that is never changed: what is written to it stays in memory.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::io;
use std::ops::{Bound, Range};

use parking_lot::Mutex;
use redb::{BackendError, StorageBackend};

/// Reads a file, and keeps in memory what is written, so that a check can do all that an opening does and leaves no trace.
#[derive(Debug)]
pub struct Untouched<B> {
    inner: B,
    written: Mutex<Written>,
}

#[derive(Debug)]
struct Written {
    len: u64,
    /// Bytes of the file that still count; what was cut off and added again is zeros.
    valid: u64,
    pages: HashMap<u64, Box<[u8; PAGE]>>,
}

impl<B: StorageBackend> Untouched<B> {
    /// Creates one over this file. A file whose length can't be read is taken for empty.
    pub fn new(inner: B) -> Self {
        let len = inner.len().unwrap_or_default();
        let written = Written {
            len,
            valid: len,
            pages: HashMap::new(),
        };
        Self {
            inner,
            written: Mutex::new(written),
        }
    }

    /// Calls `each` with every page that the range touches: its number, where the range begins in it, and which part of the
    /// range lies in it.
    fn pages(
        offset: u64,
        len: usize,
        mut each: impl FnMut(u64, usize, Range<usize>) -> io::Result<()>,
    ) -> io::Result<()> {
        let mut done = 0;
        while done < len {
            let at = offset + done as u64;
            let start = usize::try_from(at % PAGE as u64).expect("less than a page");
            let part = (PAGE - start).min(len - done);
            each(at / PAGE as u64, start, done..done + part)?;
            done += part;
        }
        Ok(())
    }

    /// Reads a whole page of the file, with zeros behind its end.
    fn page(&self, number: u64, valid: u64) -> io::Result<Box<[u8; PAGE]>> {
        let mut page = Box::new([0; PAGE]);
        let start = number * PAGE as u64;
        let there = valid.saturating_sub(start).min(PAGE as u64);
        let there = usize::try_from(there).expect("at most a page");
        if there > 0 {
            self.inner.read(start, &mut page[..there])?;
        }
        Ok(page)
    }
}

impl<B: StorageBackend> StorageBackend for Untouched<B> {
    fn len(&self) -> io::Result<u64> {
        Ok(self.written.lock().len)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let written = self.written.lock();
        if offset + out.len() as u64 > written.len {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Self::pages(offset, out.len(), |number, start, part| {
            let target = &mut out[part];
            let len = target.len();
            match written.pages.get(&number) {
                Some(page) => target.copy_from_slice(&page[start..start + len]),
                None => {
                    let page = self.page(number, written.valid)?;
                    target.copy_from_slice(&page[start..start + len]);
                }
            }
            Ok(())
        })
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        let mut written = self.written.lock();
        written.len = len;
        written.valid = written.valid.min(len);
        let last = len / PAGE as u64;
        let kept = usize::try_from(len % PAGE as u64).expect("less than a page");
        written.pages.retain(|number, _| *number <= last);
        if let Some(page) = written.pages.get_mut(&last) {
            page[kept..].fill(0);
        }
        Ok(())
    }

    fn sync_data(&self) -> io::Result<()> {
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        let mut written = self.written.lock();
        let Written { len, valid, pages } = &mut *written;
        *len = (*len).max(offset + data.len() as u64);
        Self::pages(offset, data.len(), |number, start, part| {
            let page = match pages.entry(number) {
                Entry::Occupied(page) => page.into_mut(),
                Entry::Vacant(place) => place.insert(self.page(number, *valid)?),
            };
            page[start..start + part.len()].copy_from_slice(&data[part]);
            Ok(())
        })
    }

    fn close(&self) -> io::Result<()> {
        Ok(())
    }

    /// What changes nothing needs no lock, and must not keep another process from its own.
    fn try_lock_range(&self, _: Bound<u64>, _: Bound<u64>) -> Result<bool, BackendError> {
        Ok(true)
    }

    fn try_lock_shared_range(&self, _: Bound<u64>, _: Bound<u64>) -> Result<bool, BackendError> {
        Ok(true)
    }

    fn unlock_range(&self, _: Bound<u64>, _: Bound<u64>) -> Result<(), BackendError> {
        Ok(())
    }
}

const PAGE: usize = 4096;

#[cfg(test)]
mod tests {
    use redb::backends::InMemoryBackend;

    use super::*;

    #[test]
    fn what_is_written_is_read_and_the_file_stays() {
        let inner = InMemoryBackend::new();
        inner.set_len(10_000).unwrap();
        inner.write(0, &[7; 10_000]).unwrap();
        let file = Untouched::new(inner);
        file.write(4090, &[1; 12]).unwrap();
        file.set_len(9_000).unwrap();
        file.set_len(20_000).unwrap();
        file.write(15_000, &[2; 10]).unwrap();
        let mut out = [0; 16];
        file.read(4088, &mut out).unwrap();
        assert_eq!(out, [7, 7, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 7, 7]);
        file.read(8_992, &mut out).unwrap();
        assert_eq!(out, [7, 7, 7, 7, 7, 7, 7, 7, 0, 0, 0, 0, 0, 0, 0, 0]);
        file.read(14_998, &mut out).unwrap();
        assert_eq!(out, [0, 0, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 0, 0, 0, 0]);
        assert!(file.read(19_990, &mut out).is_err());
        let mut whole = vec![0; 10_000];
        file.inner.read(0, &mut whole).unwrap();
        assert_eq!(
            (file.inner.len().unwrap(), whole),
            (10_000, vec![7; 10_000])
        );
    }
}
