//! Where the bytes of a vault's file come from.

use std::fmt::Debug;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

/// A file, or what stands for one: the fuzzer, and a test of every bit, read from memory.
pub trait Source: Debug {
    /// Returns its length in bytes.
    ///
    /// # Errors
    ///
    /// If it can't be read.
    fn length(&self) -> io::Result<u64>;

    /// Fills `bytes` with what begins at `at`.
    ///
    /// # Errors
    ///
    /// If it can't be read, or ends before.
    fn read(&self, bytes: &mut [u8], at: u64) -> io::Result<()>;
}

impl Source for File {
    fn length(&self) -> io::Result<u64> {
        Ok(self.metadata()?.len())
    }

    fn read(&self, bytes: &mut [u8], at: u64) -> io::Result<()> {
        self.read_exact_at(bytes, at)
    }
}
