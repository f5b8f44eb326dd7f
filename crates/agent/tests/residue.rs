#![allow(clippy::unwrap_used)] // a failed unwrap is a failed test

//! The road from a received message to the embedded vault, and back to a resolved value, leaves nothing of the
//! value in freed memory, on any thread.
//!
//! One test in a program of its own: whatever runs beside it would be looked at as well.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use base64ct::{Base64, Encoding as _};
use sealpost_agent::{Accept, Agent, Ledger, LocalKeyring, Resolver};
use sealpost_envelope::{
    AwsLc, AwsLcRng, Certificate, Identity, Recipient, Trust, UnixTime, binding::Binding, cms, jwe,
    seal, text, wrapper,
};
use sealpost_protocol::{
    AgentId, Clock, MessageId, Outcome, Sealed, SigningKey, StoreReply, StoreRequest, VerifyKeys,
    clock::SystemClock,
    context::{OwnedContext, SecretId},
    idempotency::{Idempotency, Mac},
};
use sealpost_testkit::canary;
use sealpost_vault_file::FileVault;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_agents_road_leaves_nothing_of_a_value() {
    canary::assert_watching();

    let folder = std::env::temp_dir().join(format!("sealpost-residue-{}", std::process::id()));
    let world = World::new(&folder);
    let formats = [Format::Native, Format::Jwe, Format::Cms];
    let names = ["first", "second"];
    for (format, name) in formats.iter().flat_map(|f| names.map(|n| (*f, n))) {
        world.format.store(format as usize, Ordering::SeqCst);
        let name = &format!("{name}-{format:?}");
        let (message, id) = world.message(name, 200);
        canary::arm();

        let reply = world.agent.handle(&message).await.unwrap();
        let Outcome::Stored { resolver_ref, .. } = world.read(&reply, id) else {
            panic!("it was stored, as {format:?}");
        };
        // Stored already: opened and validated all the same.
        let (again, _) = world.message_unarmed(name, 200);
        world.agent.handle(&again).await.unwrap();
        for reference in [resolver_ref.clone(), format!("{resolver_ref}#password")] {
            let resolved = world.resolver.resolve(&reference).await.unwrap();
            assert!(resolved.as_json().len() >= 200 * canary::LENGTH);
            drop(resolved.to_plain());
        }
        // Another name than it was sealed for: it does not open.
        let wrong = world.misdirected("elsewhere", 200);
        world.agent.handle(&wrong).await.unwrap();

        canary::disarm();
        assert_eq!(canary::take_found(), 0, "places in freed memory, {name}");
    }
    drop(world);
    std::fs::remove_dir_all(folder).unwrap();
}

/// What the value is sealed in.
#[derive(Clone, Copy, Debug)]
enum Format {
    Native,
    Jwe,
    Cms,
}

struct World {
    format: AtomicUsize,
    agent: Agent,
    resolver: Resolver,
    id: AgentId,
    recipient: Recipient<AwsLc>,
    gateway: SigningKey,
    agent_keys: VerifyKeys,
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
        Self {
            format: AtomicUsize::new(0),
            resolver: Resolver::new(vault.clone()),
            recipient: Recipient::from_certificate_pem(
                certificate,
                &Trust::DangerAnyCertificate,
                now,
            )
            .unwrap(),
            agent_keys: VerifyKeys::from(agent_key.verify_key()),
            agent: Agent::new(
                id,
                LocalKeyring::new(identity),
                vault,
                agent_key,
                gateway.verify_key(),
            )
            .with_ledger(Ledger::open(folder.join("ledger.redb")).unwrap())
            .with_accept(Accept::parse(["native", "jwe", "cms"]).unwrap()),
            id,
            gateway,
        }
    }

    /// What a gateway sends, and its id. The value is wiped before it returns.
    fn message(&self, name: &str, canaries: usize) -> (Vec<u8>, MessageId) {
        self.sealed_for(name, name, canaries)
    }

    /// The same while the allocator watches.
    fn message_unarmed(&self, name: &str, canaries: usize) -> (Vec<u8>, MessageId) {
        canary::disarm();
        let message = self.message(name, canaries);
        canary::arm();
        message
    }

    fn misdirected(&self, name: &str, canaries: usize) -> Vec<u8> {
        canary::disarm();
        let (message, _) = self.sealed_for("another", name, canaries);
        canary::arm();
        message
    }

    fn sealed_for(&self, sealed: &str, sent: &str, canaries: usize) -> (Vec<u8>, MessageId) {
        let json = canary::json(canaries);
        let context =
            |name: &str| OwnedContext::new(self.id, SecretId::new(name.try_into().unwrap()));
        let (sealing, context) = (context(sealed), context(sent));
        let recipients = std::slice::from_ref(&self.recipient);
        let until = UnixTime::from_secs(SystemClock.now().as_secs() + 60);
        let binding = Binding::new(&sealing.borrow());
        let id = MessageId::random();
        let binding = binding.with_use(&id.to_string(), until).unwrap();
        let rng = &mut AwsLcRng;
        let (sealed, payload) = match self.format.load(Ordering::SeqCst) {
            0 => {
                let envelope = seal(recipients, &sealing.borrow(), &json, rng).unwrap();
                let envelope = text::encode(&envelope);
                (Sealed::Native { context, envelope }, 0)
            }
            1 => {
                let form = jwe::Serialization::Compact;
                let jwe = jwe::seal(recipients, Some(&binding), form, &json, rng).unwrap();
                (Sealed::Jwe { context, jwe }, 1)
            }
            _ => {
                let wrapped = wrapper::wrap(&binding, &json);
                let owner = *context.owner();
                let cms = cms::seal(recipients, &wrapped, rng).unwrap();
                let cms = Base64::encode_string(&cms);
                (Sealed::Cms { owner, cms }, 2)
            }
        };
        // With an idempotency key, so that the ledger is on the road as well.
        let mut scope = [payload; 32];
        scope[..16].copy_from_slice(id.as_bytes());
        let request = StoreRequest {
            id,
            request_id: "residue".into(),
            idempotency: Some(Idempotency {
                scope: Mac::from_bytes(scope),
                payload: Mac::from_bytes([payload; 32]),
            }),
            sealed,
        };
        let message = request
            .sign(&self.gateway, SystemClock.now(), MINUTE)
            .unwrap();
        (message, request.id)
    }

    fn read(&self, reply: &[u8], id: MessageId) -> Outcome {
        StoreReply::verify(
            reply,
            (&self.id, &self.agent_keys),
            &self.gateway.gateway_name(),
            id,
            SystemClock.now(),
            MINUTE,
        )
        .unwrap()
    }
}

const MINUTE: std::time::Duration = std::time::Duration::from_secs(60);

#[global_allocator]
static ALLOCATOR: canary::Watching = canary::Watching;
