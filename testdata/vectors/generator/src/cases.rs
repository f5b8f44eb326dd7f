//! The cases, by the stage at which they end.

mod context;
mod encapsulation;
mod message;
mod structure;
mod success;
mod text_form;

use rand::rngs::ChaCha20Rng;

use crate::{
    builder::{self, Key, Schedule, Stanza},
    vector::{Body, Context, Vector},
};

pub(crate) fn all() -> Vec<Vector> {
    let keys = Keys::load();
    [
        success::cases(&keys),
        structure::cases(&keys),
        encapsulation::cases(&keys),
        context::cases(&keys),
        message::cases(&keys),
        text_form::cases(&keys),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// The agents' keys.
pub(crate) struct Keys {
    a2048: Key,
    b2048: Key,
    a2049: Key,
    a3072: Key,
    a4096: Key,
}

impl Keys {
    fn load() -> Self {
        Self {
            a2048: Key::load("a2048"),
            b2048: Key::load("b2048"),
            a2049: Key::load("a2049"),
            a3072: Key::load("a3072"),
            a4096: Key::load("a4096"),
        }
    }
}

/// The context of most cases.
const CONTEXT: Context = Context {
    agent: "agent-1",
    project: Some([
        0x8f, 0x14, 0xe4, 0x5f, 0xce, 0xea, 0x46, 0x7f, 0xa6, 0xd0, 0x1d, 0x9b, 0x4b, 0x6e, 0x10,
        0x2c,
    ]),
    name: "my-secret",
    key: Some("password"),
    secret_type: Some("PASSWORD"),
};

/// The message of most cases.
const MESSAGE: &[u8] = b"{\"password\":\"P@ssw0rd123\"}";

/// A right envelope with one message for `a2048`, in pieces.
struct Parts {
    rng: ChaCha20Rng,
    seed: [u8; 32],
    stanzas: Vec<Stanza>,
}

impl Parts {
    fn new(name: &str, keys: &[&Key]) -> Self {
        let mut rng = builder::rng(name);
        let seed = builder::bytes(&mut rng);
        let stanzas = keys
            .iter()
            .map(|key| builder::stanza(key, &seed, &mut rng))
            .collect();
        Self { rng, seed, stanzas }
    }

    fn header(&self) -> Vec<u8> {
        builder::header(&self.stanzas)
    }

    fn schedule(&self) -> Schedule {
        Schedule::new(&self.header(), &self.seed)
    }

    /// The whole envelope, right.
    fn envelope(&self) -> Vec<u8> {
        [
            self.header(),
            self.schedule().frame(0, 1, &CONTEXT, MESSAGE),
        ]
        .concat()
    }
}

/// A case of one message that fails.
fn failure(
    name: &str,
    expect: &'static str,
    rules: &'static str,
    comment: &str,
    envelope: Vec<u8>,
) -> Vector {
    Vector {
        name: name.to_owned(),
        expect,
        comment: comment.to_owned(),
        rules,
        batch: false,
        identity: "a2048",
        contexts: vec![CONTEXT],
        opened: None,
        body: Body::Binary(envelope),
    }
}
