//! The native envelope: its bytes, its text, and opening it.

use sealpost_envelope::{
    AwsLc, AwsLcRng, Envelope, RustCrypto, SecretContext,
    backend::Backend,
    key::KeyAnswer,
    native::{Opener, Pending},
    open, text,
};

use crate::{
    allocations::bounded,
    input,
    keys::{AWS_LC, PUBLIC, RUST_CRYPTO},
    seeds,
};

/// The context that seeds are sealed for.
pub(crate) const CONTEXT: SecretContext<'_> =
    SecretContext::unchecked("agent-1", "db-login").with_unchecked_key("password");

/// What parses, written again from its parts, is the same bytes; no key is needed for that, and no memory.
pub(crate) fn parse(bytes: &[u8]) {
    let Ok(envelope) = bounded(bytes.len(), 0, 0, || Envelope::parse(bytes)) else {
        return;
    };
    let mut again = b"sealpost\x01".to_vec();
    again.push(u8::try_from(envelope.stanzas().count()).expect("at most 16"));
    for stanza in envelope.stanzas() {
        again.push(stanza.type_number());
        again.extend(stanza.key_id().as_bytes());
        let length = u16::try_from(stanza.body().len()).expect("a u16 on the wire");
        again.extend(length.to_be_bytes());
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
    let single = envelope.single();
    assert_eq!(single.is_ok(), last && envelope.message_count() == 1);
    // A byte fewer or more leaves the last frame cut, begins another one, or stands behind the end.
    assert!(Envelope::parse(&bytes[..bytes.len() - 1]).is_err());
    assert!(Envelope::parse(&[bytes, &[0]].concat()).is_err());
}

/// What decodes, encoded again, is the same text.
pub(crate) fn text_form(bytes: &[u8]) {
    let Ok(line) = str::from_utf8(bytes) else {
        return;
    };
    if let Ok(decoded) = bounded(line.len(), 1, 8, || text::decode(line)) {
        assert_eq!(text::encode(&decoded), line);
    }
    assert_eq!(text::decode(&text::encode(bytes)).as_deref(), Ok(bytes));
}

/// Opening with a key that is not asked. The input is what the key is said to have decrypted, and the frames that
/// follow a right header. Nothing opens, since nothing was sealed.
pub(crate) fn open_stubbed(bytes: &[u8]) {
    let Some((block, frames)) = input::two(bytes) else {
        return;
    };
    let key_id = PUBLIC.key_id();
    let start: &[u8] = b"sealpost\x01\x01\x01";
    let header = [start, key_id.as_bytes(), &[1, 0], &[2; 256]].concat();
    let bytes = [&header, frames].concat();
    let Ok(envelope) = Envelope::parse(&bytes) else {
        return;
    };
    let pending = envelope.pending(&PUBLIC).expect("the header is right");
    assert_eq!(pending.encapsulation(), [2; 256]);
    opens_nothing::<AwsLc>(&pending, &envelope, block);
    opens_nothing::<RustCrypto>(&pending, &envelope, block);
}

fn opens_nothing<B: Backend>(pending: &Pending<'_>, envelope: &Envelope<'_>, block: &[u8]) {
    for answer in [KeyAnswer::Seed(block), KeyAnswer::Rejected] {
        let opener: Opener<B> = pending
            .finish(answer, &mut AwsLcRng)
            .expect("the generator works");
        let mut sequence = opener.sequence(envelope);
        while let Some(opened) = sequence.open_next(&CONTEXT) {
            assert!(opened.is_err(), "a message opened that nobody sealed");
        }
        assert!(sequence.finish().is_err());
    }
    let unavailable = pending.finish::<B, _>(KeyAnswer::Unavailable, &mut AwsLcRng);
    assert!(unavailable.is_err());
}

/// Opening with a real key, by both libraries: the same answer, and only what was sealed opens.
pub(crate) fn open_with_keys(bytes: &[u8]) {
    let first = open(AWS_LC.current(), bytes, &CONTEXT, &mut AwsLcRng);
    let second = open(RUST_CRYPTO.current(), bytes, &CONTEXT, &mut AwsLcRng);
    match (first, second) {
        (Ok(first), Ok(second)) => {
            assert_eq!(*first, *second);
            let sealed = seeds::sealed();
            assert!(
                sealed.iter().any(|sealed| sealed == bytes),
                "an envelope opened that nobody sealed"
            );
        }
        (Err(first), Err(second)) => assert_eq!(first, second),
        (first, second) => panic!("{first:?} and {second:?}"),
    }
}
