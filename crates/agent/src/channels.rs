//! Channels: from a message to its opened request. The seed of a channel is decrypted once, however many wait for it.

use std::{sync::Arc, time::Duration};

use parking_lot::Mutex;
use sealpost_channel::{
    Message, NotAMessage, Scalar, SigningKey, TrustedKeys,
    agent::{Ended, Environment, Flight, Openings, Received, Request},
};
use sealpost_context::AgentId;
use sealpost_envelope::{AwsLcRng, UnixTime};
use tokio::{
    sync::{Notify, Semaphore},
    task::spawn_blocking,
    time::timeout,
};
use tracing::{debug, error, warn};

use crate::{Observer, key_holder::KeyHolder, observer::ChannelEvent, time::Time};

/// The channels of one agent.
#[derive(Debug)]
pub(crate) struct Channels(Arc<Shared>);

/// What flights need, which end by themselves.
#[derive(Debug)]
struct Shared {
    openings: Mutex<Openings>,
    /// Notified whenever a flight has ended.
    settled: Notify,
    /// Flights at a time. What callers have sealed has permits of its own.
    places: Arc<Semaphore>,
    keys: Arc<dyn KeyHolder>,
    signing_key: SigningKey,
    gateways: TrustedKeys,
}

/// What a message gets instead of being carried out; `None` is silence.
pub(crate) type Answer = Option<Vec<u8>>;

impl Channels {
    /// With `signed_requests` only channels are taken whose requests are signed one by one.
    pub(crate) fn new(
        agent: AgentId,
        keys: Arc<dyn KeyHolder>,
        signing_key: SigningKey,
        gateways: TrustedKeys,
        signed_requests: bool,
    ) -> Self {
        let openings = Openings::new(agent, signing_key.clone(), signed_requests);
        Self(Arc::new(Shared {
            openings: Mutex::new(openings),
            settled: Notify::new(),
            places: Arc::new(Semaphore::new(FLIGHTS)),
            keys,
            signing_key,
            gateways,
        }))
    }

    /// The same with another rule for signed requests. No channel is open any more.
    pub(crate) fn with_signed_requests(&self, agent: AgentId, signed_requests: bool) -> Self {
        Self::new(
            agent,
            Arc::clone(&self.0.keys),
            self.0.signing_key.clone(),
            self.0.gateways.clone(),
            signed_requests,
        )
    }

    /// How many gateways are trusted.
    pub(crate) fn gateways(&self) -> usize {
        self.0.gateways.len()
    }

    /// How many are open, or being opened.
    pub(crate) fn live(&self) -> usize {
        self.0.openings.lock().live()
    }

    /// Opens a message.
    ///
    /// # Errors
    ///
    /// What the message gets instead: a refusal, or silence.
    pub(crate) async fn open(
        &self,
        message: &[u8],
        time: &Time,
        observer: &Arc<dyn Observer>,
    ) -> Result<Request, Answer> {
        let message = Message::parse(message).map_err(|error| {
            not_a_message(&error);
            observer.channel_event(ChannelEvent::Unreadable);
            None
        })?;
        let dropped = |silence| {
            warn!(reason = %silence, "message dropped");
            observer.channel_event(ChannelEvent::Dropped(silence));
            None
        };
        loop {
            // Before the look, so that no end goes unnoticed.
            let settled = self.0.settled.notified();
            match self.0.receive(message, time.now()) {
                Received::Known(known) => return known.open().map_err(dropped),
                Received::Flight(flight) => {
                    let (shared, time) = (Arc::clone(&self.0), time.clone());
                    let observer = Arc::clone(observer);
                    // It ends whether or not somebody still waits.
                    tokio::spawn(async move { shared.fly(flight, &time, &*observer).await });
                }
                Received::Wait(_) => {}
                Received::Refused(code, bytes) => {
                    warn!(?code, "channel refused");
                    observer.channel_event(ChannelEvent::Refused(code));
                    return Err(Some(bytes.to_vec()));
                }
                Received::Silence(silence) => return Err(dropped(silence)),
            }
            if timeout(LONGEST_WAIT, settled).await.is_err() {
                warn!("message dropped: its channel was not opened in time");
                return Err(None);
            }
        }
    }

    /// Wipes what has expired, and what is of keys that are gone.
    pub(crate) fn wipe(&self, now: UnixTime) {
        let keys = self.0.keys.keys();
        self.0.openings.lock().wipe(&Environment {
            gateways: &self.0.gateways,
            keys: &keys,
            now,
        });
    }
}

impl Shared {
    fn receive<'m>(&self, message: Message<'m>, now: UnixTime) -> Received<'m> {
        let keys = self.keys.keys();
        let environment = Environment {
            gateways: &self.gateways,
            keys: &keys,
            now,
        };
        self.openings.lock().receive(message, &environment)
    }

    async fn fly(&self, flight: Flight, time: &Time, observer: &dyn Observer) {
        let Some(ended) = self.decrypt(flight).await else {
            return;
        };
        if ended.is_open() {
            debug!("channel opened");
            observer.channel_event(ChannelEvent::Opened);
        }
        self.openings.lock().settle(ended, time.now());
        self.settled.notify_waiters();
    }

    /// Returns `None` if a thread has panicked: then the opening stays as it is until it expires.
    async fn decrypt(&self, flight: Flight) -> Option<Ended> {
        // Fails only if it was closed, which it never is.
        let Ok(_place) = self.places.acquire().await else {
            return Some(flight.give_up());
        };
        let (keys, key_id) = (Arc::clone(&self.keys), flight.key_id());
        let ciphertext = flight.ciphertext().to_vec();
        // In a task of its own, so that a panic of the key holder is an answer, too.
        let asking = tokio::spawn(timeout(LONGEST_FLIGHT, async move {
            keys.decrypt(key_id, &ciphertext).await
        }));
        let answer = match asking.await {
            Ok(Ok(answer)) => answer,
            Ok(Err(_)) | Err(_) => {
                error!(%key_id, "a channel could not be opened: the key holder did not answer");
                return Some(flight.give_up());
            }
        };
        let Ok(scalar) = Scalar::random(&mut AwsLcRng) else {
            return Some(flight.give_up());
        };
        let signing_key = self.signing_key.clone();
        let opening = spawn_blocking(move || {
            flight.open(answer.as_envelope(), scalar, &signing_key, &mut AwsLcRng)
        });
        opening
            .await
            .map_err(|cause| error!(%cause, "a channel could not be opened"))
            .ok()
    }
}

/// Another version may be that of an operator who has updated one side.
fn not_a_message(error: &NotAMessage) {
    warn!(%error, "message dropped");
}

/// Channels that are opened at a time.
const FLIGHTS: usize = 8;
/// How long a key holder may take for a channel.
const LONGEST_FLIGHT: Duration = Duration::from_secs(30);
/// How long a message waits for its channel: no gateway waits longer for the answer.
const LONGEST_WAIT: Duration = Duration::from_secs(240);
