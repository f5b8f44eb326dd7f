//! Requests, from the opened body to the outcome: times, replays, verbs and kinds, in this order.

use std::time::Duration;

use sealpost_envelope::UnixTime;

use super::{
    channel::Request,
    clock::LEEWAY,
    replays::{Place, Replays, Seen},
};
use crate::{
    body::{Create, Head, Kind},
    keys::Kid,
    outcome::Outcome,
};

/// The requests of one agent.
#[derive(Debug, Default)]
pub struct Requests {
    replays: Replays,
}

/// What is to be done about a request.
#[derive(Debug)]
#[expect(
    clippy::large_enum_variant,
    reason = "one for each request, taken apart where it was made; nearly all are the large one"
)]
pub enum Begun<'r> {
    /// It is to be carried out, in at most this time.
    Run {
        /// The right to do it.
        turn: Turn,
        /// Who asks, and when.
        head: Head<'r>,
        /// How the value is sealed.
        kind: Kind,
        /// What is to be created.
        create: Create<'r>,
        /// How long the gateway waits from now on.
        lifetime: Duration,
    },
    /// An equal request is under way. When that has ended, [`Requests::waited`] has the answer.
    Wait(Ticket),
    /// It was carried out before, and this became of it.
    Again(Outcome),
    /// This is the answer. [`Outcome::Reused`] is an alarm: two gateways have one state.
    Answer(Outcome),
}

/// The right to carry out a request. It must be given back, to [`Requests::end`].
#[derive(Debug)]
#[must_use]
pub struct Turn {
    place: Place,
    kid: Kid,
    until: UnixTime,
}

/// Names a request that is under way, for those who wait for it.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct Ticket {
    place: Place,
    commitment: [u8; 32],
}

impl Requests {
    /// Begins a request, or answers it. `accepted` are the kinds that the agent takes, `gateways` how many gateways it trusts.
    pub fn begin<'r>(
        &mut self,
        request: &'r Request,
        accepted: &[Kind],
        gateways: usize,
        now: UnixTime,
    ) -> Begun<'r> {
        let channel = request.channel();
        let Ok((head, rest)) = Head::parse(request.body()) else {
            return Begun::Answer(Outcome::Malformed);
        };
        let times = head.check_times(channel.issued_at(), channel.expires_at());
        if times.is_err() {
            return Begun::Answer(Outcome::Malformed);
        }
        // The same time and the same test: what is forgotten is late.
        let until = head.deadline.saturating_add(LEEWAY);
        self.replays.forget(now);
        if until <= now {
            return Begun::Answer(Outcome::Expired);
        }
        let place = (channel.id(), request.number());
        let commitment = *request.commitment();
        match self.replays.find(place, &commitment) {
            Seen::Never => {}
            Seen::Running => return Begun::Wait(Ticket { place, commitment }),
            Seen::Done(outcome) => return Begun::Again(outcome),
            Seen::Other => return Begun::Answer(Outcome::Reused),
        }
        let kid = channel.kid();
        let limit = (MAX_REMEMBERED / gateways.max(1)).max(MIN_REMEMBERED);
        if !self.replays.begin(place, commitment, kid, until, limit) {
            return Begun::Answer(Outcome::Busy);
        }
        let turn = Turn { place, kid, until };
        match understand(&head, rest, accepted) {
            Ok((kind, create)) => Begun::Run {
                turn,
                head,
                kind,
                create,
                lifetime: head.lifetime(),
            },
            Err(outcome) => Begun::Answer(self.end(turn, outcome)),
        }
    }

    /// Ends a request. Replays get the same outcome, unless it is [`Busy`](Outcome::Busy), [`Failed`](Outcome::Failed) or
    /// [`Malformed`](Outcome::Malformed).
    pub fn end(&mut self, turn: Turn, outcome: Outcome) -> Outcome {
        let done = outcome.is_remembered().then_some(&outcome);
        self.replays.end(turn.place, turn.kid, turn.until, done);
        outcome
    }

    /// The answer to a request that has waited for another; `None` while the other is under way. Without an outcome of the
    /// other, it failed: it may be stored.
    #[must_use]
    pub fn waited(&self, ticket: &Ticket) -> Option<Outcome> {
        match self.replays.find(ticket.place, &ticket.commitment) {
            Seen::Running => None,
            Seen::Done(outcome) => Some(outcome),
            Seen::Never | Seen::Other => Some(Outcome::Failed),
        }
    }

    /// Forgets requests that are late by now. A timer calls it each second.
    pub fn forget(&mut self, now: UnixTime) {
        self.replays.forget(now);
    }
}

fn understand<'r>(
    head: &Head<'_>,
    rest: &'r [u8],
    accepted: &[Kind],
) -> Result<(Kind, Create<'r>), Outcome> {
    if head.verb != Head::CREATE {
        return Err(Outcome::UnknownVerb(vec![Head::CREATE]));
    }
    let kind = Kind::from_number(head.kind).filter(|kind| accepted.contains(kind));
    let kind = kind.ok_or_else(|| {
        let mut accepted: Vec<_> = accepted.iter().map(|kind| kind.number()).collect();
        accepted.sort_unstable();
        accepted.dedup();
        Outcome::NotAccepted(accepted)
    })?;
    let create = Create::parse(kind, rest).map_err(|_| Outcome::Malformed)?;
    Ok((kind, create))
}

/// Requests remembered, of all gateways.
const MAX_REMEMBERED: usize = 1 << 20;
/// Requests that each gateway may have remembered, however many gateways there are.
const MIN_REMEMBERED: usize = 1 << 16;
