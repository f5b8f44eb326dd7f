//! Opening with a key that is not asked: the input is what the key is said to have decrypted, and the
//! frames that follow a right header. Nothing opens, since nothing was sealed.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sealpost_envelope::{
    AwsLc, AwsLcRng, Certificate, Envelope, KeyAnswer, Opener, PublicKey, SecretContext,
};

fuzz_target!(|input: (&[u8], &[u8])| {
    let (block, frames) = input;
    thread_local! {
        static KEY: PublicKey = {
            let pem = include_bytes!("../../testdata/keys/agent-a2048.pem");
            Certificate::from_pem::<AwsLc>(pem).expect("it is well formed").public_key().clone()
        };
    }
    let key_id = KEY.with(PublicKey::key_id);
    let header = [
        &b"sealpost\x01\x01\x01"[..],
        key_id.as_bytes(),
        &[1, 0],
        &[2; 256],
    ]
    .concat();
    let bytes = [&header, frames].concat();
    let Ok(envelope) = Envelope::parse(&bytes) else {
        return;
    };
    let pending = KEY
        .with(|key| envelope.pending(key))
        .expect("the header is right");
    let opener: Opener<AwsLc> = pending
        .finish(KeyAnswer::Seed(block), &mut AwsLcRng)
        .expect("the generator works");
    let context = SecretContext::new("agent", "name");
    let mut sequence = opener.sequence(&envelope);
    while let Some(opened) = sequence.open_next(&context) {
        assert!(opened.is_err(), "a message opened that nobody sealed");
    }
    assert!(sequence.finish().is_err());
});
