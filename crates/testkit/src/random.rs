//! Random numbers that are the same in each run.

use rand::{SeedableRng as _, rngs::ChaCha20Rng};

/// A generator for this seed.
#[must_use]
pub fn rng(seed: u64) -> ChaCha20Rng {
    ChaCha20Rng::seed_from_u64(seed)
}
