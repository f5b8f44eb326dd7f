//! The agent's road: from the bytes of a message of an open channel to the call of the vault, and the sealed reply.

use std::{
    cell::RefCell,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use aws_lc_rs::{
    aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey},
    hmac,
};
use sealpost_agent::{Agent, LocalKeyring};
use sealpost_channel::{
    CallerTag, Create, Head, Kind, Names, SigningKey, TrustedKeys,
    gateway::{Channel, Clocks, Destination},
};
use sealpost_context::AgentId;
use sealpost_envelope::{AwsLc, AwsLcRng, UnixTime};
use sealpost_protocol::Clock;
use sealpost_vault::{
    Deadline, NewSecret, Receipt, SecretValue, Vault, VaultKind, VaultSecretName,
    error::{CreateError, FetchError},
    guarantees::Guarantees,
};
use tokio::runtime::{Builder, Runtime};

use crate::keys::{NOW, identity, recipient};

/// An agent with a vault that keeps nothing, and messages that it has not seen.
#[derive(Debug)]
pub struct Road {
    runtime: Runtime,
    agent: Agent,
    vault: Arc<NoVault>,
    channel: Channel,
    value: String,
    messages: RefCell<Vec<Vec<u8>>>,
}

/// The least that the road can take: AES-256-GCM and the HMAC of a request, and of its reply.
pub struct Floor {
    key: LessSafeKey,
    mac: hmac::Key,
    sealed: RefCell<Vec<u8>>,
    len: usize,
}

// What fails here is a defect of what is measured.
#[allow(clippy::missing_panics_doc)]
impl Road {
    /// For a key of `bits` bits and a value of `bytes` bytes, which must be 16 at least.
    #[must_use]
    pub fn new(bits: usize, bytes: usize) -> Self {
        let id: AgentId = "agent-1".parse().expect("an id");
        let gateway = SigningKey::generate().expect("a key");
        let vault = Arc::new(NoVault::default());
        let agent = Agent::new(
            id,
            LocalKeyring::new(identity(bits)),
            vault.clone(),
            SigningKey::generate().expect("a key"),
            TrustedKeys::from(gateway.verify_key().clone()),
        );
        let to = Destination {
            agent: id,
            recipient: &recipient::<AwsLc>(bits),
            signed_requests: false,
            longest_wait: WAIT,
        };
        let now = Clocks {
            wall: NOW,
            monotonic: Duration::ZERO,
        };
        Self {
            runtime: Builder::new_current_thread()
                .enable_time()
                .build()
                .expect("a runtime"),
            agent: agent.with_clock(Arc::new(StoppedClock)),
            vault,
            channel: Channel::open(&to, &gateway, now, &mut AwsLcRng).expect("a channel"),
            value: format!(r#"{{"password":"{}"}}"#, "x".repeat(bytes - 15)),
            messages: RefCell::default(),
        }
    }

    /// A message that the agent has not seen, by the one channel.
    #[must_use]
    pub fn message(&self) -> Vec<u8> {
        let place = self.channel.place(NOW, WAIT).expect("a place");
        let create = Create {
            marks: None,
            project: None,
            names: Some(Names {
                name: "my-secret",
                key: Some("password"),
                secret_type: Some("PASSWORD"),
            }),
            content: self.value.as_bytes(),
        };
        let head = Head {
            verb: Head::CREATE,
            kind: Kind::Clear.number(),
            caller: CallerTag::from_bytes([1; 16]),
            issued: place.issued,
            deadline: place.deadline,
            request_id: "a-request",
        };
        let body = create.encode(&head).expect("it fits");
        let (message, _) = self.channel.seal(place, &body).expect("it seals");
        message
    }

    /// Carries out a message, and returns the sealed reply. Messages are carried out once: each time in 64 takes the
    /// sealing of 64 more, which a median does not see.
    pub fn next(&self) -> Vec<u8> {
        let mut messages = self.messages.borrow_mut();
        if messages.is_empty() {
            messages.extend(std::iter::repeat_with(|| self.message()).take(64));
        }
        self.handle(&messages.pop().expect("there are 64"))
    }

    /// Carries out a message, and returns the sealed reply.
    pub fn handle(&self, message: &[u8]) -> Vec<u8> {
        let before = self.vault.bytes.load(Ordering::Relaxed);
        let reply = self.runtime.block_on(self.agent.handle(message));
        let stored = self.vault.bytes.load(Ordering::Relaxed) - before;
        assert_eq!(stored, self.value.len(), "the vault was not called");
        reply.expect("the message is believed")
    }
}

// What fails here is a defect of what is measured.
#[allow(clippy::missing_panics_doc)]
impl Floor {
    /// For a message as long as `message`.
    #[must_use]
    pub fn new(message: &[u8]) -> Self {
        let key = UnboundKey::new(&AES_256_GCM, &[1; 32]).expect("a key");
        let key = LessSafeKey::new(key);
        let mut sealed = message.to_vec();
        key.seal_in_place_append_tag(nonce(), Aad::empty(), &mut sealed)
            .expect("it seals");
        Self {
            key,
            mac: hmac::Key::new(hmac::HMAC_SHA256, &[2; 32]),
            sealed: RefCell::default(),
            len: sealed.len(),
        }
        .with(sealed)
    }

    fn with(self, sealed: Vec<u8>) -> Self {
        *self.sealed.borrow_mut() = sealed;
        self
    }

    /// Opens and checks a request, and seals as much as a reply has.
    #[must_use]
    pub fn run(&self) -> usize {
        let mut opened = self.sealed.borrow().clone();
        let opened = self
            .key
            .open_in_place(nonce(), Aad::empty(), &mut opened)
            .expect("it opens");
        let request = hmac::sign(&self.mac, opened);
        let mut reply = vec![b'x'; REPLY];
        let commitment = hmac::sign(&self.mac, &reply);
        self.key
            .seal_in_place_append_tag(nonce(), Aad::empty(), &mut reply)
            .expect("it seals");
        self.len + reply.len() + request.as_ref().len() + commitment.as_ref().len()
    }
}

impl std::fmt::Debug for Floor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Floor").finish_non_exhaustive()
    }
}

/// Each is used once with a key, as in a channel.
fn nonce() -> Nonce {
    Nonce::assume_unique_for_key([0; 12])
}

const WAIT: Duration = Duration::from_secs(30);

/// Takes everything, keeps nothing, and counts the bytes.
#[derive(Debug, Default)]
struct NoVault {
    bytes: AtomicUsize,
}

#[async_trait]
impl Vault for NoVault {
    fn kind(&self) -> VaultKind {
        VaultKind::KV2
    }

    fn guarantees(&self) -> Guarantees {
        Guarantees::STRONGEST
    }

    async fn create(&self, secret: &NewSecret<'_>, _: Deadline) -> Result<Receipt, CreateError> {
        self.bytes.fetch_add(secret.value.len(), Ordering::Relaxed);
        Ok(Receipt::default())
    }

    async fn fetch(&self, _: &VaultSecretName, _: Deadline) -> Result<SecretValue, FetchError> {
        Err(FetchError::NotFound)
    }
}

#[derive(Debug)]
struct StoppedClock;

impl Clock for StoppedClock {
    fn now(&self) -> UnixTime {
        NOW
    }
}

/// The padded length of a reply.
const REPLY: usize = 512;
