//! Bounds the memory for requests' bodies, over all requests.

use tokio::time::Instant;

use crate::{
    limits::Limits,
    principal_id::PrincipalId,
    turns::{Permits, Turns},
};

/// The memory of one gateway, in KiB. A principal has at most half, so that bodies that it sends slowly, or abandons, leave
/// room for others.
#[derive(Debug)]
pub(crate) struct BodyMemory(Turns);

impl BodyMemory {
    pub(crate) fn new(limits: &Limits) -> Self {
        // One request always has room.
        let all = (limits.body_memory / KIB).max(units(sealpost_validator::MAX_BODY));
        Self(Turns::with_shares(all, all / 2, all / 2))
    }

    /// Waits for room for a request with a body of so many bytes, which must not be more than a body may have. Returns
    /// `None` if there is none before the deadline. Keep what it returns for as long as there is anything of the request.
    pub(crate) async fn take(
        &self,
        principal: PrincipalId,
        bytes: usize,
        deadline: Instant,
    ) -> Option<Permits> {
        self.0.take(principal, units(bytes), deadline).await
    }
}

/// A request takes memory beside its body: its headers, its task.
fn units(bytes: usize) -> usize {
    bytes.div_ceil(KIB) + 8
}

const KIB: usize = 1024;
