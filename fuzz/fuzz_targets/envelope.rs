//! Envelope: what parses, written again from its parts, is the same bytes; and no key is needed for that.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sealpost_envelope::Envelope;

fuzz_target!(|bytes: &[u8]| {
    let Ok(envelope) = Envelope::parse(bytes) else {
        return;
    };
    let mut again = b"sealpost\x01".to_vec();
    again.push(u8::try_from(envelope.stanzas().count()).expect("at most 16"));
    for stanza in envelope.stanzas() {
        again.push(stanza.type_number());
        again.extend(stanza.key_id().as_bytes());
        again.extend(
            u16::try_from(stanza.body().len())
                .expect("a u16 on the wire")
                .to_be_bytes(),
        );
        again.extend(stanza.body());
    }
    assert_eq!(again, envelope.header_bytes());
    let mut last = false;
    for frame in envelope.frames() {
        assert!(!last, "nothing follows the last message");
        last = frame.is_last();
        again.extend(frame.index().to_be_bytes());
        again.push(u8::from(last));
        again.extend(frame.commitment());
        let length = u32::try_from(frame.padded_len() + 16).expect("a u32 on the wire");
        again.extend(length.to_be_bytes());
        again.extend(frame.ciphertext());
        again.extend(frame.tag());
    }
    assert_eq!(again, bytes);
    assert_eq!(last, envelope.is_complete());
    assert_eq!(envelope.frames().count(), envelope.message_count() as usize);
});
