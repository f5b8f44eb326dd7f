//! An agent, a gateway, and openings that no gateway makes.

use std::time::Duration;

use sealpost_context::AgentId;
use sealpost_envelope::{
    AwsLc, AwsLcRng, Keyring, UnixTime,
    backend::Backend as _,
    key::{Identity, KeyAnswer, PublicIdentity, decrypt},
};
use sealpost_testkit::keys;

use crate::{
    Create, Head, Kind, Malformed, Message, Names, NotAMessage, Outcome, RefusalCode, Scalar,
    SigningKey, TrustedKeys,
    agent::{Begun, Environment, Flight, Openings, Received, Request, Requests, Silence, Turn},
    caller::{CallerKey, CallerTag},
    frame::{FrameKeys, Purpose, REQUEST},
    gateway::{Channel, Clocks, Destination, Waiting},
    message::SIGNED_REQUEST,
    opening::{self, ChannelId, Opening},
};

pub(super) const T: u64 = 2_000_000_000;

pub(super) fn at(seconds: u64) -> UnixTime {
    UnixTime::from_secs(T + seconds)
}

pub(super) fn clocks(seconds: u64) -> Clocks {
    Clocks {
        wall: at(seconds),
        monotonic: Duration::from_secs(1000 + seconds),
    }
}

pub(super) fn signing_key(seed: u8) -> SigningKey {
    SigningKey::from_seed(&[seed; 32]).unwrap()
}

pub(super) fn trust(keys: &[&SigningKey]) -> TrustedKeys {
    keys.iter().map(|key| key.verify_key().clone()).collect()
}

pub(super) fn agent_id() -> AgentId {
    "agent-1".parse().unwrap()
}

/// One process of the agent, with its vault.
pub(super) struct Agent {
    pub(super) openings: Openings,
    pub(super) requests: Requests,
    pub(super) gateways: TrustedKeys,
    pub(super) identity: Identity<AwsLc>,
    pub(super) ring: Keyring<PublicIdentity>,
    pub(super) key: SigningKey,
    pub(super) accepted: Vec<Kind>,
    pub(super) rsa_operations: usize,
    /// Operations and bodies.
    pub(super) vault: Vec<([u8; 32], Vec<u8>)>,
    /// What becomes of further requests.
    pub(super) outcome: Outcome,
}

/// What a message brought.
#[derive(Debug, Eq, PartialEq)]
pub(super) enum Delivered {
    Reply(Vec<u8>),
    Refused(RefusalCode, Vec<u8>),
    Silence(Silence),
    NotAMessage(NotAMessage),
    Waits,
}

impl Delivered {
    pub(super) fn reply(self) -> Vec<u8> {
        match self {
            Self::Reply(bytes) => bytes,
            other => panic!("{other:?}"),
        }
    }

    pub(super) fn refusal(self) -> (RefusalCode, Vec<u8>) {
        match self {
            Self::Refused(code, bytes) => (code, bytes),
            other => panic!("{other:?}"),
        }
    }
}

pub(super) fn stored() -> Outcome {
    Outcome::Stored {
        resolver_ref: "secret:db-login#password".into(),
        vault_secret_name: "db-login".into(),
    }
}

impl Agent {
    /// With the RSA key `name`, and trust in the gateways whose keys are made of 1 and 2.
    pub(super) fn new(name: &str) -> Self {
        Self::with(name, false)
    }

    pub(super) fn with(name: &str, signed_requests: bool) -> Self {
        let identity = keys::identity(name);
        let key = signing_key(11);
        Self {
            openings: Openings::new(agent_id(), key.clone(), signed_requests),
            requests: Requests::default(),
            gateways: trust(&[&signing_key(1), &signing_key(2)]),
            ring: Keyring::new(PublicIdentity::from(&identity)),
            identity,
            key,
            accepted: Kind::ALL.to_vec(),
            rsa_operations: 0,
            vault: Vec::new(),
            outcome: stored(),
        }
    }

    pub(super) fn receive<'m>(&mut self, message: Message<'m>, seconds: u64) -> Received<'m> {
        let environment = Environment {
            gateways: &self.gateways,
            keys: &self.ring,
            now: at(seconds),
        };
        self.openings.receive(message, &environment)
    }

    pub(super) fn wipe(&mut self, seconds: u64) {
        let environment = Environment {
            gateways: &self.gateways,
            keys: &self.ring,
            now: at(seconds),
        };
        self.openings.wipe(&environment);
        self.requests.forget(at(seconds));
    }

    pub(super) fn settle(&mut self, flight: Flight, seconds: u64) {
        self.rsa_operations += 1;
        assert_eq!(flight.key_id(), self.identity.public_key().key_id());
        let seed = decrypt(&self.identity, flight.ciphertext(), &mut AwsLcRng);
        let answer = seed
            .as_ref()
            .map_or(KeyAnswer::Rejected, |seed| KeyAnswer::Seed(seed));
        let scalar = Scalar::random(&mut AwsLcRng).unwrap();
        let ended = flight.open(answer, scalar, &self.key, &mut AwsLcRng);
        self.openings.settle(ended, at(seconds));
    }

    pub(super) fn request(&mut self, bytes: &[u8], seconds: u64) -> Result<Request, Delivered> {
        let message = Message::parse(bytes).map_err(Delivered::NotAMessage)?;
        let mut received = self.receive(message, seconds);
        if let Received::Flight(flight) = received {
            self.settle(flight, seconds);
            received = self.receive(message, seconds);
        }
        match received {
            Received::Known(known) => known.open().map_err(Delivered::Silence),
            Received::Refused(code, bytes) => Err(Delivered::Refused(code, bytes.to_vec())),
            Received::Silence(silence) => Err(Delivered::Silence(silence)),
            Received::Wait(_) => Err(Delivered::Waits),
            Received::Flight(_) => panic!("it was settled"),
        }
    }

    pub(super) fn begin<'r>(&mut self, request: &'r Request, seconds: u64) -> Begun<'r> {
        let gateways = self.gateways.len();
        self.requests
            .begin(request, &self.accepted, gateways, at(seconds))
    }

    pub(super) fn end(&mut self, turn: Turn, outcome: Outcome) -> Outcome {
        self.requests.end(turn, outcome)
    }

    /// Carries a message through to its answer.
    pub(super) fn deliver(&mut self, bytes: &[u8], seconds: u64) -> Delivered {
        let request = match self.request(bytes, seconds) {
            Ok(request) => request,
            Err(delivered) => return delivered,
        };
        let outcome = match self.begin(&request, seconds) {
            Begun::Answer(outcome) | Begun::Again(outcome) => outcome,
            Begun::Wait(_) => return Delivered::Waits,
            Begun::Run { turn, .. } => {
                let body = request.body().to_vec();
                self.vault.push((request.operation(), body));
                self.end(turn, self.outcome.clone())
            }
        };
        Delivered::Reply(request.reply(&outcome).unwrap())
    }
}

/// A channel of the gateway whose key is made of `seed`.
pub(super) fn channel(seed: u8, name: &str, signed_requests: bool, seconds: u64) -> Channel {
    Channel::open(
        &Destination {
            agent: agent_id(),
            recipient: &keys::recipient(name),
            signed_requests,
            longest_wait: Duration::from_secs(30),
        },
        &signing_key(seed),
        clocks(seconds),
        &mut AwsLcRng,
    )
    .unwrap()
}

/// A request to create `db-login`, sent at the given time.
pub(super) fn ask(channel: &Channel, value: &[u8], seconds: u64) -> (Vec<u8>, Waiting) {
    let place = channel.place(at(seconds), Duration::from_secs(30)).unwrap();
    let body = body(value, place.issued, place.deadline).unwrap();
    channel.seal(place, &body).unwrap()
}

pub(super) fn body(
    value: &[u8],
    issued: UnixTime,
    deadline: UnixTime,
) -> Result<Vec<u8>, Malformed> {
    let head = head(issued, deadline);
    Ok(create(value).encode(&head)?.to_vec())
}

pub(super) fn head(issued: UnixTime, deadline: UnixTime) -> Head<'static> {
    Head {
        verb: Head::CREATE,
        kind: Kind::Clear.number(),
        caller: caller("ci"),
        issued,
        deadline,
        request_id: "order-4711",
    }
}

pub(super) fn create(value: &[u8]) -> Create<'_> {
    Create {
        marks: None,
        project: None,
        names: Some(Names {
            name: "db-login",
            key: Some("password"),
            secret_type: None,
        }),
        content: value,
    }
}

pub(super) fn caller(subject: &str) -> CallerTag {
    let secret: [u8; 32] = std::array::from_fn(|i| u8::try_from(i).unwrap());
    CallerKey::new(&secret).tag(&agent_id(), "https://issuer.example", Some(subject))
}

/// An opening of which every part can be wrong.
pub(super) struct Forgery {
    pub(super) gateway: SigningKey,
    pub(super) agent: AgentId,
    pub(super) signed_requests: bool,
    pub(super) issued_at: UnixTime,
    pub(super) expires_at: UnixTime,
    pub(super) seed: [u8; 32],
    pub(super) header: Vec<u8>,
    pub(super) exchange: [u8; 32],
    pub(super) confirmation_bit: u8,
}

/// What can be sent by a forged opening.
pub(super) struct Forged {
    pub(super) signed: Vec<u8>,
    pub(super) id: ChannelId,
    pub(super) requests: FrameKeys,
    opening: Vec<u8>,
    seed: [u8; 32],
    gateway: SigningKey,
    signed_requests: bool,
}

impl Forgery {
    /// One of which nothing is wrong.
    pub(super) fn new(seconds: u64) -> Self {
        Self {
            gateway: signing_key(1),
            agent: agent_id(),
            signed_requests: false,
            issued_at: at(seconds),
            expires_at: at(seconds + 90),
            seed: [7; 32],
            header: header(2, 2, &[7; 32], "a2048"),
            exchange: *Scalar::from_bytes(&[8; 32]).unwrap().public(),
            confirmation_bit: 0,
        }
    }

    pub(super) fn make(&self) -> Forged {
        let opening = Opening {
            signed_requests: self.signed_requests,
            kid: self.gateway.kid(),
            agent: self.agent,
            issued_at: self.issued_at,
            expires_at: self.expires_at,
            exchange: self.exchange,
            header: &self.header,
        };
        let bytes = opening.encode().unwrap();
        let root = opening::root(&bytes, &self.seed);
        let mut confirmation = opening::confirmation(&root);
        confirmation[0] ^= self.confirmation_bit;
        Forged {
            signed: opening::sign(&bytes, &confirmation, &self.gateway).unwrap(),
            id: opening::channel(&bytes),
            requests: FrameKeys::new(root, REQUEST),
            opening: bytes,
            seed: self.seed,
            gateway: self.gateway.clone(),
            signed_requests: self.signed_requests,
        }
    }
}

impl Forged {
    pub(super) fn seed(&self) -> [u8; 32] {
        self.seed
    }

    /// What whoever knows the seed knows of the replies' keys.
    pub(super) fn base(&self) -> zeroize::Zeroizing<[u8; 32]> {
        crate::reply::base(&opening::root(&self.opening, &self.seed))
    }

    /// Keys of frames for any purpose.
    pub(super) fn keys(&self, purpose: Purpose) -> FrameKeys {
        FrameKeys::new(opening::root(&self.opening, &self.seed), purpose)
    }

    pub(super) fn message(&self, number: u64, body: &[u8]) -> Vec<u8> {
        let place = number.to_be_bytes();
        let (commitment, ciphertext) = self.requests.seal(&place, body).unwrap();
        self.assemble(number, &commitment, &ciphertext)
    }

    pub(super) fn assemble(
        &self,
        number: u64,
        commitment: &[u8; 32],
        ciphertext: &[u8],
    ) -> Vec<u8> {
        let place = number.to_be_bytes();
        let mut message = [&self.signed, &place[..], commitment].concat();
        if self.signed_requests {
            let parts: [&[u8]; 3] = [self.id.as_bytes(), &place, commitment];
            message.extend(self.gateway.sign(SIGNED_REQUEST, &parts).unwrap());
        }
        message.extend(ciphertext);
        message
    }

    /// A request that an agent carries out, if the opening is good.
    pub(super) fn ask(&self, number: u64, seconds: u64) -> Vec<u8> {
        self.message(number, &body(b"{}", at(seconds), at(seconds + 30)).unwrap())
    }
}

/// A header with one stanza, of which type and prefix are given.
pub(super) fn header(stanza: u8, prefix: u8, seed: &[u8; 32], name: &str) -> Vec<u8> {
    let certificate = keys::certificate(name);
    let public = certificate.public_key();
    let key = AwsLc::public_key(public.spki_der()).unwrap();
    let mut ciphertext = vec![0; public.modulus_len()];
    let message = [&[prefix][..], seed].concat();
    AwsLc::oaep_encrypt(&key, &mut AwsLcRng, &message, &mut ciphertext).unwrap();
    header_with(stanza, public.key_id().as_bytes(), &ciphertext)
}

pub(super) fn header_with(stanza: u8, key_id: &[u8; 32], ciphertext: &[u8]) -> Vec<u8> {
    let length = u16::try_from(ciphertext.len()).unwrap().to_be_bytes();
    let parts: [&[u8]; 5] = [b"sealpost\x01\x01", &[stanza], key_id, &length, ciphertext];
    parts.concat()
}

pub(super) fn flip(bytes: &[u8], at: usize) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    bytes[at] ^= 1;
    bytes
}
