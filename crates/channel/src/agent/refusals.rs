//! Signed refusals, kept so that an opening that comes again costs no second signature.

use std::collections::HashMap;

use sealpost_envelope::UnixTime;

use crate::{
    keys::SigningKey,
    opening::ChannelId,
    refusal::{RefusalBytes, RefusalCode, sign},
};

use super::quota::Bucket;

/// The refusals of all gateways' channels.
#[derive(Debug, Default)]
pub(super) struct Refusals(HashMap<(ChannelId, RefusalCode), Kept>);

#[derive(Debug)]
struct Kept {
    bytes: RefusalBytes,
    until: UnixTime,
}

impl Refusals {
    /// The refusal of a channel; signed now if `bucket` permits, and kept until the given time. `None` is silence.
    pub(super) fn get(
        &mut self,
        channel: ChannelId,
        code: RefusalCode,
        until: UnixTime,
        agent: &SigningKey,
        bucket: &mut Bucket,
        now: UnixTime,
    ) -> Option<RefusalBytes> {
        if let Some(kept) = self.0.get(&(channel, code)) {
            return Some(kept.bytes);
        }
        if !bucket.draw(now) {
            return None;
        }
        let bytes = sign(agent, &channel, code).ok()?;
        if self.0.len() < MAX_KEPT {
            self.0.insert((channel, code), Kept { bytes, until });
        }
        Some(bytes)
    }

    pub(super) fn forget(&mut self, now: UnixTime) {
        self.0.retain(|_, kept| now < kept.until);
    }
}

/// 8,192 of 130 bytes.
const MAX_KEPT: usize = 8192;
