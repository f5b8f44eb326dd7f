//! No value, no seed and no scalar is left in memory that was freed, on either side, whatever becomes of the request.
//!
//! A program of its own: the allocator sees all threads. What derives from the seed is in types that wipe themselves, ours and
//! AWS-LC's, and is not looked for here.

#![allow(clippy::unwrap_used)] // a failed unwrap is a failed test

use std::{convert::Infallible, time::Duration};

use sealpost_channel::{
    CallerTag, Create, Head, Kind, Message, Names, Outcome, Scalar, SigningKey, TrustedKeys,
    agent::{Begun, Environment, Openings, Received, Requests},
    gateway::{Channel, Clocks, Destination},
};
use sealpost_envelope::{
    AwsLc, AwsLcRng, Identity, Keyring,
    key::{KeyAnswer, PublicIdentity, decrypt},
    rand_core::{TryCryptoRng, TryRng},
};
use sealpost_testkit::{
    canary::{Watching, assert_watching, found, json, value},
    keys,
};

#[global_allocator]
static ALLOCATOR: Watching = Watching;

/// What is random is the canary.
struct Canaries;

impl TryRng for Canaries {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        Ok(7)
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        Ok(7)
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        let canaries = zeroize::Zeroizing::new(value(bytes.len()));
        bytes.copy_from_slice(&canaries[..bytes.len()]);
        Ok(())
    }
}

impl TryCryptoRng for Canaries {}

#[test]
fn nothing_secret_is_left_in_freed_memory() {
    assert_watching();
    assert_eq!(found(|| drop(value(4))), 4, "it would be found");
    let gateway = SigningKey::generate().unwrap();
    let agent = SigningKey::generate().unwrap();
    let identity = keys::identity::<AwsLc>("a2048");
    for (canaries, broken) in [(1, false), (40, false), (1000, false), (40, true)] {
        let left = found(|| round(&gateway, &agent, &identity, canaries, broken));
        assert_eq!(left, 0, "{canaries} {broken}");
    }
}

/// A request with a value of so many canaries, through both sides; or with a bit of its frame changed.
fn round(
    gateway: &SigningKey,
    agent: &SigningKey,
    identity: &Identity<AwsLc>,
    canaries: usize,
    broken: bool,
) {
    let to = Destination {
        agent: "agent-1".parse().unwrap(),
        recipient: &keys::recipient("a2048"),
        signed_requests: false,
        longest_wait: Duration::from_secs(30),
    };
    let now = Clocks {
        wall: keys::NOW,
        monotonic: Duration::ZERO,
    };
    let channel = Channel::open(&to, gateway, now, &mut Canaries).unwrap();
    let place = channel.place(keys::NOW, Duration::from_secs(30)).unwrap();
    let value = json(canaries);
    let head = Head {
        verb: Head::CREATE,
        kind: Kind::Clear.number(),
        caller: CallerTag::from_bytes([0; 16]),
        issued: place.issued,
        deadline: place.deadline,
        request_id: "order-4711",
    };
    let create = Create {
        marks: None,
        project: None,
        names: Some(Names {
            name: "db-login",
            key: None,
            secret_type: None,
        }),
        content: &value,
    };
    let body = create.encode(&head).unwrap();
    let (mut bytes, mut waiting) = channel.seal(place, &body).unwrap();
    drop(body);
    if broken {
        *bytes.last_mut().unwrap() ^= 1;
    }

    let ring = Keyring::new(PublicIdentity::from(identity));
    let gateways: TrustedKeys = [gateway.verify_key().clone()].into_iter().collect();
    let environment = Environment {
        gateways: &gateways,
        keys: &ring,
        now: keys::NOW,
    };
    let mut openings = Openings::new(to.agent, agent.clone(), false);
    let message = Message::parse(&bytes).unwrap();
    let Received::Flight(flight) = openings.receive(message, &environment) else {
        panic!("it is new");
    };
    let seed = decrypt(identity, flight.ciphertext(), &mut AwsLcRng).unwrap();
    let scalar = Scalar::random(&mut Canaries).unwrap();
    let ended = flight.open(KeyAnswer::Seed(&seed), scalar, agent, &mut AwsLcRng);
    drop(seed);
    openings.settle(ended, keys::NOW);
    let Received::Known(known) = openings.receive(message, &environment) else {
        panic!("it is open");
    };
    let request = match known.open() {
        Ok(request) => request,
        Err(silence) => {
            assert!(broken, "{silence}");
            return;
        }
    };
    let mut requests = Requests::default();
    let Begun::Run { turn, create, .. } = requests.begin(&request, &Kind::ALL, 1, keys::NOW) else {
        panic!("it is carried out");
    };
    assert_eq!(create.content, &**value);
    let outcome = requests.end(turn, Outcome::Exists);
    let reply = request.reply(&outcome).unwrap();
    let trusted: TrustedKeys = [agent.verify_key().clone()].into_iter().collect();
    assert!(waiting.receive(&reply, &trusted).is_ok());
}
