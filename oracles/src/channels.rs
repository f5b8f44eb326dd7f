//! Channels between gateway and agent: what parses, what opens, and what ends a request.

mod layout;
mod vectors;

use std::{sync::LazyLock, time::Duration};

use parking_lot::Mutex;
use sealpost_channel::{
    Create, Head, Kind, Message, Outcome, RefusalCode, Scalar, SigningKey, TrustedKeys,
    agent::{Environment, Openings, Received, Request, Silence},
    gateway::{Answer, Channel, Clocks, Destination, Waiting},
};
use sealpost_envelope::{
    AwsLcRng, Identity, Keyring,
    key::{KeyAnswer, PublicIdentity, decrypt},
};

use self::vectors::VECTORS;
use crate::{
    allocations::bounded,
    keys::{self, AWS_LC, NOW},
    seeds::Seed,
};

/// A message parses exactly if a second reader of its layout finds it good, at no cost, and says what it says.
pub(crate) fn opening(bytes: &[u8]) {
    let parsed = bounded(bytes.len(), 0, 0, || Message::parse(bytes));
    let expected = layout::message(bytes);
    assert_eq!(parsed.is_ok(), expected.is_some(), "{parsed:?}");
    let (Ok(message), Some(layout)) = (parsed, expected) else {
        return;
    };
    let opening = message.opening();
    assert_eq!(opening.signed_requests, layout.flags == 1);
    assert_eq!(opening.kid.as_bytes(), layout.kid);
    assert_eq!(opening.agent.as_str().as_bytes(), layout.agent);
    assert_eq!(opening.issued_at.as_secs(), layout.issued_at);
    assert_eq!(opening.expires_at.as_secs(), layout.expires_at);
    assert_eq!(opening.exchange, layout.exchange);
    assert_eq!(opening.header, layout.header);
    assert!(Message::parse(&bytes[..bytes.len() - 1]).is_err());
    assert!(Message::parse(&[bytes, &[0]].concat()).is_err());
    // Nobody who is trusted has signed it, unless it is one of ours.
    let is_ours = VECTORS
        .iter()
        .any(|vector| bytes.starts_with(&vector.signed));
    let mut openings = openings();
    match receive(&mut openings, message) {
        Received::Silence(_) | Received::Refused(..) => assert!(!is_ours),
        Received::Flight(_) => assert!(is_ours, "an opening is believed that nobody signed"),
        other => panic!("{other:?}"),
    }
}

/// By a channel that is open, nothing opens but what was sealed, and the channel stays good.
pub(crate) fn frame(bytes: &[u8]) {
    static AGENT: LazyLock<Mutex<Openings>> = LazyLock::new(|| {
        let mut openings = openings();
        for vector in VECTORS.iter() {
            settle(&mut openings, &vector.message);
        }
        Mutex::new(openings)
    });
    let Some((which, frame)) = bytes.split_first() else {
        return;
    };
    let vector = &VECTORS[usize::from(*which) % VECTORS.len()];
    let message = [&vector.signed, frame].concat();
    let Ok(message) = Message::parse(&message) else {
        return;
    };
    let genuine = frame == &vector.message[vector.signed.len()..];
    match receive(&mut AGENT.lock(), message) {
        Received::Known(known) => match known.open() {
            Ok(request) => {
                assert!(genuine, "a frame opened that nobody sealed");
                assert_eq!(request.body(), vector.body);
            }
            Err(Silence::Number | Silence::Frame | Silence::RequestSignature) => {
                assert!(!genuine);
            }
            Err(other) => panic!("{other}"),
        },
        other => panic!("the channel is open: {other:?}"),
    }
}

/// A body parses exactly if a second reader of its layout finds it good, at no cost; written again it is the same bytes.
pub(crate) fn body(bytes: &[u8]) {
    let head = bounded(bytes.len(), 0, 0, || Head::parse(bytes));
    let expected = layout::head(bytes);
    assert_eq!(head.is_ok(), expected.is_some());
    let (Ok((head, rest)), Some(end)) = (head, expected) else {
        return;
    };
    assert_eq!(rest, &bytes[end..]);
    let Some(kind) = Kind::from_number(head.kind) else {
        assert!(!(1..=4).contains(&head.kind));
        return;
    };
    let create = bounded(rest.len(), 0, 0, || Create::parse(kind, rest));
    assert_eq!(
        create.is_ok(),
        layout::create(kind.number(), rest).is_some()
    );
    if let Ok(create) = create {
        let again = create.encode(&head).expect("it was read");
        assert_eq!(&*again, bytes);
    }
}

/// An outcome reads exactly if a second reader finds it good; what the agent says of it is what the gateway hears, once, and
/// of a changed reply the gateway hears nothing.
pub(crate) fn reply(bytes: &[u8]) {
    let Some((mode, rest)) = bytes.split_first() else {
        return;
    };
    let (mut waiting, request) = SIDES.ask();
    if mode % 2 == 1 {
        let reply = request.reply(&Outcome::Exists).expect("it is short");
        tampered(
            rest,
            &reply,
            &mut waiting,
            &Answer::Outcome(Outcome::Exists),
        );
        return;
    }
    assert!(waiting.receive(rest, &SIDES.agent).is_err());
    // Strings of a byte each are the most.
    let outcome = bounded(rest.len(), 24, 4096, || Outcome::parse(rest));
    assert_eq!(outcome.is_ok(), layout::outcome(rest), "{outcome:?}");
    let Ok(outcome) = outcome else {
        return;
    };
    if (1..=15).contains(&rest[0]) && rest.len() <= 65_536 {
        assert_eq!(outcome.encode(), rest);
    }
    let reply = request.reply(&outcome).expect("it is not too long");
    let said = match outcome.encode().as_slice() {
        // What can't be said is a failure.
        [12] => Outcome::Failed,
        _ => outcome,
    };
    let heard = waiting.receive(&reply, &SIDES.agent);
    assert_eq!(heard, Ok(Answer::Outcome(said)));
    let again = waiting.receive(&reply, &SIDES.agent);
    assert!(again.is_err(), "a request ends once");
}

/// A refusal ends a request only as the agent signed it.
pub(crate) fn refusal(bytes: &[u8]) {
    let Some((mode, rest)) = bytes.split_first() else {
        return;
    };
    let Some(mut waiting) = SIDES.ask_refused() else {
        return;
    };
    if mode % 2 == 1 {
        let refused = Answer::Refused(RefusalCode::OtherKey);
        tampered(rest, &SIDES.refusal, &mut waiting, &refused);
    } else {
        assert!(waiting.receive(rest, &SIDES.agent).is_err());
    }
}

/// Changes what the agent has signed as the input says: triples of a position and what is put over it; of what is left one
/// byte cuts the end off, and two are appended.
fn tampered(edits: &[u8], genuine: &[u8], waiting: &mut Waiting, answer: &Answer) {
    let mut changed = genuine.to_vec();
    for edit in edits.chunks(3) {
        match *edit {
            [high, low, over] => {
                let position = usize::from(u16::from_be_bytes([high, low])) % changed.len().max(1);
                if let Some(byte) = changed.get_mut(position) {
                    *byte ^= over;
                }
            }
            [cut] => changed.truncate(changed.len().saturating_sub(cut.into())),
            _ => changed.extend_from_slice(edit),
        }
    }
    let heard = waiting.receive(&changed, &SIDES.agent);
    if changed == genuine {
        assert_eq!(heard.as_ref(), Ok(answer));
    } else {
        assert!(heard.is_err(), "{heard:?} was heard, and never said");
    }
}

/// A gateway and its agent.
struct Sides {
    open: Mutex<Open>,
    refusal: Vec<u8>,
    refused: Channel,
    agent: TrustedKeys,
}

/// A channel that is open.
struct Open {
    channel: Channel,
    openings: Openings,
}

impl Open {
    fn new() -> Self {
        let (channel, mut openings) = (channel(), openings());
        settle(&mut openings, &sealed(&channel).expect("it is the first").0);
        Self { channel, openings }
    }
}

impl Sides {
    /// A request that waits, as the gateway and the agent have it.
    fn ask(&self) -> (Waiting, Request) {
        let open = &mut *self.open.lock();
        let (bytes, waiting) = sealed(&open.channel).unwrap_or_else(|| {
            // A million inputs later its numbers are used up.
            *open = Open::new();
            sealed(&open.channel).expect("it is new")
        });
        let message = Message::parse(&bytes).expect("it was sealed here");
        let Received::Known(known) = receive(&mut open.openings, message) else {
            panic!("the channel is open");
        };
        (waiting, known.open().expect("it was sealed here"))
    }

    /// A request that waits, by the channel that was refused. Its numbers are used up, too, and a refusal is for any of them.
    fn ask_refused(&self) -> Option<Waiting> {
        sealed(&self.refused).map(|(_, waiting)| waiting)
    }
}

static SIDES: LazyLock<Sides> = LazyLock::new(|| {
    let refused = channel();
    let (bytes, _) = sealed(&refused).expect("it is the first");
    let message = Message::parse(&bytes).expect("it was sealed here");
    let other = vectors::other_certificate().public_key().clone();
    let environment = Environment {
        gateways: &gateways(),
        keys: &Keyring::new(PublicIdentity::new(other)),
        now: NOW,
    };
    let Received::Refused(_, refusal) = openings().receive(message, &environment) else {
        panic!("the agent has another key");
    };
    Sides {
        open: Mutex::new(Open::new()),
        refusal: refusal.to_vec(),
        refused,
        agent: [agent_key().verify_key().clone()].into_iter().collect(),
    }
});

fn sealed(channel: &Channel) -> Option<(Vec<u8>, Waiting)> {
    let place = channel.place(NOW, Duration::from_secs(30)).ok()?;
    Some(channel.seal(place, b"a body").expect("it is short"))
}

fn channel() -> Channel {
    let to = Destination {
        agent: "agent-1".parse().expect("it is an id"),
        recipient: &keys::recipient(),
        signed_requests: false,
        longest_wait: Duration::from_secs(30),
    };
    let now = Clocks {
        wall: NOW,
        monotonic: Duration::ZERO,
    };
    Channel::open(&to, &gateway_key(), now, &mut AwsLcRng).expect("the generator works")
}

fn openings() -> Openings {
    let agent = "agent-1".parse().expect("it is an id");
    Openings::new(agent, agent_key(), false)
}

fn receive<'m>(openings: &mut Openings, message: Message<'m>) -> Received<'m> {
    let keys = AWS_LC.map(|identity| PublicIdentity::new(identity.public_key().clone()));
    let environment = Environment {
        gateways: &gateways(),
        keys: &keys,
        now: NOW,
    };
    openings.receive(message, &environment)
}

fn settle(openings: &mut Openings, bytes: &[u8]) {
    let message = Message::parse(bytes).expect("it is one");
    let Received::Flight(flight) = receive(openings, message) else {
        panic!("it is new");
    };
    let identity: &Identity<_> = AWS_LC.current();
    let seed = decrypt(identity, flight.ciphertext(), &mut AwsLcRng).expect("it is sealed to it");
    let scalar = Scalar::random(&mut AwsLcRng).expect("the generator works");
    let ended = flight.open(KeyAnswer::Seed(&seed), scalar, &agent_key(), &mut AwsLcRng);
    openings.settle(ended, NOW);
}

fn gateways() -> TrustedKeys {
    [gateway_key().verify_key().clone()].into_iter().collect()
}

fn gateway_key() -> SigningKey {
    SigningKey::from_seed(&[1; 32]).expect("every seed is one")
}

fn agent_key() -> SigningKey {
    SigningKey::from_seed(&[11; 32]).expect("every seed is one")
}

/// The inputs that a campaign of this target starts with.
pub(crate) fn seeds(target: &str) -> Vec<Seed> {
    let inputs: Vec<Vec<u8>> = match target {
        "channel_opening" => VECTORS.iter().map(|v| v.message.clone()).collect(),
        "channel_frame" => (0_u8..)
            .zip(VECTORS.iter())
            .map(|(n, v)| [&[n], &v.message[v.signed.len()..]].concat())
            .collect(),
        "channel_body" => VECTORS[0].bodies.clone(),
        "channel_reply" => VECTORS[0]
            .outcomes
            .iter()
            .map(|outcome| [&[0], outcome.as_slice()].concat())
            .chain(edits())
            .collect(),
        "channel_refusal" => VECTORS[0]
            .refusals
            .iter()
            .map(|refusal| [&[0], refusal.as_slice()].concat())
            .chain(edits())
            .collect(),
        other => panic!("no seeds for {other}"),
    };
    (0..)
        .zip(inputs)
        .map(|(n, bytes)| (format!("{n:02}"), bytes))
        .collect()
}

/// Nothing changed, a bit changed, and the end cut off.
fn edits() -> [Vec<u8>; 4] {
    [
        vec![1],
        vec![1, 0, 40, 1],
        vec![1, 0, 129, 0x80],
        vec![1, 1],
    ]
}
