//! Many messages behind one RSA operation.

use sealpost_envelope::{
    Envelope, Error, OpenError, Sealer, SecretContext, backend::Backend, native::Opener,
};

use super::{identity, recipient, rng};

const NAMES: [&str; 5] = ["a", "b", "c", "d", "e"];

fn sealed<B: Backend>(seed: u64) -> Vec<u8> {
    let mut out = Vec::new();
    let mut sealer = Sealer::new(&[recipient::<B>("a2048")], &mut rng(seed), &mut out).unwrap();
    for name in &NAMES[..4] {
        sealer
            .seal(&context(name), name.as_bytes(), &mut out)
            .unwrap();
    }
    sealer.seal_last(&context("e"), b"e", &mut out).unwrap();
    out
}

fn context(name: &str) -> SecretContext<'_> {
    SecretContext::unchecked("agent-1", name)
}

fn opener<B: Backend>(envelope: &Envelope<'_>) -> Opener<B> {
    let identity = identity::<B>("a2048");
    envelope
        .pending(identity.public_key())
        .unwrap()
        .decrypt(&identity, &mut rng(9))
        .unwrap()
}

pub(crate) fn opens_in_order_and_at_random<B: Backend>() {
    let bytes = sealed::<B>(1);
    let envelope = Envelope::parse(&bytes).unwrap();
    assert_eq!(envelope.version(), 1);
    assert_eq!(envelope.message_count(), 5);
    assert!(envelope.is_complete());
    for (index, frame) in (0..).zip(envelope.frames()) {
        assert_eq!(
            (frame.index(), frame.is_last(), frame.padded_len()),
            (index, index == 4, 256)
        );
    }
    let opener = opener::<B>(&envelope);

    let mut sequence = opener.sequence(&envelope);
    for name in NAMES {
        assert_eq!(
            &*sequence.open_next(&context(name)).unwrap().unwrap(),
            name.as_bytes()
        );
    }
    assert!(sequence.open_next(&context("f")).is_none());
    sequence.finish().unwrap();

    let frame = envelope.frames().nth(3).unwrap();
    assert_eq!(&*opener.open(&frame, &context("d")).unwrap(), b"d");
    assert_eq!(opener.open(&frame, &context("c")).unwrap_err(), OpenError);
    assert_eq!(
        envelope.single().unwrap_err(),
        Error::NotSingle { messages: 5 }
    );
}

pub(crate) fn notices_every_way_to_cut<B: Backend>() {
    let bytes = sealed::<B>(2);
    let frame = (bytes.len() - Envelope::parse(&bytes).unwrap().header_bytes().len()) / 5;

    // At a frame's border the rest still parses; that it is cut shows at the end.
    let cut = &bytes[..bytes.len() - frame];
    let envelope = Envelope::parse(cut).unwrap();
    assert!(!envelope.is_complete());
    let opener = opener::<B>(&envelope);
    let mut sequence = opener.sequence(&envelope);
    for name in &NAMES[..4] {
        sequence.open_next(&context(name)).unwrap().unwrap();
    }
    assert!(sequence.open_next(&context("e")).is_none());
    assert_eq!(sequence.finish().unwrap_err(), Error::Cut { messages: 4 });

    // Marking an earlier message as the last one breaks its commitment.
    let mut forged = cut.to_vec();
    let at = forged.len() - frame + 4;
    forged[at] = 1;
    let envelope = Envelope::parse(&forged).unwrap();
    assert!(envelope.is_complete());
    let last = envelope.frames().nth(3).unwrap();
    assert_eq!(opener.open(&last, &context("d")).unwrap_err(), OpenError);

    // A message that does not open leaves the sequence unfinished.
    let envelope = Envelope::parse(&bytes).unwrap();
    let mut sequence = opener.sequence(&envelope);
    for name in ["a", "x", "c", "d", "e"] {
        assert_eq!(
            sequence.open_next(&context(name)).unwrap().is_ok(),
            name != "x"
        );
    }
    assert_eq!(sequence.finish().unwrap_err(), Error::Cut { messages: 4 });
}

pub(crate) fn refuses_moved_and_mixed_messages<B: Backend>() {
    let (one, two) = (sealed::<B>(3), sealed::<B>(4));
    let header = Envelope::parse(&one).unwrap().header_bytes().len();
    let frame = (one.len() - header) / 5;

    // Frame 1 of another envelope for the same recipient.
    let mut mixed = one.clone();
    mixed[header + frame..header + 2 * frame].copy_from_slice(&two[header + frame..][..frame]);
    let envelope = Envelope::parse(&mixed).unwrap();
    let opener = opener::<B>(&envelope);
    let foreign = envelope.frames().nth(1).unwrap();
    assert_eq!(opener.open(&foreign, &context("b")).unwrap_err(), OpenError);
    let own = envelope.frames().nth(2).unwrap();
    opener.open(&own, &context("c")).unwrap();

    // Frame 1 in the place of frame 2, renumbered.
    let mut moved = one.clone();
    moved.copy_within(header + frame..header + 2 * frame, header + 2 * frame);
    moved[header + 2 * frame + 3] = 2;
    let envelope = Envelope::parse(&moved).unwrap();
    let frame = envelope.frames().nth(2).unwrap();
    assert_eq!(opener.open(&frame, &context("b")).unwrap_err(), OpenError);
}

pub(crate) fn a_sealer_ends<B: Backend>() {
    // `seal_last` consumes the sealer: nothing can follow. What a caller can do is forget it.
    let mut out = b"before".to_vec();
    let mut sealer = Sealer::new(&[recipient::<B>("a2048")], &mut rng(5), &mut out).unwrap();
    sealer.seal(&context("a"), b"a", &mut out).unwrap();
    drop(sealer);
    let envelope = Envelope::parse(&out[6..]).unwrap();
    assert_eq!(envelope.single().unwrap_err(), Error::Cut { messages: 1 });
}
