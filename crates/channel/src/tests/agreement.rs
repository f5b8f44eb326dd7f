//! Agreement with other implementations, byte for byte: `testdata/channels` says what is random, and what must come of it.

use std::{collections::HashMap, fs, time::Duration};

use sealpost_envelope::{
    AwsLc, AwsLcRng, Keyring, UnixTime,
    backend::Backend as _,
    key::{Identity, KeyAnswer, PublicIdentity, decrypt},
};
use sealpost_testkit::{files, keys};

use crate::{
    Message, Outcome, RefusalCode, Scalar, SigningKey, TrustedKeys,
    agent::{Environment, Openings, Received, Request},
    gateway::{Answer, Channel, Clocks, Destination, Waiting},
    refusal,
};

/// The fields of one file: those of the channel, and those of each case.
struct Vector {
    channel: HashMap<String, String>,
    cases: Vec<HashMap<String, String>>,
}

#[test]
fn equal_bytes_from_seed_ciphertext_and_scalars() {
    let mut files = 0;
    for entry in fs::read_dir(files::path("channels")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "txt") {
            check(&Vector::read(&fs::read_to_string(&path).unwrap()));
            files += 1;
        }
    }
    assert_eq!(files, 4);
}

fn check(vector: &Vector) {
    let channel = gateway(vector);
    let mut agent = Agent::new(vector);
    let trusted: TrustedKeys = [agent.key.verify_key().clone()].into_iter().collect();
    assert_eq!(hex(channel.id().as_bytes()), vector.channel["channel"]);
    assert_eq!(vector.cases.len(), 10);
    for case in &vector.cases {
        let name = &case["case"];
        channel.skip_to(case["number"].parse().unwrap());
        let place = channel.place(vector.issued_at(), Duration::ZERO).unwrap();
        let (message, mut waiting): (_, Waiting) = channel.seal(place, &content(case)).unwrap();
        assert_eq!(digest(&message), case["message_sha256"], "{name}");
        let signed = unhex(&vector.channel["signed"]);
        assert_eq!(message[..signed.len()], signed);

        let request = agent.open(&message);
        assert_eq!(request.body(), content(case), "{name}");
        assert_eq!(hex(&request.operation()), case["operation"], "{name}");
        let outcome = unhex(&case["outcome"]);
        let parsed = Outcome::parse(&outcome).unwrap();
        assert_eq!(parsed.encode(), outcome, "{name}");
        let reply = request.reply(&parsed).unwrap();
        assert_eq!(digest(&reply), case["reply_sha256"], "{name}");
        let answer = waiting.receive(&reply, &trusted);
        assert_eq!(answer, Ok(Answer::Outcome(parsed)), "{name}");
        for (field, bytes) in [("message", &message), ("reply", &reply)] {
            if let Some(expected) = case.get(field) {
                assert_eq!(hex(bytes), *expected, "{name}");
            }
        }
    }
    for code in [
        RefusalCode::OtherKey,
        RefusalCode::DoesNotOpen,
        RefusalCode::KeyUnavailable,
        RefusalCode::Limit,
        RefusalCode::Times,
        RefusalCode::UnsignedRequests,
    ] {
        let refusal = refusal::sign(&agent.key, &channel.id(), code).unwrap();
        let field = format!("refusal_{}", code.number());
        assert_eq!(hex(&refusal), vector.channel[&field]);
    }
}

fn gateway(vector: &Vector) -> Channel {
    let to = Destination {
        agent: vector.channel["agent"].parse().unwrap(),
        recipient: &keys::recipient(&vector.channel["rsa"]),
        signed_requests: vector.channel["flags"] == "1",
        longest_wait: Duration::from_secs(30),
    };
    let now = Clocks {
        wall: vector.issued_at(),
        monotonic: Duration::ZERO,
    };
    let (seed, header) = (vector.secret("seed"), unhex(&vector.channel["header"]));
    let scalar = Scalar::from_bytes(&vector.secret("g_scalar")).unwrap();
    let key = SigningKey::from_seed(&vector.secret("gateway_key")).unwrap();
    Channel::assemble(&to, &key, now, &seed, &header, scalar).unwrap()
}

struct Agent {
    openings: Openings,
    gateways: TrustedKeys,
    identity: Identity<AwsLc>,
    key: SigningKey,
    scalar: [u8; 32],
    now: UnixTime,
}

impl Agent {
    fn new(vector: &Vector) -> Self {
        let key = SigningKey::from_seed(&vector.secret("agent_key")).unwrap();
        let gateway = SigningKey::from_seed(&vector.secret("gateway_key")).unwrap();
        let agent = vector.channel["agent"].parse().unwrap();
        Self {
            openings: Openings::new(agent, key.clone(), false),
            gateways: [gateway.verify_key().clone()].into_iter().collect(),
            identity: keys::identity(&vector.channel["rsa"]),
            key,
            scalar: vector.secret("e_scalar"),
            now: vector.issued_at(),
        }
    }

    fn open(&mut self, message: &[u8]) -> Request {
        let keys = Keyring::new(PublicIdentity::from(&self.identity));
        let environment = Environment {
            gateways: &self.gateways,
            keys: &keys,
            now: self.now,
        };
        let message = Message::parse(message).unwrap();
        let mut received = self.openings.receive(message, &environment);
        if let Received::Flight(flight) = received {
            let seed = decrypt(&self.identity, flight.ciphertext(), &mut AwsLcRng).unwrap();
            let scalar = Scalar::from_bytes(&self.scalar).unwrap();
            let ended = flight.open(KeyAnswer::Seed(&seed), scalar, &self.key, &mut AwsLcRng);
            self.openings.settle(ended, self.now);
            received = self.openings.receive(message, &environment);
        }
        match received {
            Received::Known(known) => known.open().unwrap(),
            other => panic!("{other:?}"),
        }
    }
}

impl Vector {
    fn read(text: &str) -> Self {
        let mut vector = Self {
            channel: HashMap::new(),
            cases: Vec::new(),
        };
        for line in text.lines() {
            let (name, value) = line.split_once(": ").unwrap();
            if name == "case" {
                vector.cases.push(HashMap::new());
            }
            let fields = match vector.cases.last_mut() {
                Some(case) if !name.starts_with("refusal_") => case,
                _ => &mut vector.channel,
            };
            let before = fields.insert(name.to_owned(), value.to_owned());
            assert_eq!(before, None, "{name} is there twice");
        }
        vector
    }

    fn secret(&self, name: &str) -> [u8; 32] {
        unhex(&self.channel[name]).try_into().unwrap()
    }

    fn issued_at(&self) -> UnixTime {
        UnixTime::from_secs(self.channel["issued_at"].parse().unwrap())
    }
}

/// The body of a case: in hex, or so many bytes `i mod 251`.
fn content(case: &HashMap<String, String>) -> Vec<u8> {
    match case.get("body_pattern") {
        Some(length) => (0..length.parse::<u32>().unwrap())
            .map(|i| u8::try_from(i % 251).unwrap())
            .collect(),
        None => unhex(&case["body"]),
    }
}

fn digest(bytes: &[u8]) -> String {
    hex(&AwsLc::sha256(&[bytes]))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(text: &str) -> Vec<u8> {
    let mut bytes = vec![0; text.len() / 2];
    sealpost_context::hex::decode(text.as_bytes(), &mut bytes).unwrap();
    bytes
}
