//! A request that waits for its answer: it takes one answer, that of its agent to its content.

use std::{collections::HashMap, fmt, sync::Arc};

use parking_lot::Mutex;
use thiserror::Error;

use crate::{
    exchange::Scalar,
    frame::FrameKeys,
    keys::TrustedKeys,
    labels::Secret,
    opening::ChannelId,
    outcome::Outcome,
    reader::Malformed,
    refusal::{REFUSAL_BYTE, Refusal, RefusalCode},
    reply::{Acceptance, Reply, SignedAcceptance, binding},
};

/// What opens the replies of one channel. It is wiped when the last request that waits lets go of it.
pub(super) struct Replies {
    id: ChannelId,
    base: Secret,
    scalar: Scalar,
    /// The keys by acceptance: one for each process of the agent.
    accepted: Mutex<HashMap<SignedAcceptance, Arc<FrameKeys>>>,
}

/// A request under way.
#[cfg_attr(feature = "testing", derive(Clone))]
pub struct Waiting {
    replies: Arc<Replies>,
    number: u64,
    commitment: [u8; 32],
    has_ended: bool,
}

/// What ends a request.
#[derive(Debug, Eq, PartialEq)]
pub enum Answer {
    /// What one process of the agent says became of it.
    Outcome(Outcome),
    /// One process of the agent does not accept the channel. Another may have done what was asked: it may be stored or not.
    Refused(RefusalCode),
}

/// Why what came is not the answer. It is counted, and the request goes on waiting.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
pub enum Dropped {
    /// The request has had its answer.
    #[error("a further answer to a request that has ended")]
    Ended,
    /// It is no message of an agent.
    #[error(transparent)]
    Malformed(#[from] Malformed),
    /// It is of another channel.
    #[error("an answer for another channel")]
    OtherChannel,
    /// It answers another request.
    #[error("an answer to another request")]
    OtherNumber,
    /// The agent's key is not trusted, or did not sign.
    #[error("an answer that no trusted key of the agent signed")]
    Signature,
    /// It does not open: it answers another content, or was changed.
    #[error("an answer that does not open")]
    Frame,
}

impl Replies {
    pub(super) fn new(id: ChannelId, base: Secret, scalar: Scalar) -> Self {
        Self {
            id,
            base,
            scalar,
            accepted: Mutex::default(),
        }
    }

    pub(super) fn id(&self) -> ChannelId {
        self.id
    }

    /// The keys that an acceptance gives, if one of these keys has signed it.
    fn keys(
        &self,
        acceptance: &Acceptance<'_>,
        agent: &TrustedKeys,
    ) -> Result<Arc<FrameKeys>, Dropped> {
        if acceptance.channel != self.id {
            return Err(Dropped::OtherChannel);
        }
        // Trusted now, also if it was verified before.
        let key = agent.get(&acceptance.kid).ok_or(Dropped::Signature)?;
        let signed = acceptance.signed();
        if let Some(keys) = self.accepted.lock().get(&signed) {
            return Ok(Arc::clone(keys));
        }
        if !acceptance.verifies(key) {
            return Err(Dropped::Signature);
        }
        let (agreed, shared) = self.scalar.agree(acceptance.exchange);
        if !bool::from(agreed) {
            return Err(Dropped::Signature);
        }
        let keys = Arc::new(acceptance.keys(&self.base, &shared));
        let mut accepted = self.accepted.lock();
        if accepted.len() < MAX_ACCEPTED {
            accepted.insert(signed, Arc::clone(&keys));
        }
        Ok(keys)
    }
}

impl Waiting {
    pub(super) fn new(replies: Arc<Replies>, number: u64, commitment: [u8; 32]) -> Self {
        Self {
            replies,
            number,
            commitment,
            has_ended: false,
        }
    }

    /// The channel that the request went by.
    #[must_use]
    pub fn channel(&self) -> ChannelId {
        self.replies.id
    }

    /// Takes what came in the request's place. `agent` are the keys of its agent that are trusted now. There is one answer.
    ///
    /// # Errors
    ///
    /// [`Dropped`]: the request goes on waiting.
    pub fn receive(&mut self, bytes: &[u8], agent: &TrustedKeys) -> Result<Answer, Dropped> {
        if self.has_ended {
            return Err(Dropped::Ended);
        }
        let answer = self.judge(bytes, agent)?;
        self.has_ended = true;
        Ok(answer)
    }

    fn judge(&self, bytes: &[u8], agent: &TrustedKeys) -> Result<Answer, Dropped> {
        if bytes.first() == Some(&REFUSAL_BYTE) {
            return self.refusal(bytes, agent);
        }
        let reply = Reply::parse(bytes)?;
        let keys = self.replies.keys(&reply.acceptance, agent)?;
        if reply.number != self.number {
            return Err(Dropped::OtherNumber);
        }
        let binding = binding(self.number, &self.commitment);
        let opened = keys
            .open(&binding, reply.commitment, reply.ciphertext)
            .map_err(|_| Dropped::Frame)?;
        // The agent has said it: what can't be read is of a later release.
        let outcome = Outcome::parse(opened.as_bytes()).unwrap_or(Outcome::Failed);
        Ok(Answer::Outcome(outcome))
    }

    fn refusal(&self, bytes: &[u8], agent: &TrustedKeys) -> Result<Answer, Dropped> {
        let refusal = Refusal::parse(bytes)?;
        if refusal.channel != self.replies.id {
            return Err(Dropped::OtherChannel);
        }
        let key = agent.get(&refusal.kid).ok_or(Dropped::Signature)?;
        match refusal.verifies(key) {
            true => Ok(Answer::Refused(refusal.code)),
            false => Err(Dropped::Signature),
        }
    }
}

impl fmt::Debug for Replies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Replies")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Waiting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Waiting")
            .field("replies", &self.replies)
            .field("number", &self.number)
            .finish_non_exhaustive()
    }
}

/// Acceptances that a channel remembers; further ones are verified each time.
const MAX_ACCEPTED: usize = 64;
