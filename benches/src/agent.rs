//! The agent's road: from the bytes of a message to the call of the vault, and the signed reply.

use std::{
    cell::RefCell,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair as _, UnparsedPublicKey};
use sealpost_agent::{Agent, LocalKeyring};
use sealpost_envelope::{AwsLc, AwsLcRng, UnixTime, seal, text};
use sealpost_protocol::{
    AgentId, Clock, MessageId, Sealed, SigningKey, StoreRequest,
    context::{OwnedContext, SecretId},
};
use sealpost_vault::{
    Deadline, NewSecret, Receipt, SecretValue, Vault, VaultKind, VaultSecretName,
    error::{CreateError, FetchError},
    guarantees::Guarantees,
};
use tokio::runtime::{Builder, Runtime};

use crate::{
    floor,
    keys::{NOW, identity, pkcs8_der, recipient},
};

/// An agent with a vault that keeps nothing, and messages that it has not seen.
#[derive(Debug)]
pub struct Road {
    runtime: Runtime,
    agent: Agent,
    vault: Arc<NoVault>,
    gateway: SigningKey,
    request: StoreRequest,
    messages: RefCell<Vec<Vec<u8>>>,
    value_bytes: usize,
}

/// The least that the road can take: the bare primitives of the message's signature, of opening, and of the reply's
/// signature.
#[derive(Debug)]
pub struct Floor {
    opener: floor::Opener,
    sealed: Vec<u8>,
    key: Ed25519KeyPair,
    signed: Vec<u8>,
    signature: Vec<u8>,
}

// What fails here is a defect of what is measured.
#[allow(clippy::missing_panics_doc)]
impl Road {
    /// For a key of `bits` bits and a value of `bytes` bytes, which must be 16 at least.
    #[must_use]
    pub fn new(bits: usize, bytes: usize) -> Self {
        let id: AgentId = "agent-1".parse().expect("an id");
        let secret = SecretId::new("my-secret".try_into().expect("a name"))
            .with_key("password".try_into().expect("a key"))
            .with_type("PASSWORD".try_into().expect("a type"));
        let context = OwnedContext::new(id, secret);
        let value = format!(r#"{{"password":"{}"}}"#, "x".repeat(bytes - 15));
        let recipients = [recipient::<AwsLc>(bits)];
        let sealed = seal(
            &recipients,
            &context.borrow(),
            value.as_bytes(),
            &mut AwsLcRng,
        );
        let envelope = text::encode(&sealed.expect("it seals"));
        let gateway = SigningKey::generate().expect("a key");
        let vault = Arc::new(NoVault::default());
        let agent = Agent::new(
            id,
            LocalKeyring::new(identity(bits)),
            vault.clone(),
            SigningKey::generate().expect("a key"),
            gateway.verify_key(),
        );
        Self {
            runtime: Builder::new_current_thread()
                .enable_time()
                .build()
                .expect("a runtime"),
            agent: agent.with_clock(Arc::new(StoppedClock)),
            vault,
            gateway,
            request: StoreRequest {
                id: MessageId::random(),
                request_id: "a-request".into(),
                idempotency: None,
                sealed: Sealed::Native { context, envelope },
            },
            messages: RefCell::default(),
            value_bytes: value.len(),
        }
    }

    /// A message that the agent has not seen. All carry one envelope: what is sealed costs the same again.
    #[must_use]
    pub fn message(&self) -> Vec<u8> {
        let request = StoreRequest {
            id: MessageId::random(),
            ..self.request.clone()
        };
        request
            .sign(&self.gateway, NOW, Duration::from_secs(30))
            .expect("it signs")
    }

    /// Carries out a message, and returns the signed reply. Messages are carried out once: each time in 64 takes the
    /// signing of 64 more, which a median does not see.
    pub fn next(&self) -> Vec<u8> {
        let mut messages = self.messages.borrow_mut();
        if messages.is_empty() {
            messages.extend(std::iter::repeat_with(|| self.message()).take(64));
        }
        self.handle(&messages.pop().expect("there are 64"))
    }

    /// Carries out a message, and returns the signed reply.
    pub fn handle(&self, message: &[u8]) -> Vec<u8> {
        let before = self.vault.bytes.load(Ordering::Relaxed);
        let reply = self.runtime.block_on(self.agent.handle(message));
        let stored = self.vault.bytes.load(Ordering::Relaxed) - before;
        assert_eq!(stored, self.value_bytes, "the vault was not called");
        reply.expect("the message is believed")
    }
}

// What fails here is a defect of what is measured.
#[allow(clippy::missing_panics_doc)]
impl Floor {
    /// For a key of `bits` bits, a value of `bytes` bytes and a message as long as `message`.
    #[must_use]
    pub fn new(bits: usize, bytes: usize, message: &[u8]) -> Self {
        let spki = recipient::<AwsLc>(bits).public_key().spki_der().to_vec();
        let key = Ed25519KeyPair::generate().expect("a key");
        Self {
            sealed: floor::Sealer::new(&spki).seal(&vec![b'x'; bytes]),
            opener: floor::Opener::new(&pkcs8_der(bits)),
            signature: key.sign(message).as_ref().to_vec(),
            signed: message.to_vec(),
            key,
        }
    }

    /// Verifies, opens, and signs as much as a reply has.
    #[must_use]
    pub fn run(&self) -> usize {
        let key = UnparsedPublicKey::new(&ED25519, self.key.public_key());
        key.verify(&self.signed, &self.signature)
            .expect("it is signed");
        let opened = self.opener.open(&self.sealed);
        opened.len() + self.key.sign(&[b'x'; REPLY]).as_ref().len()
    }
}

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

/// About the length of a reply before its signature.
const REPLY: usize = 400;
