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
use sealpost_agent::{Agent, ChannelEvent, KeyHolder, LocalKeyring, Observer, Resolver};
use sealpost_carrier::{InboxError, RespondError};
use sealpost_channel::{
    CallerTag, Create, Head, Kind, Marks, Names, Outcome, SigningKey, TrustedKeys,
    gateway::{Answer, Channel, Clocks, Destination, Waiting},
};
use sealpost_context::{AgentId, OwnedContext, ProjectId, SecretContext};
use sealpost_envelope::{
    AwsLc, AwsLcRng, Certificate, Identity, Recipient, Trust, UnixTime, binding::Binding, cms, jwe,
    wrapper,
};
use sealpost_protocol::Clock;
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
    pub(crate) events: Mutex<Vec<ChannelEvent>>,
    pub(crate) carried_out: AtomicU64,
    pub(crate) failed_opens: AtomicU64,
    pub(crate) lost: AtomicU64,
    pub(crate) panics: AtomicU64,
    pub(crate) ended: AtomicU64,
}

impl Observer for Counts {
    fn channel_event(&self, event: ChannelEvent) {
        self.events.lock().unwrap().push(event);
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
    pub(crate) clock: Arc<TestClock>,
    /// The channel of this second, to the agent's certificate.
    channel: Mutex<Option<(UnixTime, Arc<Channel>)>>,
    agent_keys: TrustedKeys,
}

/// What is to be created, as a gateway says it.
#[derive(Clone, Debug)]
pub(crate) struct Ask {
    pub(crate) kind: Kind,
    pub(crate) caller: u8,
    pub(crate) marks: Option<Marks>,
    pub(crate) project: Option<ProjectId>,
    pub(crate) names: Option<[Option<String>; 3]>,
    pub(crate) content: Vec<u8>,
}

/// A message, and what its answer is read with.
pub(crate) struct Sent {
    pub(crate) bytes: Vec<u8>,
    waiting: Waiting,
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
    let gateway = SigningKey::generate().unwrap();
    let agent_key = SigningKey::generate().unwrap();
    let id: AgentId = "a2048".parse().unwrap();
    let vault = Arc::new(TestVault::default());
    let clock = Arc::new(TestClock::default());
    let counts = Arc::new(Counts::default());
    let agent_keys = TrustedKeys::from(agent_key.verify_key().clone());
    let trusted = gateway.verify_key().clone();
    let agent = Agent::new(id, keys, vault.clone(), agent_key, trusted)
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
        channel: Mutex::default(),
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

    /// A request with this context for a value in clear.
    pub(crate) fn request(&self, context: OwnedContext, value: &[u8]) -> Ask {
        Ask::new(Kind::Clear, &context, value)
    }

    /// A value that the caller has sealed as a JWE, to be used in the next minutes.
    pub(crate) fn jwe(&self, context: OwnedContext, jti: &str, value: &[u8]) -> Ask {
        let jwe = jwe_for(&used(&context, jti), value);
        Ask::new(Kind::Jwe, &context, jwe.as_bytes())
    }

    /// The same in CMS.
    pub(crate) fn cms(&self, context: &OwnedContext, jti: &str, value: &[u8]) -> Ask {
        self.wrapped(&wrapper::wrap(&used(context, jti), value), context)
    }

    /// CMS with this inside, sent to this context's owner.
    pub(crate) fn wrapped(&self, plaintext: &[u8], context: &OwnedContext) -> Ask {
        let der = cms::seal(&[recipient(CERTIFICATE)], plaintext, &mut AwsLcRng).unwrap();
        Ask::new(Kind::Cms, context, &der)
    }

    /// The message by which the gateway asks.
    pub(crate) fn sign(&self, ask: &Ask) -> Sent {
        let now = self.clock.now();
        let mut current = self.channel.lock().unwrap();
        let channel = match &*current {
            Some((opened, channel)) if *opened == now => Arc::clone(channel),
            _ => {
                let channel = Arc::new(self.open(CERTIFICATE, &self.gateway, self.id));
                *current = Some((now, Arc::clone(&channel)));
                channel
            }
        };
        drop(current);
        send(&channel, ask, now)
    }

    /// A channel to this certificate, of this gateway, to this agent.
    pub(crate) fn open(&self, certificate: &[u8], gateway: &SigningKey, agent: AgentId) -> Channel {
        self.open_with(certificate, gateway, agent, false)
    }

    pub(crate) fn open_with(
        &self,
        certificate: &[u8],
        gateway: &SigningKey,
        agent: AgentId,
        signed_requests: bool,
    ) -> Channel {
        let to = Destination {
            agent,
            recipient: &recipient(certificate),
            signed_requests,
            longest_wait: WAIT,
        };
        let now = Clocks {
            wall: self.clock.now(),
            monotonic: Duration::ZERO,
        };
        Channel::open(&to, gateway, now, &mut AwsLcRng).unwrap()
    }

    /// What the agent says to a request.
    pub(crate) async fn ask(&self, ask: &Ask) -> Outcome {
        self.play(&self.sign(ask)).await
    }

    pub(crate) async fn play(&self, message: &Sent) -> Outcome {
        match self.answer(message).await {
            Answer::Outcome(outcome) => outcome,
            Answer::Refused(code) => panic!("{code:?}"),
        }
    }

    pub(crate) async fn answer(&self, message: &Sent) -> Answer {
        let reply = self.agent.handle(&message.bytes).await;
        self.read(&reply.expect("an answer"), message)
    }

    pub(crate) fn read(&self, reply: &[u8], message: &Sent) -> Answer {
        let mut waiting = message.waiting.clone();
        waiting.receive(reply, &self.agent_keys).unwrap()
    }

    pub(crate) fn events(&self) -> Vec<ChannelEvent> {
        self.counts.events.lock().unwrap().clone()
    }
}

/// A request by this channel, which waits for 30 s.
pub(crate) fn send(channel: &Channel, ask: &Ask, now: UnixTime) -> Sent {
    let place = channel.place(now, WAIT).unwrap();
    let body = ask.body(place.issued, place.deadline);
    let (bytes, waiting) = channel.seal(place, &body).unwrap();
    Sent { bytes, waiting }
}

const WAIT: Duration = Duration::from_secs(30);

impl Ask {
    pub(crate) fn new(kind: Kind, context: &OwnedContext, content: &[u8]) -> Self {
        let names = [
            Some(context.name().as_str().to_owned()),
            context.key().map(|key| key.as_str().to_owned()),
            context.secret_type().map(|t| t.as_str().to_owned()),
        ];
        Self {
            kind,
            caller: 1,
            marks: None,
            project: context.project(),
            names: (kind != Kind::Cms).then_some(names),
            content: content.to_vec(),
        }
    }

    fn body(&self, issued: UnixTime, deadline: UnixTime) -> Zeroizing<Vec<u8>> {
        let names = self.names.as_ref().map(|[name, key, secret_type]| Names {
            name: name.as_deref().unwrap(),
            key: key.as_deref(),
            secret_type: secret_type.as_deref(),
        });
        let create = Create {
            marks: self.marks,
            project: self.project,
            names,
            content: &self.content,
        };
        let head = Head {
            verb: Head::CREATE,
            kind: self.kind.number(),
            caller: CallerTag::from_bytes([self.caller; 16]),
            issued,
            deadline,
            request_id: "test-request-1",
        };
        create.encode(&head).unwrap()
    }
}

/// A context whose texts break no rule.
pub(crate) fn owned(context: SecretContext<'_>) -> OwnedContext {
    OwnedContext::check(&context).unwrap()
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
pub(crate) fn keyed(ask: Ask, scope: u8, payload: u8) -> Ask {
    Ask {
        marks: Some(Marks {
            scope: [scope; 32],
            payload: [payload; 32],
        }),
        ..ask
    }
}
