//! Replay memory: what became of the requests of the last minutes.

use std::collections::{BTreeMap, HashMap, HashSet};

use sealpost_envelope::UnixTime;

use crate::{keys::Kid, opening::ChannelId, outcome::Outcome};

/// Requests by channel and number.
#[derive(Debug, Default)]
pub(super) struct Replays {
    channels: HashMap<ChannelId, HashMap<u64, Entry>>,
    /// What each gateway has remembered.
    gateways: HashMap<Kid, Remembered>,
}

#[derive(Debug, Default)]
struct Remembered {
    count: usize,
    /// Which entries are forgotten when.
    ends: BTreeMap<UnixTime, HashSet<Place>>,
}

/// Where a request is remembered.
pub(super) type Place = (ChannelId, u64);

#[derive(Debug)]
struct Entry {
    commitment: [u8; 32],
    state: State,
}

#[derive(Debug)]
enum State {
    Running,
    Done(Box<[u8]>),
}

/// What is known of a request.
#[derive(Debug, Eq, PartialEq)]
pub(super) enum Seen {
    /// Nothing.
    Never,
    /// It is under way.
    Running,
    /// It was carried out.
    Done(Outcome),
    /// Another request had its number.
    Other,
}

impl Replays {
    pub(super) fn find(&self, place: Place, commitment: &[u8; 32]) -> Seen {
        let (channel, number) = place;
        let entry = self.channels.get(&channel).and_then(|c| c.get(&number));
        match entry {
            None => Seen::Never,
            Some(entry) if entry.commitment != *commitment => Seen::Other,
            Some(Entry {
                state: State::Running,
                ..
            }) => Seen::Running,
            // What was encoded here parses.
            Some(Entry {
                state: State::Done(outcome),
                ..
            }) => Seen::Done(Outcome::parse(outcome).unwrap_or(Outcome::Failed)),
        }
    }

    /// Notes that a request is under way; `false` if the gateway has too many remembered.
    pub(super) fn begin(
        &mut self,
        place: Place,
        commitment: [u8; 32],
        kid: Kid,
        until: UnixTime,
        limit: usize,
    ) -> bool {
        let remembered = self.gateways.entry(kid).or_default();
        if remembered.count >= limit {
            return false;
        }
        remembered.count += 1;
        remembered.ends.entry(until).or_default().insert(place);
        let state = State::Running;
        let entry = Entry { commitment, state };
        let (channel, number) = place;
        self.channels
            .entry(channel)
            .or_default()
            .insert(number, entry);
        true
    }

    /// Notes the outcome of a request that is under way. Without one it is forgotten.
    pub(super) fn end(&mut self, place: Place, kid: Kid, until: UnixTime, done: Option<&Outcome>) {
        let (channel, number) = place;
        let Some(entries) = self.channels.get_mut(&channel) else {
            return;
        };
        match (entries.get_mut(&number), done) {
            (None, _) => {}
            (Some(entry), Some(outcome)) => {
                entry.state = State::Done(outcome.encode().into_boxed_slice());
            }
            (Some(_), None) => {
                self.remove(place);
                if let Some(remembered) = self.gateways.get_mut(&kid) {
                    remembered.count = remembered.count.saturating_sub(1);
                    if let Some(places) = remembered.ends.get_mut(&until) {
                        places.remove(&place);
                    }
                }
            }
        }
    }

    /// Forgets what is over.
    pub(super) fn forget(&mut self, now: UnixTime) {
        let mut over = Vec::new();
        for remembered in self.gateways.values_mut() {
            while let Some(first) = remembered.ends.first_entry() {
                if now < *first.key() {
                    break;
                }
                let places = first.remove();
                remembered.count = remembered.count.saturating_sub(places.len());
                over.extend(places);
            }
        }
        self.gateways.retain(|_, remembered| remembered.count > 0);
        for place in over {
            self.remove(place);
        }
    }

    fn remove(&mut self, place: Place) {
        let (channel, number) = place;
        if let Some(entries) = self.channels.get_mut(&channel) {
            entries.remove(&number);
            if entries.is_empty() {
                self.channels.remove(&channel);
            }
        }
    }
}
