//! An agent at the other end of a gateway's channels, which says what the test wants.

use std::sync::Mutex;

use sealpost_channel::{
    Create, Head, Kind, Message, Outcome, Scalar, SigningKey, TrustedKeys, VerifyKey,
    agent::{Begun, Environment, Openings, Received, Request, Requests},
};
use sealpost_envelope::{
    AwsLc, AwsLcRng, Identity, Keyring, UnixTime,
    key::{KeyAnswer, PublicIdentity, decrypt},
};

/// An agent that opens what a gateway sends.
#[derive(Debug)]
pub struct ChannelAgent {
    openings: Mutex<Openings>,
    signing_key: SigningKey,
    gateways: TrustedKeys,
    identity: Identity<AwsLc>,
    ring: Keyring<PublicIdentity>,
}

impl ChannelAgent {
    /// The agent `id` with this RSA key, which trusts these gateways and accepts channels with `signing_key`. With
    /// `signed_requests` it takes no others.
    #[must_use]
    pub fn new(
        id: &str,
        identity: Identity<AwsLc>,
        signing_key: SigningKey,
        gateways: TrustedKeys,
        signed_requests: bool,
    ) -> Self {
        let openings = Openings::new(id.parse().unwrap(), signing_key.clone(), signed_requests);
        Self {
            openings: Mutex::new(openings),
            ring: Keyring::new(PublicIdentity::from(&identity)),
            signing_key,
            gateways,
            identity,
        }
    }

    /// The key that it accepts channels with.
    #[must_use]
    pub fn verify_key(&self) -> VerifyKey {
        self.signing_key.verify_key().clone()
    }

    /// Opens a request.
    ///
    /// # Errors
    ///
    /// The refusal of its channel.
    pub fn open(&self, message: &[u8], now: UnixTime) -> Result<Request, Vec<u8>> {
        let message = Message::parse(message).unwrap();
        let environment = Environment {
            gateways: &self.gateways,
            keys: &self.ring,
            now,
        };
        let mut openings = self.openings.lock().unwrap();
        let mut received = openings.receive(message, &environment);
        if let Received::Flight(flight) = received {
            let seed = decrypt(&self.identity, flight.ciphertext(), &mut AwsLcRng);
            let answer = seed
                .as_ref()
                .map_or(KeyAnswer::Rejected, |s| KeyAnswer::Seed(s));
            let scalar = Scalar::random(&mut AwsLcRng).unwrap();
            let ended = flight.open(answer, scalar, &self.signing_key, &mut AwsLcRng);
            openings.settle(ended, now);
            received = openings.receive(message, &environment);
        }
        match received {
            Received::Known(known) => Ok(known.open().expect("the gateway has sealed it")),
            Received::Refused(_, bytes) => Err(bytes.to_vec()),
            other => panic!("no agent believes it: {other:?}"),
        }
    }

    /// What a request says, if a new agent would carry it out now.
    #[must_use]
    pub fn read<'r>(request: &'r Request, now: UnixTime) -> (Head<'r>, Kind, Create<'r>) {
        match Requests::default().begin(request, &Kind::ALL, 1, now) {
            Begun::Run {
                head, kind, create, ..
            } => (head, kind, create),
            other => panic!("no agent carries it out: {other:?}"),
        }
    }

    /// The reply to a request.
    #[must_use]
    pub fn reply(request: &Request, outcome: &Outcome) -> Vec<u8> {
        request.reply(outcome).unwrap()
    }
}
