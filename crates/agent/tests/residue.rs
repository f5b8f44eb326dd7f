// `unsafe` is here because a test of freed memory can't do without: `GlobalAlloc` is an unsafe trait, and
// a block is read through the pointer that is about to be freed.
#![allow(unsafe_code)]
#![allow(clippy::unwrap_used)] // a failed unwrap is a failed test

//! The road from a received message to the embedded vault, and back to a resolved value, leaves nothing of the
//! value in freed memory, on any thread.
//!
//! One test in a program of its own: whatever runs beside it would be looked at as well.

use std::{
    alloc::{GlobalAlloc, Layout, System},
    hint::black_box,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

use base64ct::{Base64, Encoding as _};
use sealpost_agent::{Accept, Agent, Ledger, Resolver};
use sealpost_envelope::{
    AwsLc, AwsLcRng, Binding, Certificate, Identity, Recipient, Trust, UnixTime, cms, jwe, seal,
    text, wrapper,
};
use sealpost_protocol::{
    AgentId, Clock, Idempotency, Mac, MessageId, Outcome, OwnedContext, Sealed, SecretId,
    SigningKey, StoreReply, StoreRequest, SystemClock, VerifyKeys,
};
use sealpost_vault::EmbeddedVault;
use zeroize::{Zeroize, Zeroizing};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_agents_road_leaves_nothing_of_a_value() {
    // The control: what is freed as it was is found, and what was wiped is not.
    assert_eq!(watched(|| drop(black_box(value(4)))), 4);
    assert_eq!(watched(|| drop(black_box(Zeroizing::new(value(4))))), 0);
    assert_eq!(
        watched(|| std::thread::spawn(|| drop(black_box(value(4))))
            .join()
            .unwrap()),
        4,
        "on every thread"
    );

    let folder = std::env::temp_dir().join(format!("sealpost-residue-{}", std::process::id()));
    let world = World::new(&folder);
    let formats = [Format::Native, Format::Jwe, Format::Cms];
    let names = ["first", "second"];
    for (format, name) in formats.iter().flat_map(|f| names.map(|n| (*f, n))) {
        world.format.store(format as usize, Ordering::SeqCst);
        let name = &format!("{name}-{format:?}");
        let (message, id) = world.message(name, 200);
        FOUND.store(0, Ordering::SeqCst);
        ARMED.store(true, Ordering::SeqCst);

        let reply = world.agent.handle(&message).await.unwrap();
        let Outcome::Stored { resolver_ref, .. } = world.read(&reply, id) else {
            panic!("it was stored, as {format:?}");
        };
        // Stored already: opened and validated all the same.
        let (again, _) = world.message_unarmed(name, 200);
        world.agent.handle(&again).await.unwrap();
        for reference in [resolver_ref.clone(), format!("{resolver_ref}#password")] {
            let resolved = world.resolver.resolve(&reference).await.unwrap();
            assert!(resolved.as_json().len() >= 200 * CANARY.len());
            drop(resolved.to_plain());
        }
        // Another name than it was sealed for: it does not open.
        let wrong = world.misdirected("elsewhere", 200);
        world.agent.handle(&wrong).await.unwrap();

        ARMED.store(false, Ordering::SeqCst);
        assert_eq!(
            FOUND.load(Ordering::SeqCst),
            0,
            "places in freed memory, {name}"
        );
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
        let vault = Arc::new(EmbeddedVault::open(folder).unwrap());
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
            agent: Agent::new(id.clone(), identity, vault, agent_key, gateway.verify_key())
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
        ARMED.store(false, Ordering::SeqCst);
        let message = self.message(name, canaries);
        ARMED.store(true, Ordering::SeqCst);
        message
    }

    fn misdirected(&self, name: &str, canaries: usize) -> Vec<u8> {
        ARMED.store(false, Ordering::SeqCst);
        let (message, _) = self.sealed_for("another", name, canaries);
        ARMED.store(true, Ordering::SeqCst);
        message
    }

    fn sealed_for(&self, sealed: &str, sent: &str, canaries: usize) -> (Vec<u8>, MessageId) {
        let mut json = Zeroizing::new(b"{\"password\":\"".to_vec());
        json.reserve_exact(canaries * CANARY.len() + 2);
        json.extend(Zeroizing::new(value(canaries)).iter());
        json.extend(b"\"}");
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
        let message = request.sign(&self.gateway, SystemClock.now(), 60).unwrap();
        (message, request.id)
    }

    fn read(&self, reply: &[u8], id: MessageId) -> Outcome {
        StoreReply::verify(
            reply,
            (&self.id, &self.agent_keys),
            &self.gateway.gateway_name(),
            id,
            SystemClock.now(),
            60,
        )
        .unwrap()
    }
}

/// The canary, so many times: any part of it that is longer than two canaries holds a whole one.
fn value(canaries: usize) -> Vec<u8> {
    let mut value = Vec::with_capacity(canaries * CANARY.len());
    for _ in 0..canaries {
        value.extend(CANARY.iter().map(|byte| byte ^ MASK));
    }
    value
}

fn watched(operation: impl FnOnce()) -> usize {
    FOUND.store(0, Ordering::SeqCst);
    ARMED.store(true, Ordering::SeqCst);
    operation();
    ARMED.store(false, Ordering::SeqCst);
    FOUND.load(Ordering::SeqCst)
}

/// Looks for the canary in every block that is freed, then wipes the block. A block that grows or shrinks moves.
struct Watching;

// SAFETY: memory comes from the system's allocator and goes back to it, with the same layout.
unsafe impl GlobalAlloc for Watching {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller keeps the contract of `GlobalAlloc`. Zeroed, so that all of it may be read later.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: the block is alive, has this length, and was written from its start to its end.
        unsafe {
            if ARMED.load(Ordering::SeqCst) {
                let bytes = std::slice::from_raw_parts(block, layout.size());
                FOUND.fetch_add(count(bytes), Ordering::SeqCst);
            }
            std::slice::from_raw_parts_mut(block, layout.size()).zeroize();
            System.dealloc(block, layout);
        }
    }

    // `realloc` as the trait provides it: a new block, a copy, the old block freed.
}

fn count(bytes: &[u8]) -> usize {
    let found = |window: &&[u8]| {
        window
            .iter()
            .zip(&CANARY)
            .all(|(byte, masked)| byte ^ MASK == *masked)
    };
    bytes.windows(CANARY.len()).filter(found).count()
}

#[global_allocator]
static WATCHING: Watching = Watching;
static ARMED: AtomicBool = AtomicBool::new(false);
static FOUND: AtomicUsize = AtomicUsize::new(0);

/// `canary-7f3a91c2-`, masked, so that nothing but a value holds it.
const CANARY: [u8; 16] = [
    57, 59, 52, 59, 40, 35, 119, 109, 60, 105, 59, 99, 107, 57, 104, 119,
];
const MASK: u8 = 0x5a;
