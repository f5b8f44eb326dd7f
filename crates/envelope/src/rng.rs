//! The operating system's randomness.

use core::fmt;

use rand_core::{TryCryptoRng, TryRng};

/// The operating system's random number generator, as an argument for sealing and opening.
#[derive(Clone, Copy, Debug, Default)]
pub struct OsRng;

/// The operating system gave no randomness.
#[derive(Clone, Copy, Debug)]
pub struct OsRngError(());

impl fmt::Display for OsRngError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the operating system gave no randomness")
    }
}

impl core::error::Error for OsRngError {}

impl TryRng for OsRng {
    type Error = OsRngError;

    fn try_next_u32(&mut self) -> Result<u32, OsRngError> {
        getrandom::u32().map_err(|_| OsRngError(()))
    }

    fn try_next_u64(&mut self) -> Result<u64, OsRngError> {
        getrandom::u64().map_err(|_| OsRngError(()))
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), OsRngError> {
        getrandom::fill(bytes).map_err(|_| OsRngError(()))
    }
}

impl TryCryptoRng for OsRng {}
