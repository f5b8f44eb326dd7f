//! The channels of one gateway process: one to each agent, and when another is due.

use std::{collections::HashMap, sync::Arc, time::Duration};

use sealpost_context::AgentId;
use sealpost_envelope::key::KeyId;

use super::{Answer, Channel, Clocks};
use crate::{opening::ChannelId, outcome::Outcome, refusal::RefusalCode};

/// What a channel depends on: with any of it another, it is another channel.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Entry {
    /// The key of the certificate.
    pub certificate: KeyId,
    /// Counts changes of the agent's entry in the directory, and of whom it trusts.
    pub revision: u64,
}

/// The channels that take requests.
#[derive(Debug, Default)]
pub struct Channels(HashMap<AgentId, Slot>);

#[derive(Debug)]
struct Slot {
    channel: Option<Arc<Channel>>,
    entry: Entry,
    /// When the last channel was opened.
    opened: Option<Duration>,
    signed_requests: bool,
}

/// The channel to an agent.
#[derive(Debug)]
pub enum Current {
    /// This one.
    Use(Arc<Channel>),
    /// None: the caller opens one, with signed requests if this says so, and [installs](Channels::install) it. Others are told
    /// to wait for a second.
    Open {
        /// Whether the agent has asked for them.
        signed_requests: bool,
    },
    /// None, and one was opened less than a second ago.
    TooSoon,
}

impl Channels {
    /// The channel by which a request to this agent goes.
    pub fn current(&mut self, agent: AgentId, entry: Entry, now: Clocks) -> Current {
        let slot = self.0.entry(agent).or_insert(Slot {
            channel: None,
            entry,
            opened: None,
            signed_requests: false,
        });
        let is_new = slot.entry != entry;
        slot.entry = entry;
        match &slot.channel {
            Some(channel) if !is_new && channel.is_fresh(now) => {
                return Current::Use(Arc::clone(channel));
            }
            _ => slot.channel = None,
        }
        let since = slot.opened.map(|at| now.monotonic.saturating_sub(at));
        if since.is_some_and(|since| since < BETWEEN) {
            return Current::TooSoon;
        }
        slot.opened = Some(now.monotonic);
        Current::Open {
            signed_requests: slot.signed_requests,
        }
    }

    /// Installs a channel that was opened for this entry.
    pub fn install(&mut self, agent: AgentId, entry: Entry, channel: Arc<Channel>) {
        if let Some(slot) = self.0.get_mut(&agent)
            && slot.entry == entry
        {
            slot.channel = Some(channel);
        }
    }

    /// Draws the consequence of an answer by `channel`: some retire it, and after one the next signs its requests.
    pub fn answered(&mut self, agent: &AgentId, channel: ChannelId, answer: &Answer) {
        let (retires, signs) = match answer {
            Answer::Outcome(Outcome::Reused) => (true, false),
            Answer::Outcome(_) => (false, false),
            Answer::Refused(RefusalCode::UnsignedRequests) => (true, true),
            Answer::Refused(
                RefusalCode::OtherKey | RefusalCode::DoesNotOpen | RefusalCode::Times,
            ) => (true, false),
            Answer::Refused(RefusalCode::KeyUnavailable | RefusalCode::Limit) => (false, false),
        };
        let Some(slot) = self.0.get_mut(agent) else {
            return;
        };
        let is_current = slot.channel.as_ref().is_some_and(|c| c.id() == channel);
        if retires && is_current {
            slot.channel = None;
            slot.signed_requests |= signs;
        }
    }

    /// Lets go of channels that take no more requests, which wipes their keys. A timer calls it each second.
    pub fn wipe(&mut self, now: Clocks) {
        for slot in self.0.values_mut() {
            if slot.channel.as_ref().is_some_and(|c| !c.is_fresh(now)) {
                slot.channel = None;
            }
        }
    }

    /// Returns whether there are any channels.
    #[must_use]
    pub fn are_any(&self) -> bool {
        self.0.values().any(|slot| slot.channel.is_some())
    }

    /// Lets go of the channel to an agent that is not in the directory any more.
    pub fn remove(&mut self, agent: &AgentId) {
        self.0.remove(agent);
    }
}

/// The least time between two channels to one agent.
const BETWEEN: Duration = Duration::from_secs(1);
