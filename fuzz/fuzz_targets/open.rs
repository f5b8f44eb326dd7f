//! Opening with a key that is not asked: the input is cut into a seed's block and an envelope for that key.
//! Nothing opens but what was sealed, and nobody knows a seed to seal with here.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sealpost_envelope::{
    AwsLc, AwsLcRng, Certificate, Envelope, KeyAnswer, Opener, PublicKey, SecretContext,
};

fuzz_target!(|input: (&[u8], &[u8])| {
    let (block, bytes) = input;
    thread_local! {
        static KEY: PublicKey = {
            let pem = include_bytes!("../../testdata/keys/agent-a2048.pem");
            Certificate::from_pem::<AwsLc>(pem).expect("it is well formed").public_key().clone()
        };
    }
    let Ok(envelope) = Envelope::parse(bytes) else {
        return;
    };
    let Ok(pending) = KEY.with(|key| envelope.pending(key)) else {
        return;
    };
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
