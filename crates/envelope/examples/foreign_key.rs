//! Opens in phases: the private key stays in an HSM, a KMS or another process, which decrypts one ciphertext.
//!
//!     cargo run -p sealpost-envelope --example foreign_key
//!
//! `docs/FOREIGN-KEYS.md` says what to ask which store, and how to read its answers.

use std::{error::Error, fs, ops::Deref};

use sealpost_envelope::{
    Certificate, ContextPolicy, Identity, Keyring, Message, OsRng, Recipient, RustCrypto,
    SecretContext, Trust, UnixTime,
    context::AgentId,
    key::{KeyAnswer, PublicIdentity, decrypt},
    seal,
};

/// The place that holds the private key. Here it is this process; the program below sees only `decrypt_oaep`.
struct Store(Identity<RustCrypto>);

impl Store {
    /// RSA-OAEP with SHA-256, MGF1-SHA-256 and no label. `None`: the padding is wrong.
    fn decrypt_oaep(&self, ciphertext: &[u8]) -> Option<impl Deref<Target = Vec<u8>> + use<>> {
        decrypt(&self.0, ciphertext, &mut OsRng)
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let certificate = fs::read(format!("{FOLDER}/agent.pem"))?;
    let store = Store(Identity::from_pem(&fs::read(format!(
        "{FOLDER}/identity.pem"
    ))?)?);
    let agent: AgentId = "berlin-1".parse()?;
    let context = SecretContext::new(&agent, "prod/warehouse".try_into()?);

    let pins = [FINGERPRINT.parse()?];
    let trust = Trust::Pinned(&pins);
    let recipient =
        Recipient::<RustCrypto>::from_certificate_pem(&certificate, &trust, UnixTime::now())?;
    let received = seal(&[recipient], &context, b"secret", &mut OsRng)?;

    // 1. Without the key: parse, find which key is named, check what the context must be.
    let public_key = Certificate::from_pem(&certificate)?.public_key().clone();
    let keyring = Keyring::new(PublicIdentity::new(public_key));
    let message = Message::parse(&received)?;
    let pending = message.pending(&keyring, ContextPolicy::RequireContext(&context))?;
    println!("to decrypt: {} bytes", pending.encapsulation().len());

    // 2. The store decrypts; this may take a while, and be asynchronous.
    let answer = store.decrypt_oaep(pending.encapsulation());

    // 3. The rest. A rejection goes in like an answer: every failure takes the same way out.
    let answer = match &answer {
        Some(seed) => KeyAnswer::Seed(seed),
        None => KeyAnswer::Rejected,
    };
    let opened = pending.finish::<RustCrypto, _>(answer, &mut OsRng)?;
    assert_eq!(opened.value(), b"secret");
    println!("opened: {} bytes", opened.value().len());
    Ok(())
}

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/berlin-1");
const FINGERPRINT: &str = "889f12b7edad8d4d38dd3fd9d116ace97f14474b7b95a3a589e447315f5e782e";
