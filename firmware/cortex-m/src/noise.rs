//! The random number generator that is injected: here the host's bytes, on a device its hardware.

use core::fmt;

use sealpost_envelope::rand_core::{TryCryptoRng, TryRng};

/// Gives the bytes that it was made from, each once, and fails when they are used up.
///
/// On a device this is the true random number generator, and an error is what its health test says.
pub struct Noise<'a>(&'a [u8]);

/// There is no more randomness.
#[derive(Clone, Copy, Debug)]
pub struct Exhausted;

impl<'a> Noise<'a> {
    /// A generator of these bytes.
    #[must_use]
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }
}

impl fmt::Display for Exhausted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the random bytes are used up")
    }
}

impl core::error::Error for Exhausted {}

impl TryRng for Noise<'_> {
    type Error = Exhausted;

    fn try_next_u32(&mut self) -> Result<u32, Exhausted> {
        let mut bytes = [0; 4];
        self.try_fill_bytes(&mut bytes)?;
        Ok(u32::from_le_bytes(bytes))
    }

    fn try_next_u64(&mut self) -> Result<u64, Exhausted> {
        let mut bytes = [0; 8];
        self.try_fill_bytes(&mut bytes)?;
        Ok(u64::from_le_bytes(bytes))
    }

    fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), Exhausted> {
        let (bytes, rest) = self.0.split_at_checked(out.len()).ok_or(Exhausted)?;
        self.0 = rest;
        out.copy_from_slice(bytes);
        Ok(())
    }
}

impl TryCryptoRng for Noise<'_> {}
