//! An agent, the gateway that it trusts, and a vault that does as it is told.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use aws_lc_rs::{rand::SystemRandom, signature::Ed25519KeyPair};
use base64ct::{Base64, Base64UrlUnpadded, Encoding as _};
use sealpost_agent::{Agent, KeyHolder, LocalKeyring, Observer, Resolver};
use sealpost_carrier::{InboxError, RespondError};
use sealpost_context::SecretContext;
use sealpost_envelope::{
    AwsLc, AwsLcRng, Certificate, Identity, Recipient, Trust, UnixTime, binding::Binding, cms, jwe,
    seal, text, wrapper,
};
use sealpost_protocol::{
    AgentId, Clock, MessageId, Outcome, Sealed, SigningKey, StoreReply, StoreRequest, VerifyError,
    VerifyKeys,
    context::OwnedContext,
    idempotency::{Idempotency, Mac},
};
use sealpost_vault::{
    Deadline, Limits, NewSecret, OperationId, Receipt, SecretValue, Vault, VaultKind,
    VaultSecretName,
    error::{CreateError, FetchError},
    guarantees::Guarantees,
};
use zeroize::Zeroizing;

pub(crate) const NOW: UnixTime = UnixTime::from_secs(2_000_000_000);

/// Seconds since `NOW`.
#[derive(Debug, Default)]
pub(crate) struct TestClock(AtomicU64);

impl TestClock {
    pub(crate) fn set(&self, seconds: u64) {
        self.0.store(seconds, Ordering::SeqCst);
    }
}

impl Clock for TestClock {
    fn now(&self) -> UnixTime {
        UnixTime::from_secs(NOW.as_secs() + self.0.load(Ordering::SeqCst))
    }
}

/// A vault in memory that fails on demand.
#[derive(Debug, Default)]
pub(crate) struct TestVault {
    pub(crate) secrets: Mutex<HashMap<String, (Vec<u8>, OperationId)>>,
    pub(crate) fault: Mutex<Option<Fault>>,
    /// Less than its kind takes.
    pub(crate) max_name: Mutex<Option<usize>>,
}

#[derive(Clone, Debug)]
pub(crate) enum Fault {
    Create(CreateError),
    Panic,
    Never,
    Slow,
}

pub(crate) const MAX_VALUE: usize = 25_000;

#[async_trait]
impl Vault for TestVault {
    fn kind(&self) -> VaultKind {
        VaultKind::AZURE
    }

    fn limits(&self) -> Limits {
        let max_name = *self.max_name.lock().unwrap();
        Limits {
            max_value: MAX_VALUE,
            max_name: max_name.unwrap_or(VaultKind::AZURE.limits().max_name),
        }
    }

    fn guarantees(&self) -> Guarantees {
        Guarantees::STRONGEST
    }

    async fn create(&self, secret: &NewSecret<'_>, _: Deadline) -> Result<Receipt, CreateError> {
        let fault = self.fault.lock().unwrap().clone();
        match fault {
            Some(Fault::Create(error)) => return Err(error),
            Some(Fault::Panic) => panic!("the vault panics, as the test wants"),
            Some(Fault::Never) => std::future::pending().await,
            Some(Fault::Slow) => tokio::time::sleep(Duration::from_millis(300)).await,
            None => {}
        }
        let mut secrets = self.secrets.lock().unwrap();
        let (name, new) = (
            secret.name.as_str(),
            (secret.value.to_vec(), *secret.operation),
        );
        match secrets.get(name) {
            Some(stored) if *stored == new => Ok(Receipt::default()),
            Some(_) => Err(CreateError::Exists),
            None => {
                secrets.insert(name.to_owned(), new);
                Ok(Receipt::default())
            }
        }
    }

    async fn fetch(&self, name: &VaultSecretName, _: Deadline) -> Result<SecretValue, FetchError> {
        let secrets = self.secrets.lock().unwrap();
        let (value, _) = secrets.get(name.as_str()).ok_or(FetchError::NotFound)?;
        Ok(SecretValue::new(Zeroizing::new(value.clone())))
    }
}

/// Counts what the agent tells.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    pub(crate) refused: AtomicU64,
    pub(crate) carried_out: AtomicU64,
    pub(crate) failed_opens: AtomicU64,
    pub(crate) lost: AtomicU64,
    pub(crate) panics: AtomicU64,
    pub(crate) ended: AtomicU64,
}

impl Observer for Counts {
    fn message_refused(&self, _: VerifyError) {
        self.refused.fetch_add(1, Ordering::SeqCst);
    }

    fn request_carried_out(&self, _: &Outcome, _: &'static str, _: Duration) {
        self.carried_out.fetch_add(1, Ordering::SeqCst);
    }

    fn open_failed(&self) {
        self.failed_opens.fetch_add(1, Ordering::SeqCst);
    }

    fn reply_lost(&self, _: &RespondError) {
        self.lost.fetch_add(1, Ordering::SeqCst);
    }

    fn task_panicked(&self) {
        self.panics.fetch_add(1, Ordering::SeqCst);
    }

    fn serving_ended(&self, _: &InboxError) {
        self.ended.fetch_add(1, Ordering::SeqCst);
    }
}

pub(crate) struct World {
    pub(crate) counts: Arc<Counts>,
    pub(crate) agent: Arc<Agent>,
    pub(crate) id: AgentId,
    pub(crate) vault: Arc<TestVault>,
    pub(crate) resolver: Resolver,
    pub(crate) gateway: SigningKey,
    /// The same key, to sign what no gateway would.
    forger: Ed25519KeyPair,
    pub(crate) clock: Arc<TestClock>,
    agent_keys: VerifyKeys,
}

pub(crate) fn world() -> World {
    world_with(|agent| agent)
}

/// With a change to the agent before it is used.
pub(crate) fn world_with(change: impl FnOnce(Agent) -> Agent) -> World {
    world_of(LocalKeyring::new(identity(KEY, CERTIFICATE)), change)
}

/// With other keys.
pub(crate) fn world_of(
    keys: impl Into<Arc<dyn KeyHolder>>,
    change: impl FnOnce(Agent) -> Agent,
) -> World {
    let pkcs8 = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).unwrap();
    let forger = Ed25519KeyPair::from_pkcs8(pkcs8.as_ref()).unwrap();
    let pkcs8 = Base64::encode_string(pkcs8.as_ref());
    let pem = format!("-----BEGIN PRIVATE KEY-----\n{pkcs8}\n-----END PRIVATE KEY-----\n");
    let gateway = SigningKey::from_pkcs8_pem(pem.as_bytes()).unwrap();
    let agent_key = SigningKey::generate().unwrap();
    let id: AgentId = "a2048".parse().unwrap();
    let vault = Arc::new(TestVault::default());
    let clock = Arc::new(TestClock::default());
    let counts = Arc::new(Counts::default());
    let agent_keys = VerifyKeys::from(agent_key.verify_key());
    let agent = Agent::new(id, keys, vault.clone(), agent_key, gateway.verify_key())
        .with_clock(clock.clone())
        .with_observer(counts.clone());
    let resolver = Resolver::new(vault.clone());
    World {
        agent: Arc::new(change(agent)),
        counts,
        clock,
        id,
        vault,
        resolver,
        gateway,
        forger,
        agent_keys,
    }
}

pub(crate) fn identity(key: &[u8], certificate: &[u8]) -> Identity<AwsLc> {
    let mut identity = Identity::from_pem(key).unwrap();
    let certificate = Certificate::from_pem(certificate).unwrap();
    identity.add_certificate(certificate).unwrap();
    identity
}

pub(crate) fn recipient(certificate: &[u8]) -> Recipient<AwsLc> {
    Recipient::from_certificate_pem(certificate, &Trust::DangerAnyCertificate, NOW).unwrap()
}

pub(crate) const KEY: &[u8] = include_bytes!("../../../../testdata/keys/agent-a2048.key.pem");
pub(crate) const CERTIFICATE: &[u8] = include_bytes!("../../../../testdata/keys/agent-a2048.pem");
pub(crate) const OTHER_CERTIFICATE: &[u8] =
    include_bytes!("../../../../testdata/keys/agent-b2048.pem");

impl World {
    pub(crate) fn failed_opens(&self) -> u64 {
        self.counts.failed_opens.load(Ordering::SeqCst)
    }

    pub(crate) fn context(&self, name: &str) -> OwnedContext {
        owned(SecretContext::unchecked(self.id.as_str(), name))
    }

    /// A request with this context for a value that is sealed for it.
    pub(crate) fn request(&self, context: OwnedContext, value: &[u8]) -> StoreRequest {
        let envelope = seal_for(&context, value, CERTIFICATE);
        self.carrying(Sealed::Native { context, envelope })
    }

    pub(crate) fn carrying(&self, sealed: Sealed) -> StoreRequest {
        StoreRequest {
            id: MessageId::random(),
            request_id: "test-request-1".into(),
            idempotency: None,
            sealed,
        }
    }

    /// A value that the caller has sealed as a JWE, to be used in the next minutes.
    pub(crate) fn jwe(&self, context: OwnedContext, jti: &str, value: &[u8]) -> StoreRequest {
        let jwe = jwe_for(&used(&context, jti), value);
        self.carrying(Sealed::Jwe { context, jwe })
    }

    /// The same in CMS.
    pub(crate) fn cms(&self, context: &OwnedContext, jti: &str, value: &[u8]) -> StoreRequest {
        self.wrapped(&wrapper::wrap(&used(context, jti), value), context)
    }

    /// CMS with this inside, sent to this context's owner.
    pub(crate) fn wrapped(&self, plaintext: &[u8], context: &OwnedContext) -> StoreRequest {
        let der = cms::seal(&[recipient(CERTIFICATE)], plaintext, &mut AwsLcRng).unwrap();
        self.carrying(Sealed::Cms {
            owner: *context.owner(),
            cms: Base64::encode_string(&der),
        })
    }

    pub(crate) fn sign(&self, request: &StoreRequest) -> Vec<u8> {
        request
            .sign(&self.gateway, self.clock.now(), Duration::from_secs(30))
            .unwrap()
    }

    /// The message of a request with other texts in its claims, which a gateway would not send.
    pub(crate) fn forge(&self, request: &StoreRequest, from: &str, to: &str) -> Vec<u8> {
        let message = String::from_utf8(self.sign(request)).unwrap();
        let [header, claims, _] = message.split('.').collect::<Vec<_>>()[..] else {
            panic!("it is no JWS");
        };
        let claims = String::from_utf8(Base64UrlUnpadded::decode_vec(claims).unwrap()).unwrap();
        assert!(claims.contains(from), "{claims}");
        let claims = claims.replacen(from, to, 1);
        let signed = format!(
            "{header}.{}",
            Base64UrlUnpadded::encode_string(claims.as_bytes())
        );
        let signature = self.forger.sign(signed.as_bytes());
        let signature = Base64UrlUnpadded::encode_string(signature.as_ref());
        format!("{signed}.{signature}").into_bytes()
    }

    /// What the agent says to a request.
    pub(crate) async fn ask(&self, request: &StoreRequest) -> Outcome {
        self.play(&self.sign(request), request.id).await
    }

    pub(crate) async fn play(&self, message: &[u8], id: MessageId) -> Outcome {
        let reply = self.agent.handle(message).await.expect("an answer");
        self.read(&reply, id)
    }

    pub(crate) fn read(&self, reply: &[u8], id: MessageId) -> Outcome {
        let gateway = self.gateway.gateway_name();
        let agent = (&self.id, &self.agent_keys);
        StoreReply::verify(reply, agent, &gateway, id, self.clock.now(), Duration::ZERO).unwrap()
    }
}

/// A context whose texts break no rule.
pub(crate) fn owned(context: SecretContext<'_>) -> OwnedContext {
    OwnedContext::check(&context).unwrap()
}

pub(crate) fn seal_for(context: &OwnedContext, value: &[u8], certificate: &[u8]) -> String {
    let recipients = [recipient(certificate)];
    let envelope = seal(&recipients, &context.borrow(), value, &mut AwsLcRng).unwrap();
    text::encode(&envelope)
}

/// A binding that may be used once, for ten minutes.
pub(crate) fn used(context: &OwnedContext, jti: &str) -> Binding {
    let until = UnixTime::from_secs(NOW.as_secs() + 600);
    let binding = Binding::new(&context.borrow());
    binding.with_use(jti, until).unwrap()
}

pub(crate) fn jwe_for(binding: &Binding, value: &[u8]) -> String {
    let recipients = [recipient(CERTIFICATE)];
    let form = jwe::Serialization::Compact;
    jwe::seal(&recipients, Some(binding), form, value, &mut AwsLcRng).unwrap()
}

/// The same request with an idempotency key, and for a payload.
pub(crate) fn keyed(request: StoreRequest, scope: u8, payload: u8) -> StoreRequest {
    let idempotency = Some(Idempotency {
        scope: Mac::from_bytes([scope; 32]),
        payload: Mac::from_bytes([payload; 32]),
    });
    StoreRequest {
        id: MessageId::random(),
        idempotency,
        ..request
    }
}
