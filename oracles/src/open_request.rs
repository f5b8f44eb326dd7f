//! An agent, from a message to its vault. The value and the message are sealed here: a fuzzer can't.

use std::{
    mem,
    ops::Range,
    sync::{Arc, LazyLock},
    time::Duration,
};

use async_trait::async_trait;
use parking_lot::Mutex;
use sealpost_agent::{Accept, Agent, LocalKeyring};
use sealpost_channel::{
    CallerTag, Create, Head, Kind, Names, Outcome, SigningKey,
    gateway::{Answer, Channel, Clocks, Destination},
};
use sealpost_context::{AgentId, OwnedContext, ProjectId};
use sealpost_envelope::{
    AwsLc, AwsLcRng, Identity, RustCrypto, SecretContext, UnixTime,
    binding::Binding,
    cms,
    jwe::{self, Serialization},
    wrapper,
};
use sealpost_protocol::{Clock, single_use::SingleUse};
use sealpost_validator::MAX_MEMBERS;
use sealpost_vault::{
    Deadline, NewSecret, Receipt, SecretValue, Vault,
    error::{CreateError, FetchError},
    guarantees::Guarantees,
};
use sealpost_vault_key::{ResolverRef, VaultKind, VaultSecretName};
use tokio::runtime::Runtime;

use crate::{
    input::{self, join},
    keys::{self, CERTIFICATE, NOW, PRIVATE_KEY, rng},
    reference,
    seeds::Seed,
};

/// How a value is sealed, the context that it is sealed with, the one that it is sent with if that is another, and the
/// value. What is stored is the value byte for byte, under the name that it was sealed for, and only if it was sent there
/// and breaks no rule; of all others the vault does not hear.
pub(crate) fn check(bytes: &[u8]) {
    let [how, sealed_for, sent_to, value] = input::parts(bytes);
    let Some(binding) = binding(sealed_for) else {
        return;
    };
    let sent_to = match sent_to {
        [] => Some(binding.clone()),
        other => self::binding(other),
    };
    let context = sent_to.and_then(|binding| OwnedContext::check(&binding.context()).ok());
    // To another agent it can't be sent.
    let Some(context) = context.filter(|context| context.agent().as_str() == AGENT) else {
        return;
    };
    let Some(sealed) = sealed(how, &binding, value) else {
        return;
    };
    let (kind, _) = sealed;
    let Some((outcome, stored)) = hand_over(&sealed, &context) else {
        return;
    };

    let expected = expected(kind, &binding, &context, value);
    match (&expected, outcome) {
        (
            Some((span, of)),
            Outcome::Stored {
                resolver_ref,
                vault_secret_name,
            },
        ) => {
            let project = of.project();
            let project = project.as_ref().map(ProjectId::as_bytes);
            let name = VaultSecretName::derive(VaultKind::EMBEDDED, project, of.name().as_str());
            assert_eq!(vault_secret_name, name.as_str());
            let reference = ResolverRef::new(name.as_str(), of.key().map(|key| key.as_str()));
            assert_eq!(resolver_ref, reference.expect("it has one").to_string());
            let value = value[span.clone()].to_vec();
            assert_eq!(stored, [(name.as_str().to_owned(), value)]);
        }
        (None, outcome) => {
            assert!(stored.is_empty(), "{outcome:?}, and still it is stored");
            assert!(
                matches!(
                    outcome,
                    Outcome::Refused(_)
                        | Outcome::DoesNotOpen
                        | Outcome::Unreadable(_)
                        | Outcome::ContextMismatch(_)
                ),
                "{outcome:?}"
            );
        }
        (Some(_), outcome) => panic!("{outcome:?}, but it breaks no rule"),
    }
}

/// Where the object stands in the value, and whose it is, if it is to be stored.
fn expected(
    kind: Kind,
    binding: &Binding,
    sent_to: &OwnedContext,
    value: &[u8],
) -> Option<(Range<usize>, OwnedContext)> {
    // In clear it is for whom it was sent to.
    let own = match kind {
        Kind::Clear => sent_to.clone(),
        _ => OwnedContext::check(&binding.context()).ok()?,
    };
    let same = match kind {
        Kind::Cms => own.owner() == sent_to.owner(),
        _ => own == *sent_to,
    };
    let in_time =
        kind == Kind::Clear || SingleUse::parse(binding, NOW, Duration::from_secs(60)).is_ok();
    if kind == Kind::Cms {
        // A value that is as deep as may be has no room in a wrapper.
        wrapper::unwrap(&wrapper::wrap(binding, value)).ok()?;
    }
    let sound = same && in_time;
    let verdict = reference::value(value, own.key().map(|key| key.as_str()), false, MAX_MEMBERS);
    let span = verdict.parts?.value;
    sound.then_some((span, own))
}

fn binding(json: &[u8]) -> Option<Binding> {
    Binding::parse(str::from_utf8(json).ok()?).ok()
}

/// In the format with this letter.
fn sealed(how: &[u8], binding: &Binding, value: &[u8]) -> Option<Sealed> {
    let recipients = [keys::recipient::<RustCrypto>()];
    let mut rng = rng();
    let serialization = match how.first()? {
        b'n' => return Some((Kind::Clear, value.to_vec())),
        b'c' => {
            let wrapped = wrapper::wrap(binding, value);
            let cms = cms::seal(&recipients, &wrapped, &mut rng).ok()?;
            return Some((Kind::Cms, cms));
        }
        b'j' => Serialization::Compact,
        b'f' => Serialization::Flattened,
        _ => return None,
    };
    let jwe = jwe::seal(&recipients, Some(binding), serialization, value, &mut rng).ok()?;
    Some((Kind::Jwe, jwe.into_bytes()))
}

/// The message of a request by a new channel, and what reads its answer; `None` if no gateway can send it.
fn message(
    (kind, content): &Sealed,
    context: &OwnedContext,
    key: &SigningKey,
) -> Option<(Vec<u8>, sealpost_channel::gateway::Waiting)> {
    // As long as may be, for a loaded machine.
    let wait = Destination::MAX_WAIT;
    let to = Destination {
        agent: *context.agent(),
        recipient: &keys::recipient(),
        signed_requests: false,
        longest_wait: wait,
    };
    let now = Clocks {
        wall: NOW,
        monotonic: Duration::ZERO,
    };
    let channel = Channel::open(&to, key, now, &mut AwsLcRng).expect("it opens");
    let place = channel.place(NOW, wait).expect("it is the first");
    let names = Names {
        name: context.name().as_str(),
        key: context.key().map(|key| key.as_str()),
        secret_type: context
            .secret_type()
            .map(|secret_type| secret_type.as_str()),
    };
    let create = Create {
        marks: None,
        project: context.project(),
        names: (*kind != Kind::Cms).then_some(names),
        content,
    };
    let head = Head {
        verb: Head::CREATE,
        kind: kind.number(),
        caller: CallerTag::from_bytes([1; 16]),
        issued: place.issued,
        deadline: place.deadline,
        request_id: "fuzzing-1",
    };
    let body = create.encode(&head).ok()?;
    Some(channel.seal(place, &body).expect("it can be sealed"))
}

/// What a new agent makes of it, and what its vault is asked to keep.
fn hand_over(sealed: &Sealed, context: &OwnedContext) -> Option<(Outcome, Stored)> {
    static RUNTIME: LazyLock<Mutex<Runtime>> = LazyLock::new(|| {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build();
        Mutex::new(runtime.expect("it starts"))
    });
    let key = keys::signing_key();
    let id: AgentId = AGENT.parse().expect("it is an id");
    let vault = Arc::new(Memory::default());
    let mut identity = Identity::<AwsLc>::from_pem(PRIVATE_KEY).expect("it is well formed");
    let certificate = sealpost_envelope::Certificate::from_pem(CERTIFICATE);
    identity
        .add_certificate(certificate.expect("it is well formed"))
        .expect("it is this key's");
    let accept = Accept::parse(["native", "jwe", "cms"]).expect("these are formats");
    let signing_key = SigningKey::generate().expect("there is randomness");
    let trusted = signing_key.verify_key().clone().into();
    let agent = Agent::new(
        id,
        LocalKeyring::new(identity),
        vault.clone(),
        signing_key,
        key.verify_key().clone(),
    )
    .with_accept(accept)
    .with_clock(Arc::new(Stopped));
    let (message, mut waiting) = message(sealed, context, &key)?;
    let runtime = RUNTIME.lock();
    let reply = runtime.block_on(agent.handle(&message));
    let reply = reply.expect("who is believed gets an answer");
    let stored = mem::take(&mut *vault.0.lock());
    match waiting.receive(&reply, &trusted) {
        Ok(Answer::Outcome(outcome)) => Some((outcome, stored)),
        other => panic!("the gateway does not believe it: {other:?}"),
    }
}

/// How it is sealed, and the bytes.
type Sealed = (Kind, Vec<u8>);
type Stored = Vec<(String, Vec<u8>)>;

/// A vault that takes everything.
#[derive(Debug, Default)]
struct Memory(Mutex<Stored>);

#[async_trait]
impl Vault for Memory {
    fn kind(&self) -> VaultKind {
        VaultKind::EMBEDDED
    }

    fn guarantees(&self) -> Guarantees {
        Guarantees::STRONGEST
    }

    async fn create(&self, secret: &NewSecret<'_>, _: Deadline) -> Result<Receipt, CreateError> {
        let mut stored = self.0.lock();
        stored.push((secret.name.as_str().to_owned(), secret.value.to_vec()));
        Ok(Receipt::default())
    }

    async fn fetch(&self, _: &VaultSecretName, _: Deadline) -> Result<SecretValue, FetchError> {
        panic!("an agent reads nothing")
    }
}

#[derive(Debug)]
struct Stopped;

impl Clock for Stopped {
    fn now(&self) -> UnixTime {
        NOW
    }
}

/// Values in each format, which are stored and which are not.
pub(crate) fn seeds() -> Vec<Seed> {
    let project = ProjectId::from_bytes([0xab; 16]);
    let plain = SecretContext::unchecked(AGENT, "db-login");
    let full = plain
        .with_unchecked_key("password")
        .with_unchecked_type("PASSWORD")
        .with_project(project);
    let json = |context: &SecretContext<'_>, ahead: u64| {
        let until = UnixTime::from_secs(NOW.as_secs() + ahead);
        let binding = Binding::new(context).with_use("5c8ad1f0", until);
        binding.expect("it has a use").to_json()
    };
    let good = json(&full, 3600);
    let elsewhere = json(&full.with_project(ProjectId::from_bytes([0xac; 16])), 3600);
    let value = r#" {"password":"correct horse","user":"a"} "#;
    let mut seeds = Vec::new();
    for how in ["n", "j", "f", "c"] {
        let mut add = |name: &str, of: &str, to: &str, value: &str| {
            let parts = [how, of, to, value].map(str::as_bytes);
            seeds.push((format!("{how}_{name}"), join(&parts)));
        };
        add("good", &good, "", value);
        add("plain", &json(&plain, 3600), "", r#"{"a":{"b":[1]}}"#);
        add("elsewhere", &good, &elsewhere, value);
        add(
            "other_name",
            &json(&plain, 3600),
            &json(&SecretContext::unchecked(AGENT, "x"), 3600),
            value,
        );
        add(
            "other_key",
            &good,
            &json(&full.with_unchecked_key("user"), 3600),
            value,
        );
        add("late", &json(&full, 90_000), "", value);
        add("no_use", &Binding::new(&full).to_json(), "", value);
        add(
            "bad_name",
            &json(&SecretContext::unchecked(AGENT, "a\u{0}"), 3600),
            "",
            value,
        );
        add("no_such_key", &good, "", r#"{"user":"a"}"#);
        add("two_keys", &good, "", r#"{"password":1,"p\u0061ssword":2}"#);
        add("list", &json(&plain, 3600), "", "[1]");
    }
    seeds
}

const AGENT: &str = "agent-1";

#[cfg(test)]
mod tests {
    use super::*;

    /// A target whose seeds are all refused at the door would find nothing.
    #[test]
    fn seeds_of_each_format_are_stored() {
        for how in ["n", "j", "f", "c"] {
            let (_, seed) = seeds()
                .into_iter()
                .find(|(name, _)| *name == format!("{how}_good"))
                .expect("it is there");
            let [how, of, _, value] = input::parts(&seed);
            let binding = binding(of).expect("it is one");
            let context = OwnedContext::check(&binding.context()).expect("it is sound");
            let sealed = sealed(how, &binding, value).expect("it can be sealed");
            let (_, stored) = hand_over(&sealed, &context).expect("it can be sent");
            assert_eq!(stored.len(), 1);
        }
    }
}
