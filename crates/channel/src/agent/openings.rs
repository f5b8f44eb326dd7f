//! Openings: which channels are open, which are bad, and who may open how many.

use std::{collections::HashMap, sync::Arc, time::Duration};

use sealpost_context::AgentId;
use sealpost_envelope::{Keyring, UnixTime, channel::ChannelHeader, key::PublicIdentity};

use super::{
    channel::{Channel, Known},
    clock::LEEWAY,
    flight::{End, Ended, Flight, Place},
    quota::Bucket,
    refusals::Refusals,
    silence::Silence,
};
use crate::{
    keys::{Kid, SigningKey, TrustedKeys, VerifyKey},
    message::Message,
    opening::{self, Opening, SignedOpening},
    refusal::{REFUSAL_LEN, RefusalCode},
};

/// What the agent trusts and has at this moment.
#[derive(Clone, Copy, Debug)]
pub struct Environment<'e> {
    /// The keys of gateways.
    pub gateways: &'e TrustedKeys,
    /// The agent's own keys.
    pub keys: &'e Keyring<PublicIdentity>,
    /// The time, see [`SteadyClock`](super::SteadyClock).
    pub now: UnixTime,
}

/// The channels of one agent.
#[derive(Debug)]
pub struct Openings {
    agent: AgentId,
    signing_key: SigningKey,
    signed_requests: bool,
    known: HashMap<[u8; 32], Entry>,
    gateways: HashMap<Kid, Gateway>,
    refusals: Refusals,
}

#[derive(Debug)]
struct Entry {
    place: Place,
    state: State,
}

#[derive(Debug)]
enum State {
    InFlight,
    Open(Arc<Channel>),
    Bad,
    /// Until then the key is not asked again.
    Unavailable(UnixTime),
}

/// What is counted for one gateway.
#[derive(Debug)]
struct Gateway {
    openings: Bucket,
    refusals: Bucket,
    late: Bucket,
    /// Openings that were counted, until then.
    drawn: HashMap<[u8; 32], UnixTime>,
}

/// Names a flight, for those who wait for it.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct FlightId([u8; 32]);

/// What is to be done about a message.
#[derive(Debug)]
pub enum Received<'m> {
    /// Its channel is open.
    Known(Known<'m>),
    /// Its channel is new: the caller has the seed decrypted, and settles the flight. Then the message is received again.
    Flight(Flight),
    /// Its channel is being opened. When that has ended, the message is received again.
    Wait(FlightId),
    /// Its channel is refused: this is the answer.
    Refused(RefusalCode, [u8; REFUSAL_LEN]),
    /// There is no answer.
    Silence(Silence),
}

impl Openings {
    /// The channels of `agent`, which signs with `signing_key`. With `signed_requests` it takes only channels whose requests
    /// are signed one by one.
    #[must_use]
    pub fn new(agent: AgentId, signing_key: SigningKey, signed_requests: bool) -> Self {
        Self {
            agent,
            signing_key,
            signed_requests,
            known: HashMap::new(),
            gateways: HashMap::new(),
            refusals: Refusals::default(),
        }
    }

    /// Takes a message.
    pub fn receive<'m>(
        &mut self,
        message: Message<'m>,
        environment: &Environment<'_>,
    ) -> Received<'m> {
        let now = environment.now;
        let signed = &message.signed;
        let opening = &signed.opening;
        if opening.agent != self.agent {
            return Received::Silence(Silence::OtherAgent);
        }
        let Some(gateway) = environment.gateways.get(&opening.kid) else {
            return Received::Silence(Silence::Untrusted);
        };
        let digest = signed.digest();
        if is_over(opening.expires_at, now) {
            self.known.remove(&digest);
            return self.refuse_late(signed, gateway, now);
        }
        if let Some(received) = self.look_up(digest, message, gateway, environment) {
            return received;
        }
        // Before anything is written, and before anyone waits for it.
        if !signed.verifies(gateway) {
            return Received::Silence(Silence::OpeningSignature);
        }
        self.open(digest, signed, environment)
    }

    /// Ends a flight.
    pub fn settle(&mut self, ended: Ended, now: UnixTime) {
        let Ended { digest, place, end } = ended;
        let state = match end {
            End::Good(channel) => State::Open(Arc::from(channel)),
            End::Bad => State::Bad,
            End::Unavailable => State::Unavailable(now.saturating_add(UNAVAILABLE)),
        };
        self.known.insert(digest, Entry { place, state });
    }

    /// Wipes what has expired, and whatever is of a gateway or a key that is gone. A timer calls it each second.
    pub fn wipe(&mut self, environment: &Environment<'_>) {
        let Environment {
            gateways,
            keys,
            now,
        } = environment;
        self.known.retain(|_, entry| {
            let has_key = match &entry.state {
                State::Open(channel) => keys.get(channel.key_id).is_some(),
                State::InFlight | State::Bad | State::Unavailable(_) => true,
            };
            let is_trusted = gateways.get(&entry.place.kid).is_some();
            has_key && is_trusted && !is_over(entry.place.expires_at, *now)
        });
        self.gateways.retain(|kid, gateway| {
            gateway.drawn.retain(|_, until| now < until);
            gateways.get(kid).is_some()
        });
        self.refusals.forget(*now);
    }

    /// Returns how many channels are open, or being opened.
    #[must_use]
    pub fn live(&self) -> usize {
        self.known.values().filter(|entry| entry.is_live()).count()
    }

    /// What is known of an opening; `None` if nothing is.
    fn look_up<'m>(
        &mut self,
        digest: [u8; 32],
        message: Message<'m>,
        gateway: &VerifyKey,
        environment: &Environment<'_>,
    ) -> Option<Received<'m>> {
        let entry = self.known.get(&digest)?;
        let place = entry.place;
        let code = match &entry.state {
            State::InFlight => return Some(Received::Wait(FlightId(digest))),
            State::Open(channel) if environment.keys.get(channel.key_id).is_some() => {
                return Some(Received::Known(Known {
                    channel: Arc::clone(channel),
                    message,
                    gateway: gateway.clone(),
                }));
            }
            State::Open(_) => {
                self.known.remove(&digest);
                RefusalCode::OtherKey
            }
            State::Bad => RefusalCode::DoesNotOpen,
            State::Unavailable(until) if environment.now < *until => RefusalCode::KeyUnavailable,
            State::Unavailable(_) => return None,
        };
        Some(self.refuse(&place, code, environment.now))
    }

    /// Begins to open the channel of an opening that its gateway has signed.
    fn open<'m>(
        &mut self,
        digest: [u8; 32],
        signed: &SignedOpening<'_>,
        environment: &Environment<'_>,
    ) -> Received<'m> {
        let now = environment.now;
        let place = Place {
            id: opening::channel(signed.bytes),
            kid: signed.opening.kid,
            expires_at: signed.opening.expires_at,
        };
        let drawn = self.draw(digest, &place, now);
        let code = match self.judge(signed, environment) {
            Err(code) => code,
            Ok(_) if !drawn => RefusalCode::Limit,
            Ok(_) if self.has_too_many(&place.kid, environment.gateways) => RefusalCode::Limit,
            Ok(flight) => {
                let state = State::InFlight;
                self.known.insert(digest, Entry { place, state });
                return Received::Flight(flight);
            }
        };
        self.refuse(&place, code, now)
    }

    /// Checks all that can be checked without the private key.
    fn judge(
        &self,
        signed: &SignedOpening<'_>,
        environment: &Environment<'_>,
    ) -> Result<Flight, RefusalCode> {
        let opening = &signed.opening;
        if !is_credible(opening, environment.now) {
            return Err(RefusalCode::Times);
        }
        if self.signed_requests && !opening.signed_requests {
            return Err(RefusalCode::UnsignedRequests);
        }
        let other_key = RefusalCode::OtherKey;
        let header = ChannelHeader::parse(opening.header).map_err(|_| other_key)?;
        let (key, _) = environment.keys.get(header.key_id()).ok_or(other_key)?;
        let pending = header.pending(key.as_ref()).map_err(|_| other_key)?;
        Ok(Flight::new(
            signed,
            header.key_id(),
            pending.encapsulation(),
        ))
    }

    /// Counts a distinct opening once; returns whether it may be opened.
    fn draw(&mut self, digest: [u8; 32], place: &Place, now: UnixTime) -> bool {
        let gateway = self.gateway(place.kid, now);
        if gateway.drawn.contains_key(&digest) {
            return true;
        }
        let drawn = gateway.openings.draw(now);
        if drawn {
            gateway.drawn.insert(digest, kept_until(place, now));
        }
        drawn
    }

    fn has_too_many(&self, kid: &Kid, gateways: &TrustedKeys) -> bool {
        let limit = (MAX_LIVE / gateways.len().max(1)).max(MIN_LIVE);
        let live = |entry: &&Entry| entry.place.kid == *kid && entry.is_live();
        self.known.values().filter(live).count() >= limit
    }

    fn refuse<'m>(&mut self, place: &Place, code: RefusalCode, now: UnixTime) -> Received<'m> {
        let until = kept_until(place, now);
        let gateway = self
            .gateways
            .entry(place.kid)
            .or_insert_with(|| Gateway::new(now));
        let bucket = &mut gateway.refusals;
        let kept = self
            .refusals
            .get(place.id, code, until, &self.signing_key, bucket, now);
        match kept {
            Some(bytes) => Received::Refused(code, bytes),
            None => Received::Silence(Silence::TooManyRefusals),
        }
    }

    /// What has expired is not remembered: each answer is a signature more, at most one a second.
    fn refuse_late<'m>(
        &mut self,
        signed: &SignedOpening<'_>,
        key: &VerifyKey,
        now: UnixTime,
    ) -> Received<'m> {
        let late = &mut self.gateway(signed.opening.kid, now).late;
        if !late.has_one(now) || !signed.verifies(key) || !late.draw(now) {
            return Received::Silence(Silence::Late);
        }
        let (id, code) = (opening::channel(signed.bytes), RefusalCode::Times);
        match crate::refusal::sign(&self.signing_key, &id, code) {
            Ok(bytes) => Received::Refused(code, bytes),
            Err(_) => Received::Silence(Silence::Late),
        }
    }

    fn gateway(&mut self, kid: Kid, now: UnixTime) -> &mut Gateway {
        self.gateways
            .entry(kid)
            .or_insert_with(|| Gateway::new(now))
    }
}

impl Entry {
    fn is_live(&self) -> bool {
        matches!(self.state, State::InFlight | State::Open(_))
    }
}

impl Gateway {
    fn new(now: UnixTime) -> Self {
        Self {
            openings: Bucket::new(64, 4, now),
            refusals: Bucket::new(16, 16, now),
            late: Bucket::new(1, 1, now),
            drawn: HashMap::new(),
        }
    }
}

/// Returns whether a channel's keys are wiped by now.
fn is_over(expires_at: UnixTime, now: UnixTime) -> bool {
    expires_at.saturating_add(LEEWAY) <= now
}

fn is_credible(opening: &Opening<'_>, now: UnixTime) -> bool {
    let (issued_at, expires_at) = (opening.issued_at, opening.expires_at);
    issued_at <= now.saturating_add(LEEWAY)
        && issued_at <= expires_at
        && expires_at <= issued_at.saturating_add(MAX_LIFETIME)
}

/// Until when something is remembered of an opening. One that says it never expires is not remembered for ever.
fn kept_until(place: &Place, now: UnixTime) -> UnixTime {
    place
        .expires_at
        .min(now.saturating_add(MAX_LIFETIME + LEEWAY))
        .saturating_add(LEEWAY)
}

/// The longest that a channel is open.
const MAX_LIFETIME: Duration = Duration::from_secs(300);
/// For how long a key that did not answer is not asked again.
const UNAVAILABLE: Duration = Duration::from_secs(1);
/// Channels at a time, of all gateways.
const MAX_LIVE: usize = 4096;
/// Channels at a time that each gateway may have, however many gateways there are.
const MIN_LIVE: usize = 8;
