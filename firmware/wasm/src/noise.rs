//! The page's randomness: Web Crypto's `getRandomValues`.

use core::fmt;

use sealpost_envelope::rand_core::{TryCryptoRng, TryRng};

/// The page's random number generator.
pub(crate) struct Noise;

/// The page gave no randomness.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NoNoise;

impl fmt::Display for NoNoise {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the page gave no randomness")
    }
}

impl core::error::Error for NoNoise {}

impl TryRng for Noise {
    type Error = NoNoise;

    fn try_next_u32(&mut self) -> Result<u32, NoNoise> {
        let mut bytes = [0; 4];
        self.try_fill_bytes(&mut bytes)?;
        Ok(u32::from_le_bytes(bytes))
    }

    fn try_next_u64(&mut self) -> Result<u64, NoNoise> {
        let mut bytes = [0; 8];
        self.try_fill_bytes(&mut bytes)?;
        Ok(u64::from_le_bytes(bytes))
    }

    fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), NoNoise> {
        // SAFETY: the page writes exactly these bytes, or none and says so.
        match unsafe { random(out.as_mut_ptr(), out.len()) } {
            1 => Ok(()),
            _ => Err(NoNoise),
        }
    }
}

impl TryCryptoRng for Noise {}

#[link(wasm_import_module = "sealpost")]
unsafe extern "C" {
    /// Fills memory with random bytes; answers 1 if it did.
    fn random(start: *mut u8, length: usize) -> i32;
}
