//! How often something may happen: a bucket of tokens that fills with time.

use sealpost_envelope::UnixTime;

/// A bucket that starts full.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bucket {
    tokens: u64,
    filled_at: UnixTime,
    capacity: u64,
    per_second: u64,
}

impl Bucket {
    pub(super) fn new(capacity: u64, per_second: u64, now: UnixTime) -> Self {
        Self {
            tokens: capacity,
            filled_at: now,
            capacity,
            per_second,
        }
    }

    /// Returns whether there is a token.
    pub(super) fn has_one(&mut self, now: UnixTime) -> bool {
        let passed = now.seconds_since(self.filled_at);
        if passed > 0 {
            let gained = passed.saturating_mul(self.per_second);
            self.tokens = self.tokens.saturating_add(gained).min(self.capacity);
            self.filled_at = now;
        }
        self.tokens > 0
    }

    /// Takes a token, if there is one.
    pub(super) fn draw(&mut self, now: UnixTime) -> bool {
        let has_one = self.has_one(now);
        self.tokens = self.tokens.saturating_sub(1);
        has_one
    }
}
