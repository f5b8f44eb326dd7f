//! Seals many secrets behind one RSA operation, opens them in order, and notices one that is missing.
//!
//!     cargo run -p sealpost-envelope --example batch

use std::{error::Error, fs};

use sealpost_envelope::{
    Envelope, Identity, OsRng, Recipient, RustCrypto, Sealer, SecretContext, Trust, UnixTime,
    context::AgentId,
};

fn main() -> Result<(), Box<dyn Error>> {
    let pins = [FINGERPRINT.parse()?];
    let certificate = fs::read(format!("{FOLDER}/agent.pem"))?;
    let recipients = [Recipient::<RustCrypto>::from_certificate_pem(
        &certificate,
        &Trust::Pinned(&pins),
        UnixTime::now(),
    )?];
    let agent: AgentId = "berlin-1".parse()?;

    // The RSA operation, whose result all messages share, is here.
    let mut batch = Vec::new();
    let mut sealer = Sealer::new(&recipients, &mut OsRng, &mut batch)?;
    let (last, others) = SECRETS.split_last().ok_or("nothing to seal")?;
    for (name, value) in others {
        let context = SecretContext::new(&agent, (*name).try_into()?);
        sealer.seal(&context, value, &mut batch)?;
    }
    let (name, value) = last;
    let context = SecretContext::new(&agent, (*name).try_into()?);
    // The last message is marked, so that a cut batch shows.
    sealer.seal_last(&context, value, &mut batch)?;
    println!("sealed: {} secrets, {} bytes", SECRETS.len(), batch.len());

    let identity = Identity::<RustCrypto>::from_pem(&fs::read(format!("{FOLDER}/identity.pem"))?)?;
    let envelope = Envelope::parse(&batch)?;
    let opener = envelope
        .pending(identity.public_key())?
        .decrypt(&identity, &mut OsRng)?;
    let mut messages = opener.sequence(&envelope);
    for (name, value) in SECRETS {
        let context = SecretContext::new(&agent, (*name).try_into()?);
        let opened = messages
            .open_next(&context)
            .ok_or("a message is missing")??;
        assert_eq!(&opened[..], *value);
        println!("opened: {name}");
    }
    messages.finish()?;

    // The same without its end: each message opens still, and the batch is not complete.
    let mut cut = opener.sequence(&envelope);
    let first = SecretContext::new(&agent, SECRETS[0].0.try_into()?);
    cut.open_next(&first).ok_or("a message is missing")??;
    let incomplete = cut.finish().expect_err("two messages were not read");
    println!("refused, as two were not read: {incomplete}");
    Ok(())
}

const SECRETS: &[(&str, &[u8])] = &[
    ("prod/warehouse", br#"{"password":"P@ssw0rd123"}"#),
    ("prod/queue", br#"{"user":"etl","password":"P@ssw0rd456"}"#),
    ("prod/api", br#"{"token":"not-a-real-one"}"#),
];
const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/berlin-1");
const FINGERPRINT: &str = "889f12b7edad8d4d38dd3fd9d116ace97f14474b7b95a3a589e447315f5e782e";
