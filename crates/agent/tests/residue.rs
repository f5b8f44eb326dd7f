#![allow(clippy::unwrap_used)] // a failed unwrap is a failed test

//! The road from a received message to the embedded vault, and back to a resolved value, leaves nothing of the
//! value in freed memory, on any thread.
//!
//! One test in a program of its own: whatever runs beside it would be looked at as well.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use sealpost_agent::{Accept, Agent, Ledger, LocalKeyring, Resolver};
use sealpost_channel::{
    CallerTag, Create, Head, Kind, Marks, Names, Outcome, SigningKey, TrustedKeys,
    gateway::{Answer, Channel, Clocks, Destination, Waiting},
};
use sealpost_context::{AgentId, OwnedContext, SecretId};
use sealpost_envelope::{
    AwsLc, AwsLcRng, Certificate, Identity, Recipient, Trust, UnixTime, binding::Binding, cms, jwe,
    wrapper,
};
use sealpost_protocol::{Clock, clock::SystemClock};
use sealpost_testkit::canary;
use sealpost_vault_file::FileVault;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_agents_road_leaves_nothing_of_a_value() {
    canary::assert_watching();

    let folder = std::env::temp_dir().join(format!("sealpost-residue-{}", std::process::id()));
    let world = World::new(&folder);
    let kinds = [Kind::Clear, Kind::Jwe, Kind::Cms];
    let names = ["first", "second"];
    for (kind, name) in kinds.iter().flat_map(|kind| names.map(|n| (*kind, n))) {
        let name = &format!("{name}-{kind:?}");
        let (message, waiting) = world.message(kind, name, 200);
        canary::arm();

        let reply = world.agent.handle(&message).await.unwrap();
        let Outcome::Stored { resolver_ref, .. } = world.read(&reply, waiting) else {
            panic!("it was stored, as {kind:?}");
        };
        // Stored already: opened and validated all the same.
        let (again, _) = world.message_unarmed(kind, name, name, 200);
        world.agent.handle(&again).await.unwrap();
        for reference in [resolver_ref.clone(), format!("{resolver_ref}#password")] {
            let resolved = world.resolver.resolve(&reference).await.unwrap();
            assert!(resolved.as_json().len() >= 200 * canary::LENGTH);
            drop(resolved.to_plain());
        }
        // Another name than it was sealed for, and a frame that was changed: it does not open.
        let (wrong, _) = world.message_unarmed(kind, "another", "elsewhere", 200);
        world.agent.handle(&wrong).await.unwrap();
        let mut changed = message.clone();
        *changed.last_mut().unwrap() ^= 1;
        assert!(world.agent.handle(&changed).await.is_none());

        canary::disarm();
        assert_eq!(canary::take_found(), 0, "places in freed memory, {name}");
    }
    drop(world);
    std::fs::remove_dir_all(folder).unwrap();
}

struct World {
    agent: Agent,
    resolver: Resolver,
    id: AgentId,
    recipient: Recipient<AwsLc>,
    channel: Channel,
    agent_keys: TrustedKeys,
    /// Counts uses.
    uses: AtomicUsize,
}

impl World {
    fn new(folder: &std::path::Path) -> Self {
        let key = include_bytes!("../../../testdata/keys/agent-a2048.key.pem");
        let certificate = include_bytes!("../../../testdata/keys/agent-a2048.pem");
        let now = UnixTime::from_secs(2_000_000_000);
        let (gateway, agent_key) = (
            SigningKey::generate().unwrap(),
            SigningKey::generate().unwrap(),
        );
        let id: AgentId = "a2048".parse().unwrap();
        let vault = Arc::new(FileVault::open(folder).unwrap());
        let mut identity = Identity::from_pem(key).unwrap();
        let of_identity = Certificate::from_pem(certificate).unwrap();
        identity.add_certificate(of_identity).unwrap();
        let trust = Trust::DangerAnyCertificate;
        let recipient = Recipient::from_certificate_pem(certificate, &trust, now).unwrap();
        let to = Destination {
            agent: id,
            recipient: &recipient,
            signed_requests: false,
            longest_wait: MINUTE,
        };
        let opened = Clocks {
            wall: SystemClock.now(),
            monotonic: MINUTE,
        };
        Self {
            resolver: Resolver::new(vault.clone()),
            agent_keys: TrustedKeys::from(agent_key.verify_key().clone()),
            agent: Agent::new(
                id,
                LocalKeyring::new(identity),
                vault,
                agent_key,
                gateway.verify_key().clone(),
            )
            .with_ledger(Ledger::open(folder.join("ledger.redb")).unwrap())
            .with_accept(Accept::parse(["native", "jwe", "cms"]).unwrap()),
            id,
            channel: Channel::open(&to, &gateway, opened, &mut AwsLcRng).unwrap(),
            recipient,
            uses: AtomicUsize::new(0),
        }
    }

    /// What a gateway sends, and what reads the answer. The value is wiped before it returns.
    fn message(&self, kind: Kind, name: &str, canaries: usize) -> (Vec<u8>, Waiting) {
        self.sealed_for(kind, name, name, canaries)
    }

    /// The same while the allocator watches, perhaps sealed for another name than it is sent for.
    fn message_unarmed(
        &self,
        kind: Kind,
        sealed: &str,
        sent: &str,
        canaries: usize,
    ) -> (Vec<u8>, Waiting) {
        canary::disarm();
        let message = self.sealed_for(kind, sealed, sent, canaries);
        canary::arm();
        message
    }

    fn sealed_for(
        &self,
        kind: Kind,
        sealed: &str,
        sent: &str,
        canaries: usize,
    ) -> (Vec<u8>, Waiting) {
        let json = canary::json(canaries);
        let sealing = OwnedContext::new(self.id, SecretId::new(sealed.try_into().unwrap()));
        let recipients = std::slice::from_ref(&self.recipient);
        let until = UnixTime::from_secs(SystemClock.now().as_secs() + 60);
        let used = self.uses.fetch_add(1, Ordering::SeqCst);
        let binding = Binding::new(&sealing.borrow());
        let binding = binding.with_use(&used.to_string(), until).unwrap();
        let rng = &mut AwsLcRng;
        let content = match kind {
            Kind::Clear => json.to_vec(),
            Kind::Jwe => {
                let form = jwe::Serialization::Compact;
                let jwe = jwe::seal(recipients, Some(&binding), form, &json, rng).unwrap();
                jwe.into_bytes()
            }
            Kind::Cms | Kind::Native => {
                let wrapped = wrapper::wrap(&binding, &json);
                cms::seal(recipients, &wrapped, rng).unwrap()
            }
        };
        let content = zeroize::Zeroizing::new(content);
        let names = Names {
            name: sent,
            key: None,
            secret_type: None,
        };
        // With an idempotency key, so that the ledger is on the road as well.
        let mut scope = [kind.number(); 32];
        scope[..8].copy_from_slice(&used.to_be_bytes());
        let create = Create {
            marks: Some(Marks {
                scope,
                payload: [kind.number(); 32],
            }),
            project: None,
            names: (kind != Kind::Cms).then_some(names),
            content: &content,
        };
        let place = self.channel.place(SystemClock.now(), MINUTE).unwrap();
        let head = Head {
            verb: Head::CREATE,
            kind: kind.number(),
            caller: CallerTag::from_bytes([1; 16]),
            issued: place.issued,
            deadline: place.deadline,
            request_id: "a-residue",
        };
        let body = create.encode(&head).unwrap();
        self.channel.seal(place, &body).unwrap()
    }

    fn read(&self, reply: &[u8], mut waiting: Waiting) -> Outcome {
        match waiting.receive(reply, &self.agent_keys).unwrap() {
            Answer::Outcome(outcome) => outcome,
            Answer::Refused(code) => panic!("{code:?}"),
        }
    }
}

const MINUTE: std::time::Duration = std::time::Duration::from_secs(60);

#[global_allocator]
static ALLOCATOR: canary::Watching = canary::Watching;
